package fs

import (
	"slices"

	"github.com/moby/sys/mountinfo"
)

// subtype makes the type of our mounts fuse.imagefs.
const subtype = "imagefs"

// mounted tells whether one of our file systems, alive or dead, is mounted at dir, without touching it.
func mounted(dir string) (bool, error) {
	mounts, err := mountinfo.GetMounts(mountinfo.FSTypeFilter("fuse." + subtype))
	return slices.ContainsFunc(mounts, func(m *mountinfo.Info) bool { return m.Mountpoint == dir }), err
}
