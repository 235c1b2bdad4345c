package archive

import (
	"archive/tar"
	"errors"
	"strings"
	"testing"
)

// TestNamesTogether has entries with little more than names, in a stream and in a file.
func TestNamesTogether(t *testing.T) {
	long := strings.Repeat("n", 1<<20)
	for what, h := range map[string]*tar.Header{
		"names": {Typeflag: tar.TypeDir, Name: long},
		"links": {Typeflag: tar.TypeDir, Linkname: long},
	} {
		stream, file := newStream(nil, nil, nil), &tarFile{}
		for source, add := range map[string]func() error{
			"a stream": func() error { return stream.entry(t.Context(), "name", h, nil) },
			"a file":   func() error { return file.add("name", h, 0) },
		} {
			var err error
			n := 0
			for ; err == nil && n < 100; n++ {
				err = add()
			}
			var damaged *DamagedError
			if !errors.As(err, &damaged) || n < 60 {
				t.Errorf("%s of %s: %v after %d", what, source, err, n)
			}
		}
	}
}
