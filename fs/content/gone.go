package content

import (
	"context"
	"errors"
	"runtime"
	"sync"
	"syscall"
	"time"

	digest "github.com/opencontainers/go-digest"
)

// Pins keep images readable that are gone from the store's references; *store.Pins is one.
type Pins interface {
	// Set replaces what is pinned, and returns those of ids that could be.
	Set(ctx context.Context, ids []digest.Digest) ([]digest.Digest, error)
	IDs() []digest.Digest
}

// The kernel is asked what it still knows of an image that is gone when it has forgotten something, and now and then:
// that a shell has left a directory, it does not say.
const (
	firstLook   = 200 * time.Millisecond
	longestLook = 30 * time.Second
	leastPause  = 10 * time.Millisecond
)

// LetGo has the kernel forget what nobody uses of the images that are gone, unpins those of which it knows nothing any
// more, and collects what the store then need not keep, until ctx ends. As long as anybody has a file of an image open,
// or stands in one of its directories, the whole image answers.
func (f *FS) LetGo(ctx context.Context, n Notifier) {
	delay := firstLook
	for {
		var look <-chan time.Time
		if len(f.view().gone) > 0 {
			look = time.After(delay)
		}
		select {
		case <-ctx.Done():
			return
		case <-f.stirred:
			delay = firstLook
		case <-look:
			delay = min(2*delay, longestLook)
		}
		f.letGo(ctx, n)
		select {
		case <-ctx.Done():
			return
		case <-time.After(leastPause):
		}
	}
}

// stir has LetGo look soon.
func (f *FS) stir() {
	select {
	case f.stirred <- struct{}{}:
	default:
	}
}

// Forget implements [fuse.RawFileSystem].
func (f *FS) Forget(uint64, uint64) {
	if v := f.current.Load(); v != nil && len(v.gone) > 0 {
		f.stir()
	}
}

func (f *FS) letGo(ctx context.Context, n Notifier) {
	v := f.renewed()
	if len(v.gone) == 0 {
		return
	}
	n.Settle() // what is answered from here on leads nobody into an image that is gone in v
	var forgotten []*image
	for _, im := range v.gone {
		f.notify(n.EntryNotify(rootID, im.ID.Encoded()))
		if f.knows(n, im.dir()) {
			f.dropUnused(n, im.dir())
		}
		if !f.knows(n, im.dir()) {
			forgotten = append(forgotten, im)
		}
	}
	if len(forgotten) == 0 {
		return
	}
	f.release(forgotten)
	if f.pins == nil {
		return
	}
	if _, err := f.store.Collect(ctx); err != nil && ctx.Err() == nil {
		f.log.printf("what was removed still takes space: %v", err)
	}
	runtime.GC() // closes what was open of it, and only then has the disk its space back
}

// knows tells whether the kernel knows a directory. It knows the directories above what it knows.
func (f *FS) knows(n Notifier, d directory) bool {
	known, err := n.Knows(d.id())
	return known || err != nil
}

// dropUnused has the kernel forget all below d that nobody uses, and the names of the files that are in use, so that it
// says when they are closed.
func (f *FS) dropUnused(n Notifier, d directory) {
	err := d.list(0, func(c child) bool {
		below, ok := c.node.(directory)
		switch {
		case !ok:
			f.notify(n.EntryNotify(d.id(), c.name))
		case f.knows(n, below):
			f.dropUnused(n, below)
			f.prune(n, d, c)
		}
		return true
	})
	if err != nil {
		f.log.status(d, err)
	}
	for _, name := range f.view().missed(d.id()) {
		f.notify(n.EntryNotify(d.id(), name))
	}
}

// prune has the kernel forget a directory that nobody uses. A kernel that cannot do that only takes its name away.
func (f *FS) prune(n Notifier, above directory, c child) {
	err := n.Prune(c.node.id())
	if errors.Is(err, syscall.EINVAL) {
		err = n.EntryNotify(above.id(), c.name)
	}
	f.notify(err)
}

// release gives up images that are gone.
func (f *FS) release(images []*image) {
	f.renewing.Lock()
	defer f.renewing.Unlock()
	known := f.known()
	for _, im := range images {
		if known[im.Number] == im { // it has not come back
			delete(known, im.Number)
		}
	}
	v := f.renew(known)
	f.close(func(im *image) bool { return v.images[im.Number] != im })
}

// missed are the names for which nothing was found in the directories of an image that is gone: the kernel keeps each,
// and for it the directory.
type missed struct {
	mu    sync.Mutex // guards names
	names map[missedName]bool
}

type missedName struct {
	dir  uint64
	name string
}

// maxMissed is how many names are remembered of an image; the kernel forgets others when it is short of memory.
const maxMissed = 1 << 12

// miss notes that there is nothing of that name in a directory.
func (v *view) miss(dir uint64, name string) {
	im := v.goneWith(dir)
	if im == nil {
		return
	}
	im.missed.mu.Lock()
	defer im.missed.mu.Unlock()
	if im.missed.names == nil {
		im.missed.names = make(map[missedName]bool)
	}
	if len(im.missed.names) < maxMissed {
		im.missed.names[missedName{dir, name}] = true
	}
}

// missed returns, and forgets, the names that were noted for a directory.
func (v *view) missed(dir uint64) (names []string) {
	im := v.goneWith(dir)
	if im == nil {
		return nil
	}
	im.missed.mu.Lock()
	defer im.missed.mu.Unlock()
	for m := range im.missed.names {
		if m.dir == dir {
			names = append(names, m.name)
			delete(im.missed.names, m)
		}
	}
	return names
}

// goneWith returns the image that a directory belongs to if it is gone, or nil.
func (v *view) goneWith(dir uint64) *image {
	if len(v.gone) == 0 {
		return nil
	}
	number, _ := splitID(dir)
	switch o := v.owners[number].(type) {
	case *image:
		return v.gone[o.Number]
	case layerDir:
		return v.gone[o.im.Number]
	}
	return nil
}
