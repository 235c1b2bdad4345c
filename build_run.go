package imagefs

import (
	"context"
	"errors"

	"github.com/moby/buildkit/frontend/dockerfile/instructions"
)

// run carries out RUN.
func (s *buildStage) run(context.Context, *instructions.RunCommand) error {
	return &Error{
		Kind: Unsupported, Subject: "RUN", Err: errors.New("RUN is not built yet: the builder carries out all instructions but this one"),
		Hint: "build it with docker or buildah, and load what they save",
	}
}
