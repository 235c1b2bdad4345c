package main

import (
	_ "embed"
	"fmt"
	"strings"

	"github.com/distribution/reference"
	"github.com/urfave/cli/v2"
)

//go:embed completion/bash
var bashCompletion string

//go:embed completion/zsh
var zshCompletion string

func completionCommand() *cli.Command {
	return &cli.Command{
		Name:      "completion",
		Usage:     "Print the completion script for a shell",
		ArgsUsage: "bash|zsh|fish",
		Description: `Examples:

   source <(imagefs completion bash)
   imagefs completion zsh > "${fpath[1]}/_imagefs"
   imagefs completion fish > ~/.config/fish/completions/imagefs.fish`,
		BashComplete: func(c *cli.Context) { fmt.Fprintln(c.App.Writer, "bash\nzsh\nfish") },
		OnUsageError: badUsage,
		Action:       completion,
	}
}

func completion(c *cli.Context) error {
	args, err := words(c, 1, 1)
	if err != nil {
		return err
	}
	var script string
	switch args[0] {
	case "bash":
		script = bashCompletion
	case "zsh":
		script = zshCompletion
	case "fish":
		script, err = c.App.ToFishCompletion()
	default:
		err = &usageError{"imagefs completion", fmt.Errorf("unknown shell: %s", args[0])}
	}
	fmt.Fprint(c.App.Writer, script)
	return err
}

// completeImages offers the names of images, or the command's options where one is begun. It says nothing of errors:
// the shell is in the middle of a line.
func completeImages(c *cli.Context) {
	if words := c.Args().Slice(); len(words) > 0 && strings.HasPrefix(words[len(words)-1], "-") {
		cli.DefaultCompleteWithFlags(c.Command)(c)
		return
	}
	s, snap, err := openStore(c)
	if err != nil {
		return
	}
	defer s.Close()
	for _, ref := range snap.References {
		if named, err := reference.ParseNormalizedNamed(ref.Name); err == nil && len(ref.Images) > 0 {
			fmt.Fprintln(c.App.Writer, reference.FamiliarString(named))
		}
	}
}
