package control

import (
	"context"
	"fmt"
	"io"
	"strings"

	"github.com/imagefs/imagefs"
	"github.com/imagefs/imagefs/store/archive"
)

// Archiver is what ctl/save and exports/ need.
type Archiver interface {
	Archive(req imagefs.SaveRequest) (*archive.Archive, error)
	Save(ctx context.Context, req imagefs.SaveRequest, w io.Writer) error
}

// save is docker's verb; the archive is in exports/.
func save(e *exports) Verb {
	parse := func(words []string) (Work, error) {
		var (
			req  imagefs.SaveRequest
			name string
		)
		rest, err := options{
			values: map[string]*string{"--format": &req.Format, "-o": &name, "--output": &name},
			lists:  map[string]*[]string{"--not-in": &req.NotIn},
		}.parse(words)
		if err != nil {
			return nil, err
		}
		if name != "" {
			rest = append([]string{name}, rest...)
		}
		switch {
		case req.Format != "" && req.Format != "docker-archive" && req.Format != "oci-archive":
			return nil, invalid(req.Format, "", "the format is docker-archive or oci-archive, not %q", req.Format)
		case len(rest) == 0:
			return nil, invalid("", "", "the archive's name is missing")
		case len(rest) == 1:
			return nil, invalid("", "", "the image is missing")
		}
		if err := checkExport(rest[0]); err != nil {
			return nil, err
		}
		req.Refs = rest[1:]
		return func(ctx context.Context, j Job) error { return e.add(ctx, rest[0], req, j) }, nil
	}
	return Verb{
		Name: "save", Usage: "[-d] [--format docker-archive|oci-archive] [--not-in IMAGE]... FILE.tar IMAGE...", Parse: parse,
	}
}

// checkExport tells what is wrong with the name of an archive.
func checkExport(name string) error {
	switch {
	case name == "":
		return invalid("", "", "the archive's name is empty")
	case strings.Contains(name, "/"):
		return invalid(name, "it will be in exports/", "the archive's name has no slash: %q", name)
	case strings.HasPrefix(name, "."):
		return invalid(name, "", "the archive's name does not begin with a dot: %q", name)
	case len(name) > maxName:
		return invalid(name, "", "the archive's name has %d bytes, more than %d", len(name), maxName)
	}
	return nil
}

// maxName leaves room for that of a temporary file.
const maxName = 200

// progressStep is after how many bytes progress is told.
const progressStep = 1 << 20

// counter tells a job's progress while an archive is read.
type counter struct {
	layer imagefs.LayerProgress
	told  int64
	tell  func(imagefs.LayerProgress)
}

func (c *counter) Write(p []byte) (int, error) {
	c.layer.Done += int64(len(p))
	if c.layer.Done-c.told >= progressStep || c.layer.Done == c.layer.Total {
		c.told = c.layer.Done
		c.tell(c.layer)
	}
	return len(p), nil
}

func newCounter(name string, total int64, j Job) *counter {
	return &counter{layer: imagefs.LayerProgress{ID: fmt.Sprintf("%.12s", name), Status: "Saving", Total: total}, tell: j.Layer}
}
