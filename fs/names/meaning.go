package names

import (
	"fmt"
	"path"
	"path/filepath"
	"strings"
	"syscall"

	"github.com/distribution/reference"

	"github.com/imagefs/imagefs"
)

// source returns the image that the target of a symlink in dir means, as Engine.Tag takes it: the name of a tag, so that
// the new tag has all its platforms, or an ID. A target may be a path, relative or absolute, to a link of this tree or
// into by-id, or whatever docker takes for an image. That it means none is an error of kind NotFound.
func (v *View) source(dir, target string) (string, error) {
	for _, at := range v.pathsOf(dir, target) {
		if source, ok := v.image(at); ok {
			return source, nil
		}
	}
	img, err := imagefs.Resolve(v.snap, target)
	if err != nil {
		return "", &imagefs.Error{
			//lint:ignore ST1005 docker's words
			Kind: imagefs.NotFound, Subject: target, Err: fmt.Errorf("No such image: %s", target),
			Hint: "a path to a tag or into by-id, or an image's name or ID",
		}
	}
	if named, err := reference.ParseNormalizedNamed(target); err == nil {
		if name := reference.TagNameOnly(named).String(); v.snap.Reference(name) != nil {
			return name, nil
		}
	}
	return img.ID.String(), nil
}

// pathsOf are the paths below the mount point that a symlink's target may lead to.
func (v *View) pathsOf(dir, target string) []string {
	if !filepath.IsAbs(target) {
		paths := []string{path.Join(dir, target)}
		if strings.HasPrefix(target, byID+"/") {
			paths = append(paths, target)
		}
		return paths
	}
	target = path.Clean(target)
	if rest, ok := strings.CutPrefix(target, v.mount.Content+"/"); ok {
		return []string{path.Join(byID, rest)}
	}
	if rest, ok := strings.CutPrefix(target, v.mount.Mountpoint+"/"); ok {
		return []string{rest}
	}
	return nil
}

// image returns the image that the symlink at a path leads to.
func (v *View) image(at string) (source string, ok bool) {
	if word, ok := strings.CutPrefix(at, byID+"/"); ok {
		img, err := imagefs.Resolve(v.snap, word)
		if err != nil || strings.Contains(word, "/") {
			return "", false
		}
		return img.ID.String(), true
	}
	n, err := v.find("image", at)
	switch {
	case err != nil: // the directory may be an alias
		dir := path.Dir(at)
		d, err := v.find("image", dir)
		if err != nil || d.kind != aliasLink {
			return "", false
		}
		return v.image(path.Join(path.Dir(dir), d.target, path.Base(at)))
	case n.kind == aliasLink:
		return v.image(path.Join(path.Dir(at), n.target))
	}
	return n.source, n.source != ""
}

// naming returns the name that a tag has whose path is DIR/NAME: a repository's directory and a tag, or, as in an alias, a
// directory and what docker would call the image there. That there can be no such name is an error of kind Invalid.
func (v *View) naming(dir, name string) (string, error) {
	d := v.listed(dir)
	if d == nil {
		return "", syscall.ENOENT
	}
	if dir != "." && d.repo == "" {
		return "", syscall.EPERM
	}
	tag := strings.TrimLeft(name, ":")
	if repo, after, ok := strings.Cut(tag, ":"); ok {
		return tagged(join(dir, repo), after, false)
	}
	return tagged(d.repo, tag, true)
}

// tagged is the full name of a tag of a repository. If the repository is exact, it must be normalised already.
func tagged(repo, tag string, exact bool) (string, error) {
	named, err := reference.ParseNormalizedNamed(repo)
	if err == nil && exact && named.Name() != repo {
		err = fmt.Errorf("%s is no repository", repo)
	}
	if err == nil {
		named, err = reference.WithTag(reference.TrimNamed(named), tag)
	}
	if err != nil {
		return "", &imagefs.Error{Kind: imagefs.Invalid, Subject: tag, Err: err}
	}
	return named.String(), nil
}

// isTagged tells whether a full name leads to the image that source, a full name or an ID, means.
func (v *View) isTagged(full, source string) bool {
	ref := v.snap.Reference(full)
	if ref == nil || len(ref.Images) == 0 {
		return false
	}
	if from := v.snap.Reference(source); from != nil {
		return from.Target.Digest == ref.Target.Digest
	}
	return ref.Images[0].ID.String() == source
}

// canBe tells whether a directory of that name may hold repositories.
func canBe(repo string) bool {
	const below = "/x/x"
	named, err := reference.ParseNormalizedNamed(repo + below)
	return err == nil && named.Name() == repo+below
}

// isNamed tells whether anything in the store has a name in a repository.
func (v *View) isNamed(repo string) bool {
	for _, r := range v.snap.References {
		if named, err := reference.ParseNormalizedNamed(r.Name); err == nil && named.Name() == repo {
			return true
		}
	}
	return false
}
