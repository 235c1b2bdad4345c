package copying

import (
	"archive/tar"
	"bytes"
	"errors"
	"io"
	"maps"
	"path"
	"strings"
)

// IsSame tells whether two layers have the same entries, in the same order, but for times. The error is one of reading
// the first; if the second cannot be read, it is another.
func IsSame(mine, theirs io.Reader) (bool, error) {
	a, b := tar.NewReader(mine), tar.NewReader(theirs)
	for {
		x, err := a.Next()
		if err != nil && err != io.EOF {
			return false, err
		}
		y, other := b.Next()
		if err == io.EOF || other != nil {
			return err == io.EOF && other == io.EOF, nil
		}
		if !isSameHeader(x, y) {
			return false, nil
		}
		if same, err := isSameContent(a, b); err != nil || !same {
			return false, err
		}
	}
}

func isSameHeader(a, b *tar.Header) bool {
	return path.Clean(a.Name) == path.Clean(b.Name) && a.Typeflag == b.Typeflag && a.Linkname == b.Linkname && a.Size == b.Size &&
		a.Mode == b.Mode && a.Uid == b.Uid && a.Gid == b.Gid && a.Devmajor == b.Devmajor && a.Devminor == b.Devminor &&
		maps.Equal(xattrsOf(a), xattrsOf(b))
}

func xattrsOf(h *tar.Header) map[string]string {
	all := map[string]string{}
	for key, value := range h.PAXRecords {
		if name, ok := strings.CutPrefix(key, xattrRecord); ok {
			all[name] = value
		}
	}
	return all
}

// isSameContent compares what the entries hold, of the same size. The error is that of the first.
func isSameContent(mine, theirs io.Reader) (bool, error) {
	const size = 64 << 10
	a, b := make([]byte, size), make([]byte, size)
	for {
		n, err := io.ReadFull(mine, a)
		if err != nil && err != io.EOF && !errors.Is(err, io.ErrUnexpectedEOF) {
			return false, err
		}
		m, _ := io.ReadFull(theirs, b)
		if !bytes.Equal(a[:n], b[:m]) {
			return false, nil
		}
		if err != nil {
			return true, nil
		}
	}
}
