// Package mountinfo reads what is mounted in this process's mount namespace, without touching it: /proc/self/mountinfo,
// as proc_pid_mountinfo(5) describes it.
package mountinfo

import (
	"os"
	"strconv"
	"strings"
)

// Mount is one line.
type Mount struct {
	Point  string // where it is mounted
	Type   string // of the file system, as fuse.imagefs
	Source string
}

// All returns the mounts in the order in which they were made.
func All() ([]Mount, error) {
	text, err := os.ReadFile("/proc/self/mountinfo")
	if err != nil {
		return nil, err
	}
	return parse(string(text)), nil
}

func parse(text string) (all []Mount) {
	for line := range strings.Lines(text) {
		// The mount point is field 5; the type and the source follow the separator.
		before, after, ok := strings.Cut(line, " - ")
		fields, rest := strings.Fields(before), strings.Fields(after)
		if ok && len(fields) > 4 && len(rest) > 1 {
			all = append(all, Mount{Point: unescape(fields[4]), Type: rest[0], Source: unescape(rest[1])})
		}
	}
	return all
}

// unescape undoes octal escapes.
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
