package main

import (
	_ "embed"
	"fmt"

	"github.com/urfave/cli/v2"
)

//go:embed completion/bash
var bashCompletion string

//go:embed completion/zsh
var zshCompletion string

//go:embed completion/fish
var fishCompletion string

func completionCommand() *cli.Command {
	return &cli.Command{
		Name:      "completion",
		Usage:     "Print the completion script for a shell",
		ArgsUsage: "bash|zsh|fish",
		Description: `Examples:

   source <(imagefs completion bash)
   imagefs completion zsh > "${fpath[1]}/_imagefs"
   imagefs completion fish > ~/.config/fish/completions/imagefs.fish`,
		Action: completion,
	}
}

func completion(c *cli.Context) error {
	args, err := words(c, 1, 1)
	if err != nil {
		return err
	}
	scripts := map[string]string{"bash": bashCompletion, "zsh": zshCompletion, "fish": fishCompletion}
	script, ok := scripts[args[0]]
	if !ok {
		return badOption(c.Command.HelpName, "unknown shell: %s", args[0])
	}
	_, err = fmt.Fprint(c.App.Writer, script)
	return err
}
