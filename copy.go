package imagefs

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path"
	"strings"

	"github.com/imagefs/imagefs/builder/container"
)

// CopyRequest is what `docker cp` is asked for. One of From and To is in a container.
type CopyRequest struct {
	From, To   Place
	FollowLink bool      // copy what From's symlink leads to
	Archive    bool      // keep owners; else what is made is this process's
	Stdin      io.Reader // a tar, if From is "-"
	Stdout     io.Writer // for a tar, if To is "-"
}

// Place is a path of a container's or, where Container is "", of the host: absolute, or "-".
type Place struct{ Container, Path string }

func (p Place) String() string {
	if p.Container == "" {
		return p.Path
	}
	return p.Container + ":" + p.Path
}

// Copy copies files between a container and the host, by docker's rules: into a directory that is there, or under the name
// of one that is not; of a directory that ends with "/.", what is in it. The error is of kind NotFound or Invalid, or wraps
// [container.ErrNotMounted].
func (e *Engine) Copy(ctx context.Context, req CopyRequest) error {
	switch {
	case req.From.Container == "" && req.To.Container == "":
		return invalid("", "must specify at least one container source")
	case req.From.Container != "" && req.To.Container != "":
		return invalid("", "copying between containers is not supported")
	}
	c, err := e.Container(req.From.Container + req.To.Container)
	if KindOf(err) == NotFound {
		return missing(req.inContainer())
	}
	if err != nil {
		return err
	}
	return c.With(ctx, e.content, func(rootfs string) error {
		from, to := rootfs, "/"
		if req.From.Container == "" {
			from, to = to, from
		}
		return req.copy(ctx, from, to)
	})
}

// inContainer is what docker looks for in the container at first.
func (req CopyRequest) inContainer() Place {
	if req.From.Container != "" {
		return req.From
	}
	return Place{req.To.Container, path.Dir(path.Clean(req.To.Path))}
}

func (req CopyRequest) copy(ctx context.Context, fromRoot, toRoot string) error {
	from, err := container.OpenFiles(fromRoot)
	if err != nil {
		return err
	}
	defer from.Close()
	to, err := container.OpenFiles(toRoot)
	if err != nil {
		return err
	}
	defer to.Close()
	if req.From.Path == "-" && req.From.Container == "" {
		return req.fromStdin(ctx, to)
	}
	source, err := from.Stat(req.From.Path, req.FollowLink)
	if errors.Is(err, fs.ErrNotExist) {
		return missing(req.From)
	}
	if err != nil {
		return err
	}
	if req.To.Path == "-" && req.To.Container == "" {
		return from.Pack(ctx, req.From.Path, req.FollowLink, source.Name, req.Stdout)
	}
	dir, as, err := req.destination(to, source)
	if err != nil {
		return err
	}
	r, w := io.Pipe()
	packed := make(chan struct{})
	go func() {
		defer close(packed)
		w.CloseWithError(from.Pack(ctx, req.From.Path, req.FollowLink, as, w))
	}()
	err = to.Unpack(ctx, dir, req.Archive, r)
	r.CloseWithError(err) // and the packer ends
	<-packed
	return err
}

func (req CopyRequest) fromStdin(ctx context.Context, to *container.Files) error {
	target, err := to.Stat(req.To.Path, true)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return missing(req.To)
	case err != nil:
		return err
	case !target.IsDir:
		return invalid(req.To.Path, "destination %q must be a directory", req.To)
	}
	return to.Unpack(ctx, req.To.Path, req.Archive, req.Stdin)
}

// destination is the directory to copy into, and the name that the source gets there; "" for what is in it.
func (req CopyRequest) destination(to *container.Files, source container.Info) (dir, as string, err error) {
	target, err := to.Stat(req.To.Path, true)
	contents := source.IsDir && path.Base(req.From.Path) == "."
	switch {
	case err == nil && target.IsDir && contents:
		return req.To.Path, "", nil
	case err == nil && target.IsDir:
		return req.To.Path, source.Name, nil
	case err == nil && source.IsDir:
		return "", "", invalid(req.To.Path, "cannot copy directory")
	case err == nil: // a file, which may be behind a symlink
		real, err := to.Resolve(req.To.Path)
		return path.Dir(real), path.Base(real), err
	case !errors.Is(err, fs.ErrNotExist):
		return "", "", err
	case !source.IsDir && strings.HasSuffix(req.To.Path, "/"):
		return "", "", &Error{Kind: NotFound, Subject: req.To.Path, Err: errors.New("no such directory")}
	}
	dir, as = path.Split(path.Clean(req.To.Path))
	if parent, err := to.Stat(dir, true); err != nil || !parent.IsDir {
		return "", "", missing(Place{req.To.Container, path.Clean(dir)})
	}
	return dir, as, nil
}

// missing is docker's word for a path that is not there.
func missing(p Place) error {
	err := fmt.Errorf("lstat %s: no such file or directory", p.Path)
	if p.Container != "" {
		err = errors.New("No such container:path: " + p.String())
	}
	return &Error{Kind: NotFound, Subject: p.Path, Err: err}
}
