package copying

import (
	"archive/tar"
	"bytes"
	"errors"
	"io"
	"strings"
	"testing"
	"testing/iotest"
	"time"
)

func TestIsSame(t *testing.T) {
	type entry struct {
		tar.Header
		content string
	}
	layer := func(change func(e *entry)) []byte {
		var text bytes.Buffer
		w := tar.NewWriter(&text)
		for _, name := range []string{"dir/", "dir/file"} {
			e := entry{Header: tar.Header{Name: name, Mode: 0o755, Typeflag: tar.TypeDir, Format: tar.FormatPAX, PAXRecords: map[string]string{"SCHILY.xattr.user.a": "b"}}}
			if name == "dir/file" {
				e.Typeflag, e.content = tar.TypeReg, strings.Repeat("content", 20_000)
			}
			change(&e)
			e.Size = int64(len(e.content))
			if err := w.WriteHeader(&e.Header); err != nil {
				t.Fatal(err)
			}
			if _, err := io.WriteString(w, e.content); err != nil {
				t.Fatal(err)
			}
		}
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
		return text.Bytes()
	}
	mine := layer(func(*entry) {})
	for name, test := range map[string]struct {
		theirs []byte
		want   bool
	}{
		"nothing":  {mine, true},
		"time":     {layer(func(e *entry) { e.ModTime = time.Unix(1e9, 0) }), true},
		"slash":    {layer(func(e *entry) { e.Name = "./" + e.Name }), true},
		"name":     {layer(func(e *entry) { e.Name = strings.Replace(e.Name, "file", "other", 1) }), false},
		"mode":     {layer(func(e *entry) { e.Mode = 0o700 }), false},
		"owner":    {layer(func(e *entry) { e.Uid = 1 }), false},
		"xattr":    {layer(func(e *entry) { e.PAXRecords["SCHILY.xattr.user.a"] = "c" }), false},
		"no xattr": {layer(func(e *entry) { e.PAXRecords = nil }), false},
		"content":  {layer(func(e *entry) { e.content = strings.Replace(e.content, "tent", "text", 1) }), false},
		"size":     {layer(func(e *entry) { e.content = strings.TrimSuffix(e.content, "t") }), false},
		"cut":      {mine[:70_000], false},
		"none":     {nil, false},
		"more":     {append(mine[:len(mine)-1024:len(mine)-1024], mine...), false},
	} {
		got, err := IsSame(bytes.NewReader(mine), bytes.NewReader(test.theirs))
		if err != nil || got != test.want {
			t.Errorf("%s: %v, %v", name, got, err)
		}
	}
	if _, err := IsSame(io.MultiReader(bytes.NewReader(mine[:70_000]), iotest.ErrReader(errors.ErrUnsupported)), bytes.NewReader(mine)); !errors.Is(err, errors.ErrUnsupported) {
		t.Error(err)
	}
}
