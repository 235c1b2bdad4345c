package imagefs

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/distribution/reference"
	digest "github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/imagefs/imagefs/store"
)

// PushRequest is what `docker push` is asked for.
type PushRequest struct {
	Ref     string
	AllTags bool // every tag of the repository; Ref must have no tag
}

// Push sends an image to its registry. What was pulled is sent as it was: the same manifest, with the same digest. An index
// is sent if the store has all of it; of one that was pulled in part it is the image that the tag means here. Layers that
// are stored uncompressed are compressed, and always to the same bytes. Its lines are docker's.
func (e *Engine) Push(ctx context.Context, req PushRequest, report Reporter) error {
	p, err := e.newPush(req, report)
	if err != nil {
		return err
	}
	if err := p.run(ctx); err != nil {
		return withHints(explain(err, reference.FamiliarString(p.ref)), pushHints)
	}
	return nil
}

// push is one request to push, understood.
type push struct {
	*Engine
	ref        reference.Named // with a tag, unless allTags
	allTags    bool
	defaultTag bool // because the user wrote none
	report     Reporter

	snap  *store.Snapshot
	claim *store.Claim // of all that is pushed
}

func (e *Engine) newPush(req PushRequest, report Reporter) (*push, error) {
	named, err := parseName(req.Ref)
	if err != nil {
		return nil, err
	}
	if report == nil {
		report = new(audience)
	}
	p := &push{Engine: e, ref: named, allTags: req.AllTags, report: report}
	switch {
	case p.allTags && !reference.IsNameOnly(named):
		return nil, invalid(req.Ref, "tag can't be used with --all-tags/-a")
	case isDigested(named):
		return nil, invalid(req.Ref, "cannot push a digest reference")
	case p.allTags:
		return p, nil
	}
	p.defaultTag = reference.IsNameOnly(named)
	p.ref = reference.TagNameOnly(named)
	return p, nil
}

func (p *push) run(ctx context.Context) (err error) {
	if p.defaultTag {
		p.report.Line("Using default tag: latest")
	}
	p.report.Line(fmt.Sprintf("The push refers to repository [%s]", p.ref.Name()))
	if p.claim, err = p.store.Claim(); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, p.claim.Close()) }()
	if p.snap, err = p.store.Refresh(); err != nil {
		return err
	}
	refs, err := p.references()
	if err != nil {
		return err
	}
	for _, ref := range refs {
		if err := p.tag(ctx, ref.Reference, ref.name.(reference.NamedTagged)); err != nil {
			return err
		}
	}
	p.events.append("push", reference.FamiliarString(p.ref), p.attributes(refs))
	return nil
}

// attributes are those docker gives the event: the name, and the labels of the one image.
func (p *push) attributes(pushed []named) map[string]string {
	attributes := map[string]string{}
	if !p.allTags {
		attributes = labels(p.store, pushed[0].Images[0])
	}
	attributes["name"] = reference.FamiliarName(p.ref)
	return attributes
}

// references are those to push. The sentences are docker's.
func (p *push) references() ([]named, error) {
	var tags []named
	known := false
	for i := range p.snap.References {
		ref := &p.snap.References[i]
		name, err := reference.ParseNormalizedNamed(ref.Name)
		if err != nil || name.Name() != p.ref.Name() || len(ref.Images) == 0 {
			continue
		}
		known = true
		if _, ok := name.(reference.NamedTagged); ok && (p.allTags || name.String() == p.ref.String()) {
			tags = append(tags, named{ref, name})
		}
	}
	familiar := reference.FamiliarString(p.ref)
	switch {
	case !known:
		return nil, &Error{Kind: NotFound, Subject: familiar, Hint: hintNoTag,
			Err: errors.New("An image does not exist locally with the tag: " + reference.FamiliarName(p.ref))}
	case len(tags) == 0 && p.allTags:
		return nil, &Error{Kind: NotFound, Subject: familiar, Hint: hintNoTag, Err: errors.New("no tags to push for " + familiar)}
	case len(tags) == 0:
		return nil, &Error{Kind: NotFound, Subject: familiar, Hint: hintNoTag, Err: errors.New("tag does not exist: " + familiar)}
	}
	return tags, nil
}

const hintNoTag = "give an image the name first, with tag"

// tag pushes what one tag means.
func (p *push) tag(ctx context.Context, ref *store.Reference, name reference.NamedTagged) error {
	out, err := p.outgoing(ctx, ref)
	if err != nil {
		return err
	}
	if err := p.blobs(ctx, name, out); err != nil {
		return err
	}
	manifest, err := p.manifests(ctx, name, out)
	if err != nil {
		return err
	}
	p.report.Line(fmt.Sprintf("%s: digest: %s size: %d", name.Tag(), manifest.Digest, manifest.Size))
	if out.part {
		p.report.Line("Not all multiplatform-content is present and only the available single-platform image was pushed")
		p.report.Line(fmt.Sprintf("%s -> %s", ref.Target.Digest, manifest.Digest))
	}
	return p.remember(ctx, name, manifest)
}

// manifests sends the manifests that out has, the target last and under the tag, and returns that.
func (p *push) manifests(ctx context.Context, name reference.NamedTagged, out *outgoing) (ocispec.Descriptor, error) {
	for _, m := range out.children {
		byDigest, err := reference.WithDigest(reference.TrimNamed(name), m.Descriptor.Digest)
		if err != nil {
			return ocispec.Descriptor{}, err
		}
		if err := p.registry.PushManifest(ctx, byDigest, m); err != nil {
			return ocispec.Descriptor{}, err
		}
	}
	target, err := out.compressed()
	if err != nil {
		return ocispec.Descriptor{}, err
	}
	if err := p.registry.PushManifest(ctx, name, target); err != nil {
		return ocispec.Descriptor{}, err
	}
	if err := p.claim.Add(ctx, target.Descriptor.Digest); err != nil {
		return ocispec.Descriptor{}, err
	}
	return target.Descriptor, p.store.PutBlob(target.Descriptor.Digest, target.Raw)
}

// remember names what was pushed by its digest, as docker does, unless the tag is gone meanwhile.
func (p *push) remember(ctx context.Context, name reference.NamedTagged, manifest ocispec.Descriptor) error {
	byDigest, err := reference.WithDigest(reference.TrimNamed(name), manifest.Digest)
	if err != nil {
		return err
	}
	_, err = p.store.Update(ctx, func(snap *store.Snapshot) ([]store.Change, error) {
		if snap.Reference(name.String()) == nil || snap.Reference(byDigest.String()) != nil {
			return nil, nil
		}
		return []store.Change{{Name: byDigest.String(), Target: &manifest}}, nil
	})
	return err
}

// isPulled tells whether a registry is known to have the manifest or index d.
func (p *push) isPulled(d digest.Digest) bool {
	return slices.ContainsFunc(p.snap.References, func(ref store.Reference) bool {
		name, err := reference.ParseNormalizedNamed(ref.Name)
		return err == nil && ref.Target.Digest == d && isDigested(name)
	})
}

// pushHints are those of [hints] that differ for a push.
var pushHints = map[Kind]string{
	TimedOut:    "try again: what the registry has is not sent again",
	Unavailable: "try again later: what the registry has is not sent again",
	NoSpace:     "make room in the store's file system: layers are compressed there",
	Canceled:    "what the registry has is not sent again",
}
