package imagefs

import (
	"bytes"
	"context"
	"fmt"
	"io"

	"github.com/containerd/platforms"
	"github.com/distribution/reference"
	digest "github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/imagefs/imagefs/registry"
	"github.com/imagefs/imagefs/store"
)

// maxConfig limits a config as manifests are limited, in bytes: it is held in memory.
const maxConfig = 4 << 20

// remoteImage is an image as the registry describes it, before its layers are fetched.
type remoteImage struct {
	manifest  registry.Manifest // its Descriptor has a Platform
	doc       document
	configRaw []byte
	config    config
}

// reference pulls what one tag or digest names, and publishes it.
func (p *pull) reference(ctx context.Context, ref reference.Named, report Reporter) (pulled, error) {
	target, err := p.registry.Manifest(ctx, ref)
	if err != nil {
		return pulled{}, err
	}
	report.Line(fmt.Sprintf("%s: Pulling from %s", tagOrAll(ref), reference.Path(ref)))
	images, err := p.images(ctx, ref, target)
	if err != nil {
		return pulled{}, err
	}
	claim, err := p.claim(ctx, target, images)
	if err != nil {
		return pulled{}, err
	}
	defer claim.Close()
	snap, err := p.store.Refresh()
	if err != nil {
		return pulled{}, err
	}
	if err := p.layers(ctx, ref, images, snap, report); err != nil {
		return pulled{}, err
	}
	stored, err := p.publish(ctx, ref, target, images)
	if err != nil {
		return pulled{}, err
	}
	report.Line("Digest: " + target.Descriptor.Digest.String())
	return pulled{
		images:   stored,
		news:     isNews(snap.Reference(ref.String()), target, images),
		warnings: p.warnings(ref, images),
	}, nil
}

// claim keeps what the images consist of, as far as it is stored or will be, until they are published.
func (p *pull) claim(ctx context.Context, target registry.Manifest, images []remoteImage) (*store.Claim, error) {
	digests := []digest.Digest{target.Descriptor.Digest}
	for _, img := range images {
		digests = append(digests, img.manifest.Descriptor.Digest, img.doc.Config.Digest)
		for i, blob := range img.doc.Layers {
			digests = append(digests, blob.Digest, img.config.RootFS.DiffIDs[i])
		}
	}
	claim, err := p.store.Claim()
	if err != nil {
		return nil, err
	}
	if err := claim.Add(ctx, digests...); err != nil {
		claim.Close()
		return nil, err
	}
	return claim, nil
}

// tagOrAll is what docker calls a reference by on its first line: the tag, or all of one with a digest.
func tagOrAll(ref reference.Named) string {
	if tagged, ok := ref.(reference.Tagged); ok {
		return tagged.Tag()
	}
	return ref.String()
}

// images fetches the manifests and configs that target leads to and the request asks for.
func (p *pull) images(ctx context.Context, ref reference.Named, target registry.Manifest) ([]remoteImage, error) {
	doc, err := parseManifest(target)
	if err != nil {
		return nil, err
	}
	if isManifest(target.Descriptor.MediaType) {
		img, err := p.image(ctx, ref, target, doc)
		return []remoteImage{img}, err
	}
	entries, err := p.entries(doc.Manifests)
	if err != nil {
		return nil, err
	}
	var all []remoteImage
	for _, entry := range entries {
		if !isManifest(entry.MediaType) {
			return nil, unsupported(entry.MediaType)
		}
		m, err := p.manifest(ctx, ref, entry)
		if err != nil {
			return nil, err
		}
		if doc, err = parseManifest(m); err != nil {
			return nil, err
		}
		img, err := p.image(ctx, ref, m, doc)
		if err != nil {
			return nil, err
		}
		all = append(all, img)
	}
	return all, nil
}

// entries are those of an index that the request asks for.
func (p *pull) entries(all []ocispec.Descriptor) ([]ocispec.Descriptor, error) {
	if p.allPlatforms {
		return images(all), nil
	}
	entry, err := choose(all, p.platform, reference.FamiliarString(p.ref))
	return []ocispec.Descriptor{entry}, err
}

