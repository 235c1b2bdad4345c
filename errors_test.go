package imagefs_test

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"

	"github.com/imagefs/imagefs"
	"github.com/imagefs/imagefs/fs/errno"
	"github.com/imagefs/imagefs/registry"
	"github.com/imagefs/imagefs/store"
	"github.com/imagefs/imagefs/store/layer"
)

func TestKindOf(t *testing.T) {
	for _, test := range []struct {
		err  error
		kind imagefs.Kind
	}{
		{nil, imagefs.Internal},
		{errors.New("x"), imagefs.Internal},
		{&imagefs.Error{Kind: imagefs.InUse, Err: errors.New("x")}, imagefs.InUse},
		{&imagefs.Error{Err: syscall.ENOSPC}, imagefs.NoSpace},
		{context.Canceled, imagefs.Canceled},
		{context.DeadlineExceeded, imagefs.TimedOut},
		{&fs.PathError{Op: "write", Path: "x", Err: syscall.ENOSPC}, imagefs.NoSpace},
		{syscall.EDQUOT, imagefs.NoSpace},
		{&net.OpError{Op: "dial", Err: os.NewSyscallError("connect", syscall.ECONNREFUSED)}, imagefs.Refused},
		{syscall.ENETUNREACH, imagefs.Unreachable},
		{&net.DNSError{IsNotFound: true}, imagefs.Unreachable},
		{&net.DNSError{IsTimeout: true}, imagefs.Unreachable},
		{registry.ErrStalled, imagefs.TimedOut},
		{registry.ErrUnauthorized, imagefs.Denied},
		{registry.ErrDenied, imagefs.Denied},
		{registry.ErrTooLarge, imagefs.Corrupt},
		{registry.ErrTruncated, imagefs.Corrupt},
		{registry.ErrProtocol, imagefs.Corrupt},
		{registry.ErrNotFound, imagefs.NotFound},
		{registry.ErrUnavailable, imagefs.Unavailable},
		{registry.ErrUnsupported, imagefs.Unsupported},
		{errors.Join(registry.ErrUnavailable, syscall.ECONNREFUSED), imagefs.Refused},
		{store.ErrNotFound, imagefs.NotFound},
		{&store.DigestError{}, imagefs.Corrupt},
		{&store.UnsupportedError{}, imagefs.Unsupported},
		{&layer.FormatError{}, imagefs.Corrupt},
		{&layer.CorruptError{}, imagefs.Corrupt},
		{fs.ErrPermission, imagefs.Denied},
		{syscall.EROFS, imagefs.Denied},
		{fs.ErrNotExist, imagefs.NotFound},
	} {
		if got := imagefs.KindOf(test.err); got != test.kind {
			t.Errorf("%v: %v, want %v", test.err, got, test.kind)
		}
		if test.err == nil {
			continue
		}
		if got := imagefs.KindOf(fmt.Errorf("in other words: %w", test.err)); got != test.kind {
			t.Errorf("wrapped %v: %v, want %v", test.err, got, test.kind)
		}
	}
}

// TestErrorsTable compares docs/errors.md with what it describes.
func TestErrorsTable(t *testing.T) {
	page := errorsPage(t)
	kinds, pulls := page["Kinds"], page["Pulls that fail"]
	for kind := imagefs.Internal; kind <= imagefs.Canceled; kind++ {
		row := kinds[kind.String()]
		if row == nil {
			t.Errorf("kind %v has no row", kind)
			continue
		}
		err := &imagefs.Error{Kind: kind, Err: errors.New("x")}
		name := strings.Replace(unix.ErrnoName(errno.Of(err)), "ENOTSUP", "EOPNOTSUPP", 1) // the same number
		if row[1] != name {
			t.Errorf("%v is %s, says the page; it is %s", kind, row[1], name)
		}
		exit := 1
		if kind == imagefs.Canceled {
			exit = 130
		}
		if row[2] != strconv.Itoa(exit) {
			t.Errorf("%v ends with %s, says the page; it is %d", kind, row[2], exit)
		}
		if hint := imagefs.Hints[kind]; hint != "" && row[4] != hint {
			t.Errorf("%v: %s", kind, cmp.Diff(row[4], hint))
		}
	}
	if len(kinds) != int(imagefs.Canceled)+1 || len(pulls) != len(failingPulls) {
		t.Errorf("%d kinds and %d failing pulls on the page", len(kinds), len(pulls))
	}
	for _, test := range failingPulls {
		row := pulls[test.name]
		if row == nil || row[1] != test.kind.String() || row[2] != "`"+test.says+"`" {
			t.Errorf("%s: %v, %q; the page has %q", test.name, test.kind, test.says, row)
		}
	}
}

// errorsPage is the tables of docs/errors.md: by the heading above each, its rows by their first column.
func errorsPage(t *testing.T) map[string]map[string][]string {
	t.Helper()
	text, err := os.ReadFile("docs/errors.md")
	if err != nil {
		t.Fatal(err)
	}
	page, heading := make(map[string]map[string][]string), ""
	for line := range strings.Lines(string(text)) {
		if title, ok := strings.CutPrefix(line, "## "); ok {
			heading = strings.TrimSpace(title)
			page[heading] = make(map[string][]string)
		}
		cells := strings.Split(strings.Trim(strings.TrimSpace(line), "|"), "|")
		for i := range cells {
			cells[i] = strings.TrimSpace(cells[i])
		}
		if len(cells) >= 3 && cells[1] != "kind" && cells[0] != "kind" && cells[0] != "---" {
			page[heading][cells[0]] = cells
		}
	}
	return page
}

// failure is a row of docs/errors.md, and what happened.
type failure struct {
	name string
	kind imagefs.Kind
	says string
	err  error
}

// checkFailures compares what happened with the table under a heading of docs/errors.md.
func checkFailures(t *testing.T, heading string, failures []failure) {
	t.Helper()
	rows := errorsPage(t)[heading]
	for _, f := range failures {
		if imagefs.KindOf(f.err) != f.kind || f.err == nil || !strings.Contains(f.err.Error(), f.says) {
			t.Errorf("%s: got %v (%v), want %q (%v)", f.name, f.err, imagefs.KindOf(f.err), f.says, f.kind)
		}
		if row := rows[f.name]; row == nil || row[1] != f.kind.String() || row[2] != "`"+f.says+"`" {
			t.Errorf("%s: %v, %q; the page has %q", f.name, f.kind, f.says, row)
		}
	}
	if len(rows) != len(failures) {
		t.Errorf("the page has %d rows under %s, not %d", len(rows), heading, len(failures))
	}
}
