package mountinfo

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestParse(t *testing.T) {
	const text = `22 27 0:21 / /proc rw,relatime - proc proc rw
36 35 0:30 / /home/a\040b\134c rw,nosuid shared:1 master:2 - fuse.imagefs imagefs rw,user_id=0
37 35 0:31 / /x rw - overlay /run/a\054b rw,lowerdir=/l - odd
broken
`
	want := []Mount{
		{"/proc", "proc", "proc"}, {`/home/a b\c`, "fuse.imagefs", "imagefs"}, {"/x", "overlay", "/run/a,b"},
	}
	if diff := cmp.Diff(want, parse(text)); diff != "" {
		t.Error(diff)
	}
}

func TestAll(t *testing.T) {
	all, err := All()
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range all {
		if m.Point == "/proc" && m.Type == "proc" {
			return
		}
	}
	t.Errorf("no /proc in %v", all)
}

func TestUnescape(t *testing.T) {
	for in, want := range map[string]string{
		`/mnt`: "/mnt", `/a\040b`: "/a b", `/a\134b`: `/a\b`, `/tab\011`: "/tab\t", `/end\04`: `/end\04`, `/x\999`: `/x\999`,
	} {
		if got := unescape(in); got != want {
			t.Errorf("unescape(%q) = %q, want %q", in, got, want)
		}
	}
}
