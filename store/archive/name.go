package archive

import (
	"archive/tar"
	"io/fs"
	"path"
	"strings"

	digest "github.com/opencontainers/go-digest"
)

// clean is how names of entries are compared: without "./", a leading slash, and "..", which no name gets out by.
func clean(name string) string { return strings.TrimPrefix(path.Clean("/"+name), "/") }

const (
	// maxNames is how much the names of an archive's entries may take together, in bytes: they are held in memory.
	maxNames = 64 << 20
	// nameCost is what an entry takes beside its name and that of what it links to, in bytes: roughly.
	nameCost = 512
)

// nameSize is what the names of entries take.
type nameSize int

// add counts an entry; an error if they are too many.
func (n *nameSize) add(h *tar.Header) error {
	if *n += nameSize(len(h.Name) + len(h.Linkname) + nameCost); *n > maxNames {
		return damaged("", "it has too many entries, or too long names: they take more than %d bytes", maxNames)
	}
	return nil
}

// maxLinks is how many links may lead from one to the next.
const maxLinks = 40

// links are an archive's entries that are another's: name to name, both clean.
type links map[string]string

func (l links) symlink(name, target string) {
	if !path.IsAbs(target) {
		target = path.Dir(name) + "/" + target
	}
	l[name] = clean(target)
}

// follow returns the name of the entry that name leads to. The error is fs.ErrNotExist for links that go round.
func (l links) follow(name string) (string, error) {
	name = clean(name)
	for range maxLinks {
		next, ok := l[name]
		if !ok {
			return name, nil
		}
		name = next
	}
	return "", fs.ErrNotExist
}

// digestIn returns the digest that a name has a part of: blobs/sha256/<hex>, <hex>/layer.tar, <hex>.tar.
func digestIn(name string) (digest.Digest, bool) {
	for part := range strings.SplitSeq(name, "/") {
		part, _, _ = strings.Cut(part, ".")
		if d := digest.NewDigestFromEncoded(digest.SHA256, part); d.Validate() == nil {
			return d, true
		}
	}
	return "", false
}
