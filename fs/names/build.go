package names

import (
	"maps"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	digest "github.com/opencontainers/go-digest"

	"github.com/imagefs/imagefs"
	"github.com/imagefs/imagefs/store"
)

const byID = "by-id"

// builder fills a view.
type builder struct {
	*View
	parsed []parsed
}

// parsed is a reference and its name taken apart.
type parsed struct {
	*store.Reference
	repo string // host/path
	tag  string // "" for a digest
}

func parseAll(refs []store.Reference) []parsed {
	all := make([]parsed, len(refs))
	for i := range refs {
		all[i].Reference = &refs[i]
		all[i].repo, all[i].tag, _ = store.SplitName(refs[i].Name)
	}
	return all
}

// fixed adds what every mount has.
func (b *builder) fixed() {
	newest := b.mount.Time
	for _, r := range b.snap.References {
		if r.Updated.After(newest) {
			newest = r.Updated
		}
	}
	rows := sync.OnceValue(func() []imagefs.ImageRow { return imagefs.Images(b.snap) })
	b.root.add(newLink(byID, b.mount.Content, b.mount.Time, otherLink, ""))
	b.root.add(newFile("README.md", b.mount.Time, sync.OnceValue(func() []byte { return readme(b.mount) })))
	b.root.add(newFile("images", newest, func() []byte { return imagefs.ImagesTable(rows(), time.Now()) }))
	b.root.add(newFile("images.json", newest, func() []byte { return imagefs.ImagesJSON(rows(), time.Now()) }))
	b.root.add(newDir("dangling", b.mount.Time))
}

// repositories adds a directory for each, also for one that only a digest names, unless it was removed, and for what was
// made.
func (b *builder) repositories() {
	for _, p := range b.parsed {
		if shown, known := b.mount.Made.Dirs[p.repo]; p.tag != "" || shown || !known {
			b.repository(p.repo)
		}
	}
	for _, repo := range slices.Sorted(maps.Keys(b.mount.Made.Dirs)) {
		if b.mount.Made.Dirs[repo] {
			b.repository(repo)
		}
	}
}

func (b *builder) repository(repo string) {
	if b.repos[repo] != "" {
		return
	}
	at, d := ".", b.root
	for part := range strings.SplitSeq(repo, "/") {
		d = d.subdir(part, b.mount.Time)
		at = path.Join(at, d.name)
	}
	b.repos[repo] = at
}

// subdir returns the directory name of n, and makes it where there is none.
func (n *node) subdir(name string, t time.Time) *node {
	for taken := name; n.child[taken] != nil; taken = ":" + taken {
		if n.child[taken].IsDir() && !fixedDir[taken] {
			return n.child[taken]
		}
	}
	d := newDir(name, t)
	d.repo = path.Join(n.repo, name)
	n.add(d)
	return d
}

// fixedDir are directories of the root that are no registry; a name without a dot never is one, save localhost.
var fixedDir = map[string]bool{"dangling": true}

func (b *builder) addTags() {
	for _, p := range b.parsed {
		if p.tag == "" {
			continue
		}
		at := b.repos[p.repo]
		dir := b.listed(at)
		link := newLink(p.tag, b.target(at, p.Reference), b.changed(p.Reference), tagLink, p.Name)
		dir.add(link)
		b.tags[p.Name] = path.Join(at, link.name)
		for _, img := range p.Images[min(1, len(p.Images)):] {
			name, target := p.tag+"@"+imagefs.PlatformName(img), byIDFrom(at, img.ID.Encoded())
			if b.mount.Made.Hidden[path.Join(at, name)] != target {
				dir.add(newLink(name, target, link.time, platformLink, img.ID.String()))
			}
		}
	}
}

// target is where a tag leads. One whose image is not whole leads to where it would be, so that it is seen to be
// broken.
func (b *builder) target(dir string, r *store.Reference) string {
	if len(r.Images) == 0 {
		return byIDFrom(dir, r.Target.Digest.String())
	}
	return byIDFrom(dir, r.Images[0].ID.Encoded())
}

// changed is when a tag was last moved. One that another program wrote is as old as the mount, and not of 1970: it must
// not fall to "find -mtime +30 -delete".
func (b *builder) changed(r *store.Reference) time.Time {
	if r.Updated.IsZero() {
		return b.mount.Time
	}
	return r.Updated
}

// addDangling adds the images that no tag names, as `docker images -f dangling=true` lists them.
func (b *builder) addDangling() {
	tagged := make(map[digest.Digest]bool)
	for _, p := range b.parsed {
		if p.tag == "" {
			continue
		}
		for _, img := range p.Images {
			tagged[img.ID] = true
		}
	}
	dir := b.root.child["dangling"]
	for _, img := range b.snap.Images {
		if tagged[img.ID] {
			continue
		}
		t := img.Created
		if t.IsZero() {
			t = b.mount.Time
		}
		dir.add(newLink(img.ID.Encoded(), byIDFrom("dangling", img.ID.Encoded()), t, danglingLink, img.ID.String()))
	}
}

// addTemporary adds what is about to be renamed.
func (b *builder) addTemporary() {
	for at, l := range b.mount.Made.Links {
		if dir := b.listed(path.Dir(at)); dir != nil && dir.IsDir() {
			dir.add(newLink(path.Base(at), l.Target, b.mount.Time, temporaryLink, l.Source))
		}
	}
}

// byIDFrom is the relative path from a directory to an entry of by-id.
func byIDFrom(dir, entry string) string { return relative(dir, byID+"/"+entry) }

// relative is the path from a directory to another path, both below the mount point.
func relative(dir, to string) string {
	rel, err := filepath.Rel("/"+dir, "/"+to)
	if err != nil {
		return to // two absolute paths always have one
	}
	return rel
}
