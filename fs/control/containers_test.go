package control

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	digest "github.com/opencontainers/go-digest"

	"github.com/imagefs/imagefs"
	"github.com/imagefs/imagefs/builder/container"
	"github.com/imagefs/imagefs/store"
)

// containersEngine has the containers below root, and notes what it is asked for.
type containersEngine struct {
	Engine
	root  string
	asked []string
}

func (e *containersEngine) Create(_ context.Context, req imagefs.CreateRequest, r imagefs.Reporter) (*container.Container, error) {
	e.asked = append(e.asked, fmt.Sprintf("create %s %s", req.Name, req.Image))
	r.Line("ID")
	return nil, nil
}

func (e *containersEngine) Commit(_ context.Context, req imagefs.CommitRequest, r imagefs.Reporter) (*store.Image, error) {
	e.asked = append(e.asked, fmt.Sprintf("commit %+v", req))
	r.Line("ID")
	return nil, nil
}

func (e *containersEngine) RemoveContainer(_ context.Context, word string, force bool) error {
	e.asked = append(e.asked, fmt.Sprint("rm ", word, " ", force))
	if word == "nope" {
		return &imagefs.Error{Kind: imagefs.NotFound, Subject: word, Err: errors.New("No such container: nope")}
	}
	return nil
}

func (e *containersEngine) Containers() ([]*container.Container, error) {
	return container.List(e.root)
}

func (e *containersEngine) Container(word string) (*container.Container, error) {
	return container.Open(e.root, word)
}

func (e *containersEngine) Changes(_ context.Context, id string) ([]container.Change, error) {
	return []container.Change{{Kind: container.Changed, Path: "/etc"}, {Kind: container.Added, Path: "/etc/x"}}, nil
}

func newContainers(t *testing.T) (*containersEngine, *Tree) {
	t.Helper()
	e := &containersEngine{root: t.TempDir()}
	tree := newTree(t, &fakeEngine{Engine: e}, t.TempDir())
	return e, tree
}

func TestContainersTree(t *testing.T) {
	e, tree := newContainers(t)
	if list, err := tree.ReadDir("containers"); err != nil || len(list) != 0 {
		t.Errorf("%v, %v", list, err)
	}
	made := time.Date(2026, 1, 2, 3, 4, 5, 6, time.UTC)
	id := digest.FromString("image")
	c, err := container.Create(e.root, container.Container{ID: container.NewID(), Name: "web", Created: made, Image: id, Config: []byte("{}")}, nil)
	if err != nil {
		t.Fatal(err)
	}
	list, err := tree.ReadDir("containers/web")
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, entry := range list {
		i, err := entry.Info()
		if err != nil || !i.ModTime().Equal(made) {
			t.Errorf("%v, %v", i, err)
		}
		got = append(got, fmt.Sprint(i.Name(), " ", i.Mode()))
	}
	want := []string{"changes -r--r--r--", "config.json -r--r--r--", "created -r--r--r--", "image Lrwxrwxrwx", "rootfs Lrwxrwxrwx", "status -r--r--r--"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	for name, want := range map[string]string{
		"changes": "C /etc\nA /etc/x\n", "created": "2026-01-02T03:04:05.000000006Z\n", "status": "created\n",
	} {
		if got := readAll(t, open(t, tree, "containers/web/"+name, 1)); got != want {
			t.Errorf("%s: %q", name, got)
		}
	}
	if got := readAll(t, open(t, tree, "containers/web/config.json", 1)); !strings.Contains(got, c.ID) {
		t.Errorf("config.json: %s", got)
	}
	for name, want := range map[string]string{"image": "../../by-id/" + id.Encoded(), "rootfs": c.Rootfs()} {
		if got, err := tree.ReadLink("containers/web/" + name); got != want || err != nil {
			t.Errorf("%s -> %s, %v", name, got, err)
		}
	}
	if i, err := tree.Lstat("containers/web"); err != nil || !i.IsDir() || !i.ModTime().Equal(made) {
		t.Errorf("%v, %v", i, err)
	}
	for _, name := range []string{"containers/nope", "containers/nope/status", "containers/web/nope", "containers/web/image/x"} {
		if _, err := tree.Lstat(name); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if err := tree.RemoveDir(t.Context(), "containers/web"); err != nil || e.asked[0] != "rm web false" {
		t.Errorf("%v, %v", err, e.asked)
	}
	for _, name := range []string{"containers", "exports", "containers/web/x"} {
		if err := tree.RemoveDir(t.Context(), name); err != syscall.EPERM {
			t.Errorf("rmdir %s: %v", name, err)
		}
	}
}

func TestContainerVerbs(t *testing.T) {
	e, tree := newContainers(t)
	for _, line := range []string{
		"create --name web alpine", "create alpine", `commit -a me -m "a b" -c "CMD x" -c ENV=y -p web web:v1`, "commit web", "rm -f a b", "rm nope c",
	} {
		verb, words, _ := strings.Cut(line, " ")
		_, err := open(t, tree, "ctl/"+verb, 1).Write(t.Context(), Call{Unique: uint64(len(e.asked) + 1)}, []byte(words))
		if (err != nil) != strings.Contains(line, "nope") {
			t.Errorf("%s: %v", line, err)
		}
	}
	want := []string{
		"create web alpine", "create  alpine", "commit {Container:web Ref:web:v1 Author:me Message:a b Changes:[CMD x ENV=y]}",
		"commit {Container:web Ref: Author: Message: Changes:[]}", "rm a true", "rm b true", "rm nope false", "rm c false",
	}
	if diff := cmp.Diff(want, e.asked); diff != "" {
		t.Error(diff)
	}
}
