// Package inflate decodes gzip streams ([RFC 1952], of DEFLATE, [RFC 1951]), as nearly all layers are.
//
// It does what compress/gzip does, with the same judgement of what is valid, and about twice as fast as
// klauspost/compress, the fastest library there is: nothing else takes as long in a pull. Three things make it fast. Up to
// 64 bits of input are at hand, and are refilled with one load and no branch. A table look-up of 11 bits gives a literal,
// or a length with its extra bits; few codes need a second one. And matches are copied eight bytes at a time, in a window
// that has room beyond its end for what the last copy writes too much.
//
// Input is trusted in nothing: every index is masked or checked, and the package uses no unsafe.
//
// [RFC 1951]: https://www.rfc-editor.org/rfc/rfc1951
// [RFC 1952]: https://www.rfc-editor.org/rfc/rfc1952
package inflate
