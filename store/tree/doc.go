// Package tree merges layers into the filesystem that a container would see, as a flat table in one file, and answers
// what lstat(2), readlink(2), readdir(3) and listxattr(2) ask of it. A file's content is its layer's: [Origin] says where.
//
// [Build] applies layers, base first, as the OCI image specification's layer document says, and writes the table;
// [Open] maps it. A node is named by its position in the table; the root is 0 and the children of a directory are one
// contiguous run, sorted by the bytes of their names. The table holds names and structure; attributes and content stay
// in the layers, so that a node costs some thirty bytes and its name.
//
// A node that is not a directory has an [Origin]: the layer and the entry that it comes from. Two trees on the same
// base layers give such a node the same Origin, and it has the same content, attributes and link count in both: that is
// what lets images share inodes. A hard-link group that another layer broke or extended is [Origin.Own].
//
// The package knows nothing of images, the store or FUSE.
package tree
