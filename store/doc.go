// Package store keeps images on disk: an OCI image layout, which is the truth, and what is derived from it.
//
//	ROOT/oci-layout  index.json   the layout; a reference is a descriptor annotated with its name
//	ROOT/blobs/sha256/…           the bytes as they were pulled
//	ROOT/numbers                  the numbers of images and chains, never given twice; made with the root
//	ROOT/lock                     flock(2): held by whoever writes numbers or index.json
//	ROOT/ingest/<hex>             a download in progress, resumable, and <hex>.lock: an flock on it while it runs
//	ROOT/ingest/tmp-…             what a process has no name for yet, and tmp-….lock: an flock on it while it lives
//	ROOT/layers/<diffID>/         derived: see package layer
//	ROOT/files/sha256/…           derived: large files, shared by layers
//	ROOT/trees/<chainID>          derived: see package tree; <chainID>.diff is its last layer alone
//	ROOT/trees/no-layers          derived: the tree of images without layers
//	ROOT/checksums/sha256/…       derived: a CRC-32C for each 64 KiB of a blob
//
// A reference has the annotations org.opencontainers.image.ref.name and io.containerd.image.name, both its full name, and
// io.imagefs.updated. Names that other programs wrote are normalised as docker does, "v1" to docker.io/library/v1:latest;
// what cannot be a name is an image without one. Manifests of docker's schema 2 are kept as they are, byte for byte;
// skopeo and umoci look for OCI's media types only, and do not find those by name.
//
// Publication is atomic: temporary file, fsync, rename, fsync of the directory, and the reference last, so a reader sees
// the old state or the new one and takes no lock. A state is a [Snapshot], which never changes. Several processes may
// share a root: writers take the lock, the others watch index.json ([Store.Watch]). Nothing of a root is opened that is
// not a regular file.
//
// Lock order: an ingest's lock, then ROOT/lock, then Store.mu. The locks of a cache, and of scratch, are taken last; that
// of a tree before those of its layers.
//
// The package knows nothing of registries or FUSE.
package store
