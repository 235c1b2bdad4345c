package imagefs

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"path"
	"regexp"
	"strings"
	"time"

	"github.com/moby/buildkit/frontend/dockerfile/instructions"
	digest "github.com/opencontainers/go-digest"

	"github.com/imagefs/imagefs/builder/copying"
	"github.com/imagefs/imagefs/builder/dockerfile"
	"github.com/imagefs/imagefs/builder/source"
	"github.com/imagefs/imagefs/store"
)

// copy carries out COPY.
func (s *buildStage) copy(ctx context.Context, command *instructions.CopyCommand) error {
	c := copying.Copy{
		Name: "COPY", Dest: s.destination(command.DestPath), Parents: command.Parents, Link: command.Link,
		Exclude: command.ExcludePatterns,
	}
	from, id, err := s.sourceOf(ctx, command.From)
	if err != nil {
		return err
	}
	if command.From == "" {
		c.Owner = &copying.Owner{}
	}
	for _, name := range command.SourcePaths {
		c.Items = append(c.Items, copying.Item{Tree: from, ID: id, Path: name})
	}
	c.Items = append(c.Items, s.literals(command.SourceContents)...)
	return s.copied(ctx, c, fmt.Sprint(command), command.Chown, command.Chmod)
}

// sourceOf is the tree that --from means, and what says what is in it, where that is known.
func (s *buildStage) sourceOf(ctx context.Context, from string) (source.Tree, string, error) {
	if from == "" {
		return s.context, "", nil
	}
	if other := s.plan.Find(from, s.stage.Index); other != nil {
		done, err := s.finished(ctx, other, s.report.transcript)
		if err != nil {
			return nil, "", err
		}
		t, err := done.tree()
		return t, chainOf(done.diffIDs), err
	}
	if from == dockerfile.Scratch {
		return source.Empty(), "", nil
	}
	img, err := s.image(ctx, from, "")
	if err != nil {
		return nil, "", err
	}
	t, err := s.filesOf(diffIDsOf(img))
	return t, chainOf(diffIDsOf(img)), err
}

func diffIDsOf(img *store.Image) (diffIDs []digest.Digest) {
	for _, chain := range img.Chains {
		diffIDs = append(diffIDs, chain.DiffID)
	}
	return diffIDs
}

// literals are files whose content the Dockerfile has.
func (s *buildStage) literals(contents []instructions.SourceContent) (items []copying.Item) {
	for _, content := range contents {
		tree := source.Literal(path.Base(content.Path), []byte(content.Data), 0o644, s.now)
		items = append(items, copying.Item{Tree: tree, Path: path.Base(content.Path), Exact: true})
	}
	return items
}

// destination is a path below the working directory, which keeps its slash.
func (s *buildStage) destination(dest string) string {
	abs := workdir(s.config.WorkingDir, dest)
	if abs != "/" && (dest == "." || strings.HasSuffix(dest, "/") || strings.HasSuffix(dest, "/.")) {
		abs += "/"
	}
	return abs
}

// copied makes the layer of a COPY or ADD.
func (s *buildStage) copied(ctx context.Context, c copying.Copy, by, chown, chmod string) error {
	below, err := s.tree()
	if err != nil {
		return err
	}
	if chown != "" {
		if c.Owner, err = copying.ParseOwner(chown, below); err != nil {
			return err
		}
		c.Unpacked = c.Owner
	}
	if chmod != "" {
		if c.Mode, err = copying.ParseMode(chmod); err != nil {
			return err
		}
	}
	found, err := copying.Find(ctx, c)
	if err != nil {
		return fmt.Errorf("%s failed: %w", c.Name, err)
	}
	what, err := found.Digest(ctx)
	if err != nil {
		return err
	}
	write := func(w io.Writer) error { return found.WriteLayer(ctx, below, s.times(), w) }
	return s.layer(ctx, by, write, byContent, c.Name, by, c.Dest, fmt.Sprint(c.Owner, c.Unpacked, c.Parents, c.Link, c.Exclude), chmod, what.String())
}

// add carries out ADD.
func (s *buildStage) add(ctx context.Context, command *instructions.AddCommand) error {
	c := copying.Copy{
		Name: "ADD", Dest: s.destination(command.DestPath), Link: command.Link, Exclude: command.ExcludePatterns,
		Owner: &copying.Owner{},
	}
	for _, name := range command.SourcePaths {
		item := copying.Item{Tree: s.context, Path: name, Unpack: command.Unpack == nil || *command.Unpack}
		switch {
		case isGit(name):
			return &Error{
				Kind: Unsupported, Subject: name, Err: fmt.Errorf("ADD of a git repository is not supported: %s", name),
				Hint: "clone it, and copy from the clone",
			}
		case isURL(name):
			remote, err := s.fetch(ctx, name, command.Checksum, strings.HasSuffix(c.Dest, "/"))
			if err != nil {
				return err
			}
			defer remote.Close()
			item.Tree, item.Path, item.Exact = remote.Spooled, remote.name, true
			item.Unpack = command.Unpack != nil && *command.Unpack
		case command.Checksum != "":
			return fmt.Errorf("checksum can't be specified for non-HTTP(S) sources")
		}
		c.Items = append(c.Items, item)
	}
	c.Items = append(c.Items, s.literals(command.SourceContents)...)
	return s.copied(ctx, c, fmt.Sprint(command), command.Chown, command.Chmod)
}

func isURL(word string) bool {
	return strings.HasPrefix(word, "http://") || strings.HasPrefix(word, "https://")
}

// gitURL is what BuildKit takes for a git repository (util/gitutil/git_ref.go).
var gitURL = regexp.MustCompile(`^(git://|ssh://|git@|[a-zA-Z0-9_-]+@[^/]+:|github\.com/)|^https?://.*\.git(#.*|\?.*)?$`)

func isGit(word string) bool { return gitURL.MatchString(word) }

// remote is a file that was fetched.
type remote struct {
	*source.Spooled
	name string
}

// fetch fetches a file that ADD names.
func (s *buildStage) fetch(ctx context.Context, address, checksum string, intoDir bool) (*remote, error) {
	var want digest.Digest
	if checksum != "" {
		var err error
		if want, err = digest.Parse(checksum); err != nil {
			return nil, fmt.Errorf("invalid checksum %q: %w", checksum, err)
		}
	}
	u, err := url.Parse(address)
	if err != nil {
		return nil, err
	}
	name := path.Base(u.Path)
	if name == "." || name == "/" {
		if intoDir {
			return nil, fmt.Errorf("cannot determine filename for source %s", address)
		}
		name = "download"
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return nil, err
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		kind := Unavailable
		if resp.StatusCode == http.StatusNotFound {
			kind = NotFound
		}
		return nil, &Error{Kind: kind, Subject: address, Err: fmt.Errorf("failed to GET %s with status %s", address, resp.Status)}
	}
	modified, err := http.ParseTime(resp.Header.Get("Last-Modified"))
	if err != nil {
		modified = time.Unix(0, 0)
	}
	verifier := digest.Canonical.Digester()
	if want != "" {
		verifier = want.Algorithm().Digester()
	}
	file, err := source.Spool(name, io.TeeReader(resp.Body, verifier.Hash()), 0o600, modified)
	if err != nil {
		return nil, err
	}
	if got := verifier.Digest(); want != "" && got != want {
		file.Close()
		return nil, &Error{Kind: Corrupt, Subject: address, Err: fmt.Errorf("digest mismatch %s: %s", got, want)}
	}
	return &remote{file, name}, nil
}
