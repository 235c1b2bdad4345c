package control

import "context"

// Tagger is what ctl/tag needs.
type Tagger interface {
	Tag(ctx context.Context, source, target string) error
}

// Tag is docker's verb.
func Tag(t Tagger) Verb {
	parse := func(words []string) (Work, error) {
		rest, err := options{}.parse(words)
		if err != nil {
			return nil, err
		}
		switch len(rest) {
		case 0:
			return nil, invalid("", "", "the source image is missing")
		case 1:
			return nil, invalid("", "", "the target's name is missing")
		case 2:
			return func(ctx context.Context, _ Job) error { return t.Tag(ctx, rest[0], rest[1]) }, nil
		}
		return nil, invalid(rest[2], "", "one source and one target a line, please")
	}
	return Verb{Name: "tag", Usage: "[-d] SOURCE_IMAGE[:TAG] TARGET_IMAGE[:TAG]", Parse: parse}
}
