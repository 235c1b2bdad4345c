package names

import (
	"path"
	"strings"

	"github.com/distribution/reference"

	"github.com/imagefs/imagefs"
)

// alias returns the unlisted symlink that name is in the directory dir, or nil. It leads to the listed path of what
// docker understands by the words DIR/NAME:
//
//	alpine                docker.io/library/alpine/latest; without that tag, the repository
//	alpine:3.19           docker.io/library/alpine/3.19, also from docker.io or docker.io/library
//	alpine@sha256:…       by-id/ID, from the same directories, by manifest or index digest
//	myuser  library       docker.io/myuser, docker.io/library: so that MNT/myuser/app:1 is what docker calls myuser/app:1
//	:3.19                 the tag, in its repository, whether it is listed so or not
//
// Links to images of other platforms, whose tag was just removed, resolve too.
func (v *View) alias(dir, name string) *node {
	if target, ok := v.mount.Made.Gone[join(dir, name)]; ok {
		return newLink(name, target, v.root.time, goneLink, "")
	}
	to := v.canonical(dir, name)
	if to == "" {
		return nil
	}
	t := v.root.time
	if n := v.listed(to); n != nil {
		t = n.time
	}
	return newLink(name, relative(dir, to), t, aliasLink, "")
}

// canonical is the path that an alias leads to, or "".
func (v *View) canonical(dir, name string) string {
	if tag, ok := strings.CutPrefix(name, ":"); ok {
		if n := v.listed(path.Join(dir, tag)); n != nil && n.isLink() {
			return path.Join(dir, tag)
		}
		return ""
	}
	word := path.Join(dir, name)
	named, err := reference.ParseNormalizedNamed(word)
	if err != nil {
		return v.registry(dir, name)
	}
	if digested, ok := named.(reference.Canonical); ok {
		img, err := imagefs.Resolve(v.snap, digested.Name()+"@"+digested.Digest().String())
		if err != nil {
			return ""
		}
		return path.Join(byID, img.ID.Encoded())
	}
	if to := v.tags[reference.TagNameOnly(named).String()]; to != "" || !reference.IsNameOnly(named) {
		return to
	}
	if to := v.repos[named.Name()]; to != "" {
		return to
	}
	return v.registry(dir, name)
}

// registry is the path of what docker leaves out, or calls otherwise, at the beginning of a name.
func (v *View) registry(dir, name string) string {
	if dir != "." {
		return ""
	}
	to := path.Join("docker.io", name)
	if name == "index.docker.io" {
		to = "docker.io"
	}
	if n := v.listed(to); n != nil && n.IsDir() {
		return to
	}
	return ""
}
