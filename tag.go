package imagefs

import "context"

// Tag gives the image that source means (see [Resolve]) the name target too, as `docker tag` does.
func (e *Engine) Tag(ctx context.Context, source, target string) error { panic("stub") }

// TagImage gives the image with that ID the name: what `ln -s` of a tag does.
func (e *Engine) Move(ctx context.Context, from, to string) error { panic("stub") }

// Untag takes the name, full and normalised, away: what `rm` of a tag does. The image stays, dangling if that was its last.
func (e *Engine) Untag(ctx context.Context, name string) error { panic("stub") }
