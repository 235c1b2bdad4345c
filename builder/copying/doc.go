// Package copying is what COPY and ADD do: it finds the files that are meant ([Find]), says by a digest what they are, which
// is what a cache goes by, and writes the layer that puts them over a file system ([Found.WriteLayer]), as a tar. Nothing is
// mounted and nobody needs to be root: what is there below is known from the tree alone.
//
// Where docker's classic builder and BuildKit differ, it does as BuildKit.
package copying
