package imagefs

import (
	"strings"

	digest "github.com/opencontainers/go-digest"

	"github.com/imagefs/imagefs/store"
)

// fullName is the name of a store's reference, taken apart. With package reference, a list of a thousand images took most
// of its time to match regular expressions. TestFullName compares the two.
type fullName struct {
	repository string        // with its host
	tag        string        // "" for a name by digest
	digest     digest.Digest // "" for a tag
}

// parseFullName returns false for the empty name, of what has none.
func parseFullName(name string) (fullName, bool) {
	repository, tag, d := store.SplitName(name)
	return fullName{repository, tag, d}, repository != ""
}

// familiar is the repository as docker shortens it.
func (n fullName) familiar() string {
	path, ok := strings.CutPrefix(n.repository, "docker.io/")
	if official, ok := strings.CutPrefix(path, "library/"); ok && !strings.Contains(official, "/") {
		return official
	}
	if !ok {
		return n.repository
	}
	return path
}

// String is the name as docker shortens it.
func (n fullName) String() string {
	if n.tag == "" {
		return n.familiar() + "@" + n.digest.String()
	}
	return n.familiar() + ":" + n.tag
}
