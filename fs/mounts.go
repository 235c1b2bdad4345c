package fs

import "github.com/imagefs/imagefs/mountinfo"

// subtype makes the type of our mounts fuse.imagefs.
const subtype = "imagefs"

// mounted tells whether one of our file systems, alive or dead, is mounted at dir, without touching it.
func mounted(dir string) (bool, error) {
	mounts, err := mountinfo.All()
	if err != nil {
		return false, err
	}
	for _, m := range mounts {
		if m.Point == dir && m.Type == "fuse."+subtype {
			return true, nil
		}
	}
	return false, nil
}
