package e2e

import (
	"archive/tar"
	"bytes"
	"io"
	"path"
	"strings"
	"testing"
)

// untar has GNU tar extract an archive into a directory, with all that it can restore. It does so twice, as
// --recursive-unlink, without which a file cannot replace a directory, makes it forget what "." should be, and symlinks
// that it makes last give their directories a new time.
func untar(t *testing.T, archive, dir, options string) {
	t.Helper()
	sh(t, `set -o pipefail; export LC_ALL=C; umask 022 # for what has no entry
		mkdir -p `+dir+` && cd `+dir+` || exit
		extract() { tar --xattrs --xattrs-include='*' --numeric-owner -xpf `+archive+` "$@"; }
		extract --recursive-unlink `+options+` || exit
		tar -tf `+archive+` --quoting-style=literal | sed -n 's,/$,,p' | sort -u > ../directories
		extract --no-recursion --verbatim-files-from -T ../directories`)
}

// linksBelow lists the hard links whose target is not in their layer.
func linksBelow(t *testing.T, b []byte) []string {
	t.Helper()
	have := map[string]bool{}
	var below []string
	for _, h := range headers(t, b) {
		if h.Typeflag == tar.TypeLink && !have[clean(h.Linkname)] {
			below = append(below, clean(h.Name))
			continue
		}
		have[clean(h.Name)] = true
	}
	return below
}

// headers are those that archive/tar finds.
func headers(t *testing.T, b []byte) []*tar.Header {
	t.Helper()
	var list []*tar.Header
	r := tar.NewReader(bytes.NewReader(b))
	for {
		h, err := r.Next()
		if err == io.EOF {
			return list
		}
		if err != nil {
			t.Fatal(err)
		}
		list = append(list, h)
	}
}

// clean is the path below the root that a name in an archive means.
func clean(name string) string { return path.Join(".", strings.TrimLeft(name, "/")) }
