// Package content answers the kernel for the content tree: one directory for each image, by its ID, with its metadata,
// its merged filesystem, its layers, and itself as an OCI layout.
//
// Nothing in the tree changes but the files that tell of tags and of other images (inspect.json, image.tar, oci.tar,
// platforms), and images appear and disappear. So the kernel may keep everything for ever; [FS.Changed] tells it what
// to forget. No state is kept for an open file or directory: OPEN, OPENDIR and FLUSH answer ENOSYS, which makes the
// kernel stop asking.
//
// # Images that are gone
//
// An image that was removed from the store has no name any more, but its nodes answer as long as the kernel knows one
// of them: somebody has a file open, or stands in a directory. The store keeps what is pinned, and an image is pinned
// before it is shown ([Pins]). That the last one has left is not told but asked: the kernel knows the directories above
// all that it knows, so it is enough to ask for ID/ ([Notifier].Knows) after it has dropped what it only keeps in its
// caches. No count is kept that a server could take to its grave; its successor finds the image pinned, and asks.
//
// # Node ids
//
// A node id, which is st_ino too, tells by itself what it means, in any process that has the store open:
//
//	63                            32 31                             0
//	[ number                        ][ local: a node of that number  ]
//
//	number          local
//	0               1        the root
//	of an image     0        ID/
//	                1 …      its files, and the directories layers/ and oci/: see the constants in image.go
//	                1<<16+k  oci/blobs/sha256/…: 0 the manifest, 1 the config, 2+i layer i
//	                1<<31+i  rootfs/ and the directories below it: node i of the merged tree
//	of an image's   0        layers/NN-…/
//	layer           1 …      its files: see layerdir.go
//	                1<<31+i  diff/ and the directories below it: node i of the layer's own tree
//	of a chain      e        entry e of the chain's topmost layer, in any rootfs/ or diff/; never a directory
//	                1<<31+i  a hard-link group of the chain's merged tree (tree.Origin.Own) whose first node is i
//	                3<<30+i  a hard-link group of the topmost layer's own tree
//
// The numbers are the store's: see store.Image and store.Chain. So images that share layers share the nodes of the files
// in them, and the kernel keeps one copy of their attributes and pages; a directory belongs to one image. What such a
// shared node tells of its history is taken from the first image that has its chain.
//
// # Concurrency
//
// Requests are answered in place, on any number of goroutines. What they read is immutable and reached through atomic
// pointers; the caches ([texts], [kept]), the names that an image has missed and the log have a mutex each, never held
// while another is taken. FS.renewing comes before them, and before ROOT/lock of the store, for which it is held a second
// at most, and only requests to the root that meet a new image wait for it.
package content
