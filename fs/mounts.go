package fs

import (
	"os"
	"strconv"
	"strings"
)

// subtype makes the type of our mounts fuse.imagefs.
const subtype = "imagefs"

// mounted tells whether one of our file systems, alive or dead, is mounted at dir, without touching it.
func mounted(dir string) (bool, error) {
	text, err := os.ReadFile("/proc/self/mountinfo")
	if err != nil {
		return false, err
	}
	for line := range strings.Lines(string(text)) {
		// proc_pid_mountinfo(5): the mount point is field 5, and the type is the first field after the separator.
		before, after, ok := strings.Cut(line, " - ")
		fields := strings.Fields(before)
		if ok && len(fields) > 4 && unescape(fields[4]) == dir && strings.HasPrefix(after, "fuse."+subtype+" ") {
			return true, nil
		}
	}
	return false, nil
}

// unescape undoes the octal escapes of /proc/self/mountinfo.
func unescape(s string) string {
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		if s[i] == '\\' && i+3 < len(s) {
			if n, err := strconv.ParseUint(s[i+1:i+4], 8, 8); err == nil {
				b.WriteByte(byte(n))
				i += 3
				continue
			}
		}
		b.WriteByte(s[i])
	}
	return b.String()
}
