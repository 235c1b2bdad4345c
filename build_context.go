package imagefs

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"os"
	"strings"

	"github.com/imagefs/imagefs/builder/source"
	"github.com/imagefs/imagefs/store/archive"
)

// BuildPaths is where `docker build` finds what it reads, as the user says.
type BuildPaths struct {
	Context    string   // a directory, a URL of a tar or of a Dockerfile, or "-" for such on Stdin
	Dockerfile string   // "-" for Stdin; "" for the context's
	Args       []string // NAME=VALUE, or NAME, which has its value from the environment, or none
	Secrets    []string // id=ID[,src=FILE|,env=NAME]
	Open       func(path string) (*os.File, error)
	Stdin      io.Reader                        // nil if there is none
	Env        func(name string) (string, bool) // nil if nobody's environment is meant
}

// Open sets the context, the Dockerfile, the arguments and the secrets of a request. The closer is called when the
// build has ended.
func (req *BuildRequest) Open(ctx context.Context, p BuildPaths) (io.Closer, error) {
	if p.Context == "-" && p.Dockerfile == "-" {
		return nil, invalid("-", "invalid argument: can't use stdin for both build context and dockerfile")
	}
	if p.Stdin == nil && (p.Context == "-" || p.Dockerfile == "-") {
		return nil, invalid("-", "there is no stdin here: write the path of a directory, or a URL")
	}
	if err := req.readWords(p); err != nil {
		return nil, err
	}
	switch {
	case p.Context == "-":
		req.Dockerfile = p.Dockerfile
		return req.openStream(p.Stdin)
	case isURL(p.Context):
		req.Dockerfile = p.Dockerfile
		return req.openURL(ctx, p.Context)
	}
	dir, err := p.openDir()
	if err != nil {
		return nil, err
	}
	req.Context = dir
	if err := p.openDockerfile(req, dir); err != nil {
		dir.Close()
		return nil, err
	}
	return dir, nil
}

func (p BuildPaths) openDir() (*source.Dir, error) {
	f, err := p.Open(p.Context)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, &Error{
			Kind: NotFound, Subject: p.Context, Err: fmt.Errorf("unable to prepare context: path %q not found", p.Context),
			Hint: "a context is a directory, - or a URL",
		}
	}
	if err != nil {
		return nil, err
	}
	defer f.Close()
	if info, err := f.Stat(); err != nil {
		return nil, err
	} else if !info.IsDir() {
		return nil, invalid(p.Context, "unable to prepare context: context must be a directory: %s", p.Context)
	}
	return source.OpenDir(fmt.Sprintf("/proc/self/fd/%d", f.Fd()))
}

// openDockerfile reads a Dockerfile that has a path of its own: one that, as for docker, does not begin at the context.
// What is not there may be in the context.
func (p BuildPaths) openDockerfile(req *BuildRequest, dir source.Tree) error {
	req.Dockerfile = p.Dockerfile
	switch p.Dockerfile {
	case "":
		return nil
	case "-":
		text, err := io.ReadAll(p.Stdin)
		req.Text = append([]byte{}, text...)
		return err
	}
	text, err := p.read(p.Dockerfile)
	if errors.Is(err, fs.ErrNotExist) {
		if _, err := readSource(dir, p.Dockerfile); err == nil {
			return nil
		}
	}
	if err != nil {
		return &Error{
			Kind: KindOf(err), Subject: p.Dockerfile, Err: fmt.Errorf("failed to read dockerfile: open %s: %w", p.Dockerfile, cause(err)),
			Hint: "the Dockerfile's path is given with -f",
		}
	}
	req.Text = append([]byte{}, text...)
	if ignore, err := p.read(p.Dockerfile + ".dockerignore"); err == nil {
		req.Ignore = append([]byte{}, ignore...)
	}
	return nil
}

func (p BuildPaths) read(path string) ([]byte, error) {
	f, err := p.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return io.ReadAll(f)
}

// openStream takes a tar for the context, and anything else for a Dockerfile that has none.
func (req *BuildRequest) openStream(from io.Reader) (io.Closer, error) {
	r := bufio.NewReader(from)
	start, err := r.Peek(512)
	if err != nil && err != io.EOF {
		return nil, err
	}
	if isTar(start) {
		t, err := source.OpenTar(r)
		if err != nil {
			return nil, &Error{Kind: Invalid, Err: fmt.Errorf("the build's context is not a tar: %w", err)}
		}
		req.Context = t
		return t, nil
	}
	text, err := io.ReadAll(r)
	req.Text, req.Dockerfile = append([]byte{}, text...), "Dockerfile"
	return io.NopCloser(nil), err
}

// isTar tells whether a stream that begins so is a tar, which may be compressed.
func isTar(start []byte) bool {
	return archive.IsCompressed(start) || len(start) > 262 && bytes.Equal(start[257:262], []byte("ustar"))
}

func (req *BuildRequest) openURL(ctx context.Context, address string) (io.Closer, error) {
	if isGit(address) {
		return nil, &Error{
			Kind: Unsupported, Subject: address, Err: fmt.Errorf("a git repository cannot be a build's context: %s", address),
			Hint: "clone it, and build its directory",
		}
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return nil, err
	}
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return nil, &Error{
			Kind: Unavailable, Subject: address,
			Err: fmt.Errorf("unable to prepare context: failed to GET %s with status %s", strings.TrimSpace(address), resp.Status),
		}
	}
	return req.openStream(resp.Body)
}
