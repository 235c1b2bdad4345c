package layer

import "strings"

// The names of whiteouts: the OCI image specification's layer.md, and what aufs kept beside them.
const (
	whiteoutPrefix = ".wh."
	opaqueName     = ".wh..wh..opq"
	aufsPrefix     = ".wh..wh."
)

// isAufs tells whether a cleaned name is aufs' own bookkeeping (.wh..wh.plnk, .wh..wh.aufs, …), which docker drops.
func isAufs(name string) bool {
	first, _, _ := strings.Cut(name, "/")
	_, base := splitName(name)
	return aufsName(first) || aufsName(base)
}

func aufsName(component string) bool {
	return strings.HasPrefix(component, aufsPrefix) && component != opaqueName
}

// whiteout tells whether a cleaned name is a whiteout's, and of what.
func whiteout(name string) (removed string, kind Type, err error) {
	dir, base := splitName(name)
	hidden, ok := strings.CutPrefix(base, whiteoutPrefix)
	if !ok {
		return "", 0, nil
	}
	if base == opaqueName {
		if dir == "" {
			return ".", Opaque, nil
		}
		return dir, Opaque, nil
	}
	if hidden == "" || hidden == "." || hidden == ".." {
		return "", 0, refuse("it is a whiteout of nothing")
	}
	return joinName(dir, hidden), Whiteout, nil
}
