// Package store keeps images on disk: an OCI image layout, which is the truth, and what is derived from it.
//
//	ROOT/oci-layout  index.json   the layout; a reference is a descriptor annotated with its name
//	ROOT/blobs/sha256/…           the bytes as they were pulled
//	ROOT/numbers                  the numbers of images and chains, never given twice; made with the root
//	ROOT/lock                     flock(2): held by whoever makes the root or a container, writes numbers or index.json,
//	                              puts a layer in its place, claims, pins or collects
//	ROOT/ingest/<hex>             a download in progress, resumable, and <hex>.lock: an flock on it while it runs
//	ROOT/ingest/tmp-…             what a process has no name for yet, and tmp-….lock: an flock on it while it lives
//	ROOT/ingest/claim-…           what a process needs that is not published yet, and an flock on it while it lives
//	ROOT/mounts/<name>            what a mount shows, and an flock on it while it lives
//	ROOT/reserve                  room on the disk that is given up to remove images when it is full
//	ROOT/events  events.old       the log of events, and an flock on it while a line is added
//	ROOT/containers/<name>/       working containers, of package builder/container: they keep the image they stand on
//	ROOT/layers/<diffID>/         derived: see package layer
//	ROOT/files/sha256/…           derived: large files, shared by layers
//	ROOT/trees/<chainID>          derived: see package tree; <chainID>.diff is its last layer alone
//	ROOT/trees/no-layers          derived: the tree of images without layers
//	ROOT/checksums/sha256/…       derived: a CRC-32C for each 64 KiB of a blob
//	ROOT/compressed/<diffID>      derived: the descriptor of what a push made of an uncompressed layer
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
// Removal: index.json says what is referenced, and [Store.Update] is how references go. [Store.Collect] removes what no
// entry of it leads to, no live claim lists, no live mount pins and no working container stands on. Whoever makes an
// image of what may be stored already claims it before looking, and until it is published ([Store.Claim]). A mount pins an
// image before it shows it ([Pins.Set]), and unpins it when its kernel has forgotten it.
//
// Lock order: an ingest's lock or that of [Pins], then ROOT/lock, then Store.mu. The locks of a cache, of scratch and of
// the events are taken last; that of a tree before those of its layers.
//
// The package knows nothing of registries or FUSE.
package store
