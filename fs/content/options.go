package content

import "github.com/hanwen/go-fuse/v2/fuse"

// maxRead is the most bytes that one READ asks for. It is what the kernel's readahead asks for; with 960 KiB nothing was
// measured to be faster.
const maxRead = 128 << 10

// background is how many readahead requests the kernel has under way before it makes readers wait.
const background = 64

// MountOptions is what the kernel is told when the content tree is mounted.
func MountOptions() *fuse.MountOptions {
	return &fuse.MountOptions{
		MaxWrite:                 maxRead,
		MaxBackground:            background,
		EnableSymlinkCaching:     true,
		ExplicitDataCacheControl: true, // Changed says what to forget
		IgnoreSecurityLabels:     false,
	}
}
