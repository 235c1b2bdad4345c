package imagefs

import (
	"context"
	"errors"

	"github.com/containerd/platforms"
	"github.com/distribution/reference"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/imagefs/imagefs/store"
	"github.com/imagefs/imagefs/store/layer"
)

// PullRequest is what `docker pull` is asked for.
type PullRequest struct {
	Ref          string // as the user wrote it
	Platform     string // os/arch[/variant]; "" for the host's
	AllPlatforms bool   // every platform of the index
	AllTags      bool   // every tag of the repository; Ref must have no tag or digest
}

// Pull fetches images from a registry. Two calls that ask for the same share one download and its result; the download
// goes on until the last of them is cancelled. What an interrupted pull had fetched is not fetched again.
func (e *Engine) Pull(ctx context.Context, req PullRequest, report Reporter) ([]*store.Image, error) {
	p, err := e.newPull(req)
	if err != nil {
		return nil, err
	}
	images, err := e.pulls.do(ctx, p.key(), report, p.run)
	if err != nil {
		return nil, explain(err, reference.FamiliarString(p.ref))
	}
	return images, nil
}

// pull is one request to pull, understood.
type pull struct {
	*Engine
	ref          reference.Named // with a tag or a digest, unless allTags
	platform     ocispec.Platform
	asked        bool // for that platform, by the user
	allPlatforms bool
	allTags      bool
	defaultTag   bool // because the user wrote none
}

func (e *Engine) newPull(req PullRequest) (*pull, error) {
	named, err := parseName(req.Ref)
	if err != nil {
		return nil, err
	}
	p := &pull{Engine: e, ref: named, allPlatforms: req.AllPlatforms, allTags: req.AllTags}
	if p.platform, p.asked, err = parsePlatform(req.Platform); err != nil {
		return nil, err
	}
	switch {
	case p.asked && p.allPlatforms:
		return nil, invalid("--all-platforms", "--platform can't be used with --all-platforms")
	case p.allTags && !reference.IsNameOnly(named):
		return nil, invalid(req.Ref, "tag can't be used with --all-tags/-a")
	case named.Name() == "docker.io/library/scratch":
		return nil, invalid(req.Ref, "'scratch' is a reserved name")
	case p.allTags:
		return p, nil
	}
	p.defaultTag = reference.IsNameOnly(named)
	p.ref = reference.TagNameOnly(named)
	if digested, ok := p.ref.(reference.Digested); ok {
		// Where there are both, docker takes the digest.
		p.ref, err = reference.WithDigest(reference.TrimNamed(p.ref), digested.Digest())
	}
	return p, err
}

// key is equal for requests that ask for the same.
func (p *pull) key() PullRequest {
	req := PullRequest{Ref: p.ref.String(), AllPlatforms: p.allPlatforms, AllTags: p.allTags}
	if p.asked {
		req.Platform = platforms.FormatAll(p.platform)
	}
	return req
}

func (p *pull) run(ctx context.Context, report Reporter) ([]*store.Image, error) {
	if p.defaultTag {
		report.Line("Using default tag: latest")
	}
	pulled, err := p.references(ctx, report)
	if err != nil {
		return nil, err
	}
	status := "Status: Image is up to date for "
	if pulled.news {
		status = "Status: Downloaded newer image for "
	}
	report.Line(status + reference.FamiliarString(p.ref))
	for _, warning := range pulled.warnings {
		report.Line(warning)
	}
	report.Line(p.ref.String())
	p.events.append("pull", reference.FamiliarString(p.ref), p.attributes(pulled.images))
	return pulled.images, nil
}

// pulled is what came of a pull; news tells whether any reference, or image, is new.
type pulled struct {
	images   []*store.Image
	news     bool
	warnings []string
}

func (p *pull) references(ctx context.Context, report Reporter) (all pulled, err error) {
	refs := []reference.Named{p.ref}
	if p.allTags {
		if refs, err = p.tags(ctx); err != nil {
			return all, err
		}
	}
	for _, ref := range refs {
		one, err := p.reference(ctx, ref, report)
		if err != nil {
			return all, err
		}
		all.images = append(all.images, one.images...)
		all.news = all.news || one.news
		all.warnings = append(all.warnings, one.warnings...)
	}
	return all, nil
}

func (p *pull) tags(ctx context.Context) ([]reference.Named, error) {
	tags, err := p.registry.Tags(ctx, p.ref)
	if err != nil {
		return nil, err
	}
	var refs []reference.Named
	for _, tag := range tags {
		ref, err := reference.WithTag(p.ref, tag)
		if err != nil {
			return nil, invalid(tag, "%v", err)
		}
		refs = append(refs, ref)
	}
	return refs, nil
}

// attributes are those docker gives the event: the name, and the labels of the one image.
func (p *pull) attributes(images []*store.Image) map[string]string {
	attributes := map[string]string{}
	if len(images) == 1 && !p.allTags {
		attributes = labels(p.store, images[0])
	}
	attributes["name"] = reference.FamiliarName(p.ref)
	return attributes
}

// explain gives an error its kind, the word at fault and what to do; the sentence is that of whoever failed.
func explain(err error, subject string) error {
	var known *Error
	if errors.As(err, &known) {
		return err
	}
	kind := KindOf(err)
	hint := hints[kind]
	var damaged *layer.CorruptError
	if errors.As(err, &damaged) {
		hint = "" // what is stored is damaged, not what was sent
	}
	return &Error{Kind: kind, Subject: subject, Err: err, Hint: hint}
}
