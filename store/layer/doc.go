// Package layer keeps one unpacked layer as three flat files, and reads it back: its entries, the bytes of its files,
// and the original tar stream at any offset.
//
// A layer is identified by its diffID, the sha256 of its uncompressed tar. [Unpack] makes its directory in one
// sequential pass over that tar; [Open] maps it. Nothing in the directory changes afterwards.
//
//	DIR/index      the entries, in the order of the archive, checksummed, mapped into memory
//	DIR/pack       the payloads of small files, one after the other
//	DIR/tar-split  everything of the archive that is not a payload: headers, padding, the end
//
// Payloads of [LargeSize] bytes and more go to a [LargeFiles], where layers share them. A layer whose blob is itself
// uncompressed has neither pack nor tar-split: its index points into the blob.
//
// Everything that is read is checked by a CRC-32C (Castagnoli) first. A mismatch, and a file that ends too early, is a
// [*CorruptError]; wrong bytes are never returned.
//
// The package knows nothing of images, registries or FUSE.
package layer
