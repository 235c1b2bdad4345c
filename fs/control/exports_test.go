package control

import (
	"bytes"
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"

	"github.com/imagefs/imagefs"
)

// fakeArchive is an archive that is what was asked for.
func fakeArchive(req imagefs.SaveRequest) (archiveReader, error) {
	if req.Refs[0] == "nope" {
		return nil, &imagefs.Error{Kind: imagefs.NotFound, Subject: "nope", Err: errors.New("No such image: nope")}
	}
	text := strings.Join(req.Refs, " ") + " in " + req.Format + " without " + strings.Join(req.NotIn, " ")
	return unclosed{strings.NewReader(text)}, nil
}

type unclosed struct{ *strings.Reader }

func (unclosed) Close() error { return nil }

func fakeSave(_ context.Context, req imagefs.SaveRequest, w io.Writer) error {
	a, err := fakeArchive(req)
	if err == nil {
		_, err = io.Copy(w, a.(unclosed))
	}
	return err
}

// saveLine runs a line of ctl/save.
func saveLine(t *testing.T, e *exports, line string) error {
	t.Helper()
	work, err := save(e).work(line)
	if err != nil {
		t.Fatal(err)
	}
	return work(context.Background(), newJob(request{Job: 1}))
}

func TestExports(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "exports")
	e := &exports{dir: dir, open: fakeArchive, save: fakeSave}
	for _, line := range []string{
		"--format oci-archive --not-in x --not-in=y a.tar web:v1 web:v2", "b.tar.gz web", "-o c.tar.zst web", "b.tar.gz 'again and again'",
	} {
		if err := saveLine(t, e, line); err != nil {
			t.Fatal(line, err)
		}
	}
	if err := saveLine(t, e, "d.tar nope"); imagefs.KindOf(err) != imagefs.NotFound {
		t.Error(err)
	}
	if err := os.WriteFile(filepath.Join(dir, ".left.123"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	e = &exports{dir: dir, open: fakeArchive, save: fakeSave} // the next server
	e.sweep()
	if got := strings.Join(e.names(), " "); got != "a.tar b.tar.gz c.tar.zst" {
		t.Error(got)
	}
	for name, want := range map[string]string{
		"a.tar":     "web:v1 web:v2 in oci-archive without x y",
		"b.tar.gz":  "again and again in  without ",
		"c.tar.zst": "web in  without ",
	} {
		file, ok := e.find(name)
		if !ok {
			t.Fatal(name)
		}
		s := file.Open(1)
		text := readAll(t, s)
		s.Close()
		if int64(len(text)) != file.Size() {
			t.Errorf("%s: %d bytes, not %d", name, len(text), file.Size())
		}
		if got := decompressed(t, name, text); got != want {
			t.Errorf("%s: %q", name, got)
		}
	}
	if list, err := os.ReadDir(dir); err != nil || len(list) != 3 {
		t.Error(list, err)
	}
	if err := e.remove("a.tar"); err != nil {
		t.Error(err)
	}
	for _, name := range []string{"a.tar", "../exports/b.tar.gz", ".."} {
		if err := e.remove(name); !errors.Is(err, os.ErrNotExist) {
			t.Error(name, err)
		}
	}
}

// TestExportOfNothing has the image go that an archive is made of.
func TestExportOfNothing(t *testing.T) {
	there := true
	e := &exports{dir: t.TempDir(), open: func(req imagefs.SaveRequest) (archiveReader, error) {
		if !there {
			return nil, os.ErrNotExist
		}
		return fakeArchive(req)
	}}
	if err := saveLine(t, e, "a.tar web"); err != nil {
		t.Fatal(err)
	}
	there = false
	file, ok := e.find("a.tar")
	if !ok || file.Size() != 0 {
		t.Error(ok)
	}
	if _, err := file.Open(1).Read(t.Context(), Call{}, make([]byte, 10), 0); !errors.Is(err, os.ErrNotExist) {
		t.Error(err)
	}
}

func decompressed(t *testing.T, name, text string) string {
	t.Helper()
	var r io.Reader = strings.NewReader(text)
	var err error
	switch filepath.Ext(name) {
	case ".gz":
		r, err = gzip.NewReader(r)
	case ".zst":
		r, err = zstd.NewReader(r)
	}
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	if _, err := io.Copy(&out, r); err != nil {
		t.Fatal(err)
	}
	return out.String()
}

func TestExportWithoutName(t *testing.T) {
	_, err := save(&exports{}).work("'' web")
	if imagefs.KindOf(err) != imagefs.Invalid || !strings.HasPrefix(err.Error(), "the archive's name is empty") {
		t.Error(err)
	}
}
