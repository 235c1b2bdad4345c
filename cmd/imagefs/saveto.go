package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/imagefs/imagefs"
	"github.com/imagefs/imagefs/store/archive"
)

const savingStatus = "Saving"

// saveTo writes an archive to the file at path, which is there when it is complete, and else stays as it was.
func saveTo(ctx context.Context, engine *imagefs.Engine, req imagefs.SaveRequest, path string) error {
	if err := checkOutput(path); err != nil {
		return fmt.Errorf("failed to save image: %w", err)
	}
	temp, err := os.CreateTemp(filepath.Dir(path), "."+filepath.Base(path)+"-")
	if err != nil {
		return err
	}
	err = saveInto(ctx, engine, req, path, temp)
	err = errors.Join(err, temp.Close())
	if err == nil {
		err = os.Rename(temp.Name(), path)
	}
	if err != nil {
		os.Remove(temp.Name())
	}
	return err
}

// checkOutput refuses what cannot be replaced by a file, in docker's words (docker/cli command/utils.go).
func checkOutput(path string) error {
	dir := filepath.Dir(path)
	if _, err := os.Stat(dir); errors.Is(err, os.ErrNotExist) {
		return fmt.Errorf("invalid output path: directory %q does not exist", dir)
	}
	info, err := os.Stat(path)
	if err == nil && !info.Mode().IsRegular() {
		return fmt.Errorf("invalid output path: %q must be a regular file", path)
	}
	return nil
}

// saveInto writes the archive to f, compressed as path ends. On a terminal, a bar shows how much there is.
func saveInto(ctx context.Context, engine *imagefs.Engine, req imagefs.SaveRequest, path string, f *os.File) error {
	defer showGrowth(f, filepath.Base(path))()
	w, err := archive.Compressor(path, f)
	if err != nil {
		return err
	}
	return errors.Join(engine.Save(ctx, req, w), w.Close())
}

// showGrowth draws a bar of a file that grows, once a second has passed, until the function it returns is called.
func showGrowth(f *os.File, name string) (stop func()) {
	if !hasRoom(os.Stderr) {
		return func() {}
	}
	done, ended := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(ended)
		b := &bars{out: os.Stderr}
		defer b.end(nil)
		for wait := time.Second; ; wait = 100 * time.Millisecond {
			select {
			case <-time.After(wait):
			case <-done:
				return
			}
			if info, err := f.Stat(); err == nil {
				b.Layer(imagefs.LayerProgress{ID: name, Status: savingStatus, Done: info.Size(), Total: info.Size()})
			}
		}
	}()
	return func() {
		close(done)
		<-ended
	}
}
