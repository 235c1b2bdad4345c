// Package layertest makes layers for tests: tar streams from descriptions of their entries, and a place for large files.
//
//	tar := layertest.Tar(t,
//		layertest.Dir("etc"),
//		layertest.File("etc/hostname", "box"),
//		layertest.Link("etc/name", "etc/hostname"),
//		layertest.Whiteout("etc/motd"))
//	l := layertest.Unpack(t, tar)
package layertest
