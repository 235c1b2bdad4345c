// Package archive writes images of a store as the archives that other programs load, and reads those back.
//
// An [Archive] is a tar that is never stored: a list of segments, of which headers and documents are in memory, and layers
// and blobs are read from the store. Its size is known, any part of it can be read, and it is the same to the byte each
// time: all entries are of the epoch, in the order of the images.
//
//	docker-archive           oci-archive
//	manifest.json            oci-layout
//	<hex of the ID>.json     index.json
//	<hex of the diffID>/     blobs/sha256/<hex>: manifests, configs, layers
//	  layer.tar
//
// The first is what `docker save` wrote until version 24, without the files that only docker before 1.10 read, and with
// manifest.json at its beginning, so that who reads a stream knows what comes. Its layers are not compressed. The second
// is an OCI image layout; manifests and layers are the bytes as they were pulled. An entry of its index.json has the
// annotations org.opencontainers.image.ref.name and io.containerd.image.name, both the full name: podman goes by the one,
// containerd and docker by the other.
//
// A layer that is left out is missing from the archive only: manifest.json and manifests name it all the same. Whoever
// loads such an archive takes it from its store, as docker does.
//
// [Read] understands what docker, podman, skopeo, umoci and bazel write: both kinds, and archives that are both at once
// (docker 25 and later), of which the OCI manifests are used; compressed as a whole or layer by layer; with layers that
// are links to other entries. Names of entries are keys and nothing else: no entry is ever written to a path, or followed
// to one. [ReadFile] does the same with a file, of which it reads only what the store lacks, or a directory.
//
// Nothing of what was read is in the store before [Contents.Publish].
package archive
