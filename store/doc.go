// Package store keeps images on disk: an OCI image layout, which is the truth, and what is derived from it.
//
//	ROOT/oci-layout  index.json   the layout; a reference is a descriptor annotated with its name
//	ROOT/blobs/sha256/…           the bytes as they were pulled
//	ROOT/numbers                  the numbers of images and chains, never given twice
//	ROOT/lock                     flock(2): held by whoever writes
//	ROOT/ingest/…                 downloads in progress, resumable; an flock on each while it runs
//	ROOT/layers/<diffID>/         derived: see package layer
//	ROOT/files/sha256/…           derived: large files, shared by layers
//	ROOT/trees/<chainID>          derived: see package tree; <chainID>.diff is its last layer alone
//	ROOT/checksums/sha256/…       derived: a CRC-32C for each 64 KiB of a blob
//
// Publication is atomic: temporary file, fsync, rename, fsync of the directory, and the reference last, so a reader sees
// the old state or the new one and takes no lock. A state is a [Snapshot], which never changes. Several processes may
// share a root: writers take the lock, the others watch index.json ([Store.Watch]).
//
// Lock order: an ingest's lock, then ROOT/lock, then Store.mu.
//
// The package knows nothing of registries or FUSE.
package store
