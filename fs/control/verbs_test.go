package control

import (
	"errors"
	"os"
	"strings"
	"testing"

	"github.com/imagefs/imagefs"
	"github.com/imagefs/imagefs/fs/errno"
)

// badLines is a line for each way not to be understood, and what its error says. docs/errors.md has the same.
var badLines = []struct{ line, says string }{
	{"pull", "the image is missing"},
	{"pull a b", "one image a line, please"},
	{"pull --bad a", "unknown option: --bad"},
	{"pull a -d", "-d must be the first word"},
	{"pull --platform", "--platform needs an argument"},
	{"pull -a=perhaps a", "-a is on or off: true or false, not \"perhaps\""},
	{"pull --platform x --all-platforms a", "--platform and --all-platforms exclude each other"},
	{"pull 'a", "unbalanced quotes or a backslash at the end"},
	{"push", "the image is missing"},
	{"push a b", "one image a line, please"},
	{"tag", "the source image is missing"},
	{"tag a", "the target's name is missing"},
	{"tag a b c", "one source and one target a line, please"},
	{"rmi -f", "the image is missing"},
	{"prune a", "prune takes options only"},
	{"prune --keep-storage lots", "invalid size: 'lots'"},
	{"prune builder a", "prune takes options only"},
	{"prune builder --keep-storage lots", "invalid size: 'lots'"},
	{"save", "the archive's name is missing"},
	{"save x.tar", "the image is missing"},
	{"save a/x.tar web", "the archive's name has no slash: \"a/x.tar\""},
	{"save .x web", "the archive's name does not begin with a dot: \".x\""},
	{"save --format zip x.tar web", "the format is docker-archive or oci-archive, not \"zip\""},
	{"load", "the path is missing"},
	{"load a b", "one path a line, please"},
	{"build", "the path is missing"},
	{"build a b", "one path a line, please"},
	{"import", "the path is missing"},
	{"import a b c", "one path and one name a line, please"},
	{"search", "the term is missing"},
	{"search --limit 0 a", "the limit is a number from 1 on, not \"0\""},
	{"create", "the image is missing"},
	{"create a b", "one image a line, please"},
	{"commit", "the container is missing"},
	{"commit a b c", "one container and one name a line, please"},
	{"rm -f", "the container is missing"},
	{"cancel", "the job is missing"},
	{"cancel x", "a job is a number, not \"x\""},
}

func TestBadLines(t *testing.T) {
	page, err := os.ReadFile("../../docs/errors.md")
	if err != nil {
		t.Fatal(err)
	}
	tree := newTree(t, &fakeEngine{}, t.TempDir())
	_, rows, _ := strings.Cut(string(page), "\n## Lines that cannot be understood\n")
	rows, _, _ = strings.Cut(rows, "\n## ")
	if n := strings.Count(rows, "\n| `"); n != len(badLines) {
		t.Errorf("the page has %d rows, not %d", n, len(badLines))
	}
	for i, c := range badLines {
		if row := "\n| `" + c.line + "` | `" + c.says + "` |\n"; !strings.Contains(rows, row) {
			t.Errorf("the page lacks %s", row)
		}
		verb, line, _ := strings.Cut(c.line, " ")
		s := open(t, tree, "ctl/"+verb, uint64(i+1))
		if _, err := s.Write(t.Context(), Call{Unique: uint64(1000 + i)}, []byte(line)); err != errno.Of(invalid("", "", "x")) {
			t.Errorf("%s: %v", c.line, err)
		}
		p := make([]byte, 1000)
		n, err := s.Read(t.Context(), Call{Writable: true, Unique: uint64(2000 + i)}, p, 0)
		if got := string(p[:n]); err != nil || !strings.HasPrefix(got, "error: "+c.says+" (") && !strings.HasPrefix(got, "error: "+c.says+"\n") {
			t.Errorf("%s: %s, %v", c.line, got, err)
		}
	}
}

func TestCauses(t *testing.T) {
	err := errors.Join(
		&imagefs.Error{Kind: imagefs.NotFound, Subject: "a", Err: errors.New("no a"), Hint: "h"},
		&imagefs.Error{Kind: imagefs.InUse, Subject: "b", Err: errors.New("b is used")},
	)
	j := newJob(request{Job: 1})
	j.finish(err)
	if got, want := string(j.result()), "error: no a\nerror: b is used (h)\n"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}
