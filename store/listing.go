package store

import (
	"os"
	"time"
)

// listing is the wanted names in a directory, as it was in that state.
type listing struct {
	names   map[string]bool
	state   fileState
	settled bool // whether a change since would show in the state: see settle
}

// settle is how long after a directory's last change another one certainly gives it another mtime: more than the
// resolution of any file system's clock.
const settle = 3 * time.Second

// refresh reads the directory again, unless it is in the state in which it was read. A directory that is absent has no
// names.
func (l *listing) refresh(dir string, wanted func(os.DirEntry) bool) error {
	d, err := os.Open(dir)
	if os.IsNotExist(err) {
		*l = listing{}
		return nil
	}
	if err != nil {
		return err
	}
	defer d.Close()
	state, err := stateOf(d)
	if err != nil || l.settled && l.state == state {
		return err
	}
	began := time.Now()
	names, err := listFile(d, wanted)
	*l = listing{names, state, err == nil && began.Sub(time.Unix(state.mtime.Unix())) > settle}
	return err
}

// list returns the names in dir that are wanted; none if there is no such directory.
func list(dir string, wanted func(os.DirEntry) bool) (map[string]bool, error) {
	var l listing
	err := l.refresh(dir, wanted)
	return l.names, err
}

func listFile(d *os.File, wanted func(os.DirEntry) bool) (map[string]bool, error) {
	entries, err := d.ReadDir(-1)
	names := make(map[string]bool, len(entries))
	for _, e := range entries {
		if wanted(e) {
			names[e.Name()] = true
		}
	}
	return names, err
}