// manifest returns an index's entry, from the store if it is there.
func (p *pull) manifest(ctx context.Context, ref reference.Named, entry ocispec.Descriptor) (registry.Manifest, error) {
	if raw, err := p.store.Blob(entry.Digest); err == nil {
		return registry.Manifest{Descriptor: entry, Raw: raw}, nil
	}
	m, err := p.registry.ManifestByDigest(ctx, ref, entry.Digest)
	if err != nil {
		return m, err
	}
	if m.Descriptor.Size != entry.Size {
		return m, invalidManifest(m, "it has %d bytes, where its index says %d", m.Descriptor.Size, entry.Size)
	}
	return registry.Manifest{Descriptor: entry, Raw: m.Raw}, nil
}

// image fetches and checks the config of a manifest.
func (p *pull) image(ctx context.Context, ref reference.Named, m registry.Manifest, doc document) (remoteImage, error) {
	raw, err := p.config(ctx, ref, *doc.Config)
	if err != nil {
		return remoteImage{}, blobError("config", doc.Config.Digest, err)
	}
	c, err := parseConfig(raw)
	if err != nil {
		return remoteImage{}, invalidManifest(m, "%w", err)
	}
	if len(c.RootFS.DiffIDs) != len(doc.Layers) {
		return remoteImage{}, invalidManifest(m, "layers from manifest don't match image configuration: it has %d, its config %d",
			len(doc.Layers), len(c.RootFS.DiffIDs))
	}
	for _, d := range c.RootFS.DiffIDs {
		if err := d.Validate(); err != nil {
			return remoteImage{}, invalidManifest(m, "diffID %q: %v", d, err)
		}
	}
	if m.Descriptor.Platform == nil {
		platform := platformOf(c)
		m.Descriptor.Platform = &platform
	}
	return remoteImage{manifest: m, doc: doc, configRaw: raw, config: c}, nil
}

// config returns a config's bytes, from the store if they are there.
func (p *pull) config(ctx context.Context, ref reference.Named, desc ocispec.Descriptor) ([]byte, error) {
	if raw, err := p.store.Blob(desc.Digest); err == nil {
		return raw, nil
	}
	if desc.Size > maxConfig {
		return nil, fmt.Errorf("%w: %d bytes, at most %d", registry.ErrTooLarge, desc.Size, maxConfig)
	}
	blob, err := p.registry.Blob(ctx, ref, desc, 0)
	if err != nil {
		return nil, err
	}
	defer blob.Close()
	var raw bytes.Buffer
	if _, err := io.Copy(&raw, io.LimitReader(blob, maxConfig+1)); err != nil {
		return nil, err
	}
	if got := desc.Digest.Algorithm().FromBytes(raw.Bytes()); got != desc.Digest {
		return nil, &store.DigestError{What: "image config", Want: desc.Digest, Got: got}
	}
	return raw.Bytes(), nil
}

// warnings are docker's for an image that no index chose and that is of another platform than was asked for.
func (p *pull) warnings(ref reference.Named, images []remoteImage) []string {
	if !p.asked || len(images) != 1 {
		return nil
	}
	actual := platformOf(images[0].config)
	if platforms.Only(p.platform).Match(actual) {
		return nil
	}
	return []string{fmt.Sprintf(
		"WARNING: image with reference %s was found but its platform (%s) does not match the specified platform (%s)",
		reference.FamiliarString(ref), platforms.Format(actual), platforms.Format(p.platform))}
}

// isNews tells whether a reference, as it was, did not lead to these images.
func isNews(before *store.Reference, target registry.Manifest, images []remoteImage) bool {
	if before == nil || before.Target.Digest != target.Descriptor.Digest {
		return true
	}
	had := make(map[digest.Digest]bool)
	for _, img := range before.Images {
		had[img.ID] = true
	}
	for _, img := range images {
		if !had[img.doc.Config.Digest] {
			return true
		}
	}
	return false
}
