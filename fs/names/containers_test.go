package names

import (
	"context"
	"errors"

	"github.com/imagefs/imagefs"
	"github.com/imagefs/imagefs/builder/container"
	"github.com/imagefs/imagefs/store"
)

// Working containers are tested where there is an engine that has some.

func (e *fakeEngine) Create(context.Context, imagefs.CreateRequest, imagefs.Reporter) (*container.Container, error) {
	return nil, errors.New("no containers")
}

func (e *fakeEngine) Commit(context.Context, imagefs.CommitRequest, imagefs.Reporter) (*store.Image, error) {
	return nil, errors.New("no containers")
}

func (e *fakeEngine) RemoveContainer(_ context.Context, word string, _ bool) error {
	return &imagefs.Error{Kind: imagefs.NotFound, Subject: word, Err: errors.New("No such container: " + word)}
}

func (e *fakeEngine) Containers() ([]*container.Container, error) { return nil, nil }

func (e *fakeEngine) Container(word string) (*container.Container, error) {
	return nil, errors.New("No such container: " + word)
}

func (e *fakeEngine) Changes(context.Context, string) ([]container.Change, error) {
	return nil, errors.New("no containers")
}
