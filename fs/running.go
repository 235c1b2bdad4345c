package fs

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"

	"github.com/imagefs/imagefs"
)

// ContentOf returns where this user has the content tree of the store at root mounted. If there is no such mount, the
// error is of kind NotFound.
func ContentOf(root string) (string, error) {
	want, err := os.Stat(root)
	if err != nil {
		return "", err
	}
	places, err := places()
	if err != nil {
		return "", err
	}
	for _, p := range places {
		if got, err := os.Stat(p.Root); err != nil || !os.SameFile(want, got) {
			continue
		}
		if ok, err := mounted(p.Content); err != nil || ok {
			return p.Content, err
		}
	}
	return "", &imagefs.Error{
		Kind: imagefs.NotFound, Subject: root,
		Err: fmt.Errorf("the store %s is not mounted", root), Hint: "imagefs mount -d DIR",
	}
}

// places are those of which there is a record, whether anything is mounted there or not.
func places() ([]place, error) {
	run, err := runDir()
	if err != nil {
		return nil, err
	}
	records, err := filepath.Glob(filepath.Join(run, "*.state", filepath.Base(place{}.record())))
	if err != nil {
		return nil, err
	}
	var list []place
	for _, path := range records {
		var p place
		if text, err := os.ReadFile(path); err == nil && json.Unmarshal(text, &p) == nil { // one may end just now
			list = append(list, p)
		}
	}
	return list, nil
}
