package control

import (
	"context"

	"github.com/imagefs/imagefs"
	"github.com/imagefs/imagefs/store"
)

// Importer is what ctl/import needs.
type Importer interface {
	Import(ctx context.Context, req imagefs.ImportRequest, report imagefs.Reporter) (*store.Image, error)
}

// Import is docker's verb, of a path.
func Import(i Importer) Verb {
	parse := func(words []string) (Work, error) {
		var req imagefs.ImportRequest
		rest, err := options{
			values: map[string]*string{"-m": &req.Message, "--message": &req.Message, "--platform": &req.Platform},
			lists:  map[string]*[]string{"-c": &req.Changes, "--change": &req.Changes},
		}.parse(words)
		if err != nil {
			return nil, err
		}
		path, name, err := oneNamed(rest, "path")
		if err != nil {
			return nil, err
		}
		req.Ref = name
		return func(ctx context.Context, j Job) error { return importPath(ctx, i, path, req, j) }, nil
	}
	return Verb{
		Name: "import", Usage: "[-d] [-c CHANGE]... [-m MESSAGE] [--platform PLATFORM] PATH [REPOSITORY[:TAG]]",
		Paths: true, Parse: parse,
	}
}

func importPath(ctx context.Context, i Importer, path string, req imagefs.ImportRequest, j Job) error {
	f, err := j.Open(path)
	if err != nil {
		return err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return err
	}
	if info.IsDir() {
		return invalid(path, "", "%s is a directory, not a tar of one", path)
	}
	req.Source = f
	_, err = i.Import(ctx, req, j)
	return err
}
