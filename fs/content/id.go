package content

import "github.com/hanwen/go-fuse/v2/fuse"

// Bits of a node id's local half, and what they leave for the rest.
const (
	treeBit   = 1 << 31 // a node of a tree: a directory's, or a hard-link group's
	diffBit   = 1 << 30 // with treeBit, for a chain: the tree is that of the topmost layer alone
	firstBlob = 1 << 16
	maxGroup  = diffBit - 1
)

const rootID = fuse.FUSE_ROOT_ID

func nodeID(number, local uint32) uint64 { return uint64(number)<<32 | uint64(local) }

func splitID(id uint64) (number, local uint32) { return uint32(id >> 32), uint32(id) }
