package imagefs

import (
	"archive/tar"
	"bytes"
	"errors"
	"io"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/imagefs/imagefs/builder/source"
)

// TestTrimLayer: what a process did to the places of mounts stays, what was made for it goes.
func TestTrimLayer(t *testing.T) {
	var below bytes.Buffer
	w := tar.NewWriter(&below)
	for _, h := range []tar.Header{
		{Typeflag: tar.TypeDir, Name: "etc/", Mode: 0o755}, {Typeflag: tar.TypeDir, Name: "run/", Mode: 0o755},
		{Typeflag: tar.TypeReg, Name: "etc/hosts", Mode: 0o644},
	} {
		if err := w.WriteHeader(&h); err != nil {
			t.Fatal(err)
		}
	}
	w.Close()
	tree, err := source.OpenTar(&below)
	if err != nil {
		t.Fatal(err)
	}
	defer tree.Close()
	dir := func(name string, mode int64, uid int) *tar.Header {
		return &tar.Header{Typeflag: tar.TypeDir, Name: name + "/", Mode: mode, Uid: uid}
	}
	file := func(name string) *tar.Header { return &tar.Header{Typeflag: tar.TypeReg, Name: name, Mode: 0o644} }
	all := []*tar.Header{
		dir("a", 0o755, 0), dir("a/b", 0o755, 0), // made for the target
		dir("c", 0o755, 0), dir("c/d", 0o755, 0), file("c/made"),
		dir("e", 0o700, 0), dir("e/f", 0o755, 0),
		dir("g", 0o755, 7),
		dir("etc", 0o755, 0), file("etc/hostname"), file("etc/hosts"),
		dir("run", 0o700, 0),
		dir("sys", 0o755, 0),
	}
	write := func(to io.Writer) error {
		w := tar.NewWriter(to)
		for _, h := range all {
			if err := w.WriteHeader(h); err != nil {
				return err
			}
		}
		return w.Close()
	}
	var out bytes.Buffer
	if err := trimLayer(&out, tree, []string{"/a/b", "/c/d", "/e/f", "/g"}, time.Time{}, write); err != nil {
		t.Fatal(err)
	}
	var got []string
	for r := tar.NewReader(&out); ; {
		h, err := r.Next()
		if err != nil {
			break
		}
		got = append(got, h.Name)
	}
	if want := strings.Fields("c/ c/made e/ g/ etc/ etc/hosts run/"); !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
	if err := trimLayer(io.Discard, broken{tree}, nil, time.Time{}, write); !errors.Is(err, syscall.EIO) {
		t.Errorf("of a tree that cannot be read: %v", err)
	}
}

// broken is a tree of which nothing can be learned.
type broken struct{ source.Tree }

func (broken) Lstat(string) (*source.File, error) { return nil, syscall.EIO }
