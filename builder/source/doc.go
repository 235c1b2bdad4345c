// Package source is where COPY and ADD take files from: a directory, a tar, an image or a stage, or a single file of which
// the Dockerfile or a server has the content. Each is a [Tree].
//
// No path leads out of a tree: symlinks are followed by [Resolve] alone, as if the tree were the root directory, and a
// directory is read through an [os.Root], which refuses those that appear meanwhile.
package source
