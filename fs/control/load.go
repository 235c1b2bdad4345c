package control

import (
	"context"
	"io"
	"os"

	"github.com/imagefs/imagefs"
	"github.com/imagefs/imagefs/store"
)

// Loader is what ctl/load and imports/ need.
type Loader interface {
	Load(ctx context.Context, r io.Reader, report imagefs.Reporter) ([]*store.Image, error)
	LoadFile(ctx context.Context, f *os.File, report imagefs.Reporter) ([]*store.Image, error)
}

// Load is docker's verb, of a path: an archive or an OCI layout's directory.
func Load(l Loader) Verb {
	parse := func(words []string) (Work, error) {
		var path string
		rest, err := options{values: map[string]*string{"-i": &path, "--input": &path}}.parse(words)
		if err != nil {
			return nil, err
		}
		if path != "" {
			rest = append(rest, path)
		}
		if path, err = one(rest, "path"); err != nil {
			return nil, err
		}
		return func(ctx context.Context, j Job) error {
			f, err := j.Open(path)
			if err != nil {
				return err
			}
			defer f.Close()
			_, err = l.LoadFile(ctx, f, j)
			return err
		}, nil
	}
	return Verb{Name: "load", Usage: "[-d] PATH", Paths: true, Parse: parse}
}
