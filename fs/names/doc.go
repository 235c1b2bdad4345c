// Package names is the tree that is mounted where the user asked for it: registries, repositories and tags, and the
// control files of package control.
//
// [View] is the part that shows the store: a pure function of one snapshot, which answers io/fs's interfaces. [FS] joins
// it with the control files and answers the kernel; it knows no image. What ln, mv, rm, mkdir and rmdir ask for are calls
// of the engine's ([Changer]) where the store is to change, and otherwise a part of [Made]: see change.go.
//
// A node id is the hash of the node's path, so any server gives a path the same id:
//
//	bits 63…12  FNV-1a of the path below the mount point; the root is 1 instead
//	bits 11…0   of a listed symlink a hash of its target, of other symlinks and of control files a serial number,
//	            otherwise 0
//
// A control file gets another serial number each time that it is looked up, because the kernel holds an inode's lock
// while it waits for a write to be answered, and truncates (that is, opens with ">") under the same lock: two shells
// that write to one inode would wait for each other where no signal reaches them. Two paths with the same hash are not
// confused: the one that comes second is answered EIO.
//
// The kernel keeps directories, listed symlinks and their targets for a second, and nothing else: it asks for everything
// else each time, and is told when a symlink changes ([FS.Changed]), so that what another process does is seen at once.
// A request for a node that is not there any more, or leads elsewhere by now, is answered ESTALE: the kernel then looks
// the name up anew.
//
// Lock order: kernel.mu, then making.mu or ids.mu. No lock is held while the engine works.
package names
