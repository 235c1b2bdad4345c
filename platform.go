package imagefs

import (
	"fmt"
	"slices"
	"strings"

	"github.com/containerd/platforms"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
)

// parsePlatform reads os/arch[/variant] as docker does; "" is the host's. asked tells whether there was anything to
// read.
func parsePlatform(text string) (p ocispec.Platform, asked bool, err error) {
	if text == "" {
		return platforms.Normalize(platforms.DefaultSpec()), false, nil
	}
	p, err = platforms.Parse(text)
	if err != nil {
		return p, true, &Error{Kind: Invalid, Subject: text, Err: err, Hint: "write it as linux/arm64 or linux/arm/v7"}
	}
	return platforms.Normalize(p), true, nil
}

// choose returns the entry of an index that docker would run on platform p: the best of those that match, an entry
// without a platform last. ref is the word at fault if there is none.
func choose(entries []ocispec.Descriptor, p ocispec.Platform, ref string) (ocispec.Descriptor, error) {
	matcher := platforms.Only(p)
	matches := slices.DeleteFunc(slices.Clone(entries), func(d ocispec.Descriptor) bool {
		return d.Platform != nil && !matcher.Match(*d.Platform)
	})
	if len(matches) == 0 {
		return ocispec.Descriptor{}, &Error{
			Kind:    Unsupported,
			Subject: ref,
			Err:     fmt.Errorf("no matching manifest for %s in the manifest list entries", platforms.Format(p)),
			Hint:    platformsHint(entries),
		}
	}
	slices.SortStableFunc(matches, func(a, b ocispec.Descriptor) int {
		switch {
		case a.Platform == nil && b.Platform == nil:
			return 0
		case a.Platform == nil:
			return 1
		case b.Platform == nil:
			return -1
		case matcher.Less(*a.Platform, *b.Platform):
			return -1
		case matcher.Less(*b.Platform, *a.Platform):
			return 1
		}
		return 0
	})
	return matches[0], nil
}

func platformsHint(entries []ocispec.Descriptor) string {
	var names []string
	for _, d := range images(entries) {
		if d.Platform != nil {
			names = append(names, platforms.Format(*d.Platform))
		}
	}
	if len(names) == 0 {
		return "the index has no image at all"
	}
	return "it has " + strings.Join(names, ", ") + ": choose with --platform"
}

// images returns the entries that are images: BuildKit's attestations have the platform unknown/unknown.
func images(entries []ocispec.Descriptor) []ocispec.Descriptor {
	return slices.DeleteFunc(slices.Clone(entries), func(d ocispec.Descriptor) bool {
		return d.Platform != nil && d.Platform.OS == "unknown" && d.Platform.Architecture == "unknown"
	})
}

// platformOf returns the platform that a config says it is for.
func platformOf(c config) ocispec.Platform {
	return platforms.Normalize(ocispec.Platform{
		OS: c.OS, Architecture: c.Architecture, Variant: c.Variant, OSVersion: c.OSVersion,
	})
}
