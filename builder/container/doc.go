// Package container keeps working containers: a writable view of an image, and what was changed in it.
//
//	ROOT/containers/NAME/config.json   what it is; written once, before NAME appears
//	ROOT/containers/NAME/upper/        what was changed, as overlayfs keeps it; overlayfs's own work is beside it
//	ROOT/containers/NAME/merged/       where the overlay is mounted, over the image's rootfs in a content tree
//	ROOT/containers/NAME/lock          flock(2): held by whoever mounts, reads or removes the container as a whole
//	ROOT/containers/NAME/base/         what the image lacks for a process to run; a lower directory, over the image
//	ROOT/containers/NAME/process       flock(2): held while a process runs in the container; there is none before one has
//	ROOT/containers/NAME/process.json  what became of the last process
//	ROOT/containers/NAME/signals       a named pipe: a byte is the number of a signal for the process
//	ROOT/containers/NAME/run/          package runner's
//	ROOT/containers/NAME/log           the output of a process that nobody waits for, as docker's json-file driver has it
//	ROOT/containers/.…                 on its way to or from a name; garbage if nobody is at work
//
// A container appears and goes by a rename of its directory. Who makes one holds ROOT/lock, under which the store looks
// for the images that containers stand on.
//
// The overlay is mounted without redirects, metacopy and index, so that the upper directory has whole files, and what
// is removed is a whiteout (a character device 0:0) or lies below an opaque directory. [Container.Changes] and
// [Container.WriteLayer] read the upper directory alone, and need no mount.
//
// Nothing is mounted or unmounted by the process that asks for it, because that may be the server behind the lower
// directory: a helper does it, which is this binary with the word [Helper] as its first argument.
//
// Lock order: a container's lock, then ROOT/lock.
package container
