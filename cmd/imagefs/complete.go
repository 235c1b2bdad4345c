package main

import (
	"cmp"
	"context"
	"os"
	"slices"
	"strings"

	"github.com/distribution/reference"
	"github.com/urfave/cli/v2"

	"github.com/imagefs/imagefs/builder/container"
)

// completing tells whether a completion script asks, and for which line: the words before the one that is to be
// completed, and that one too if it begins an option. urfave/cli's own completion panics at an option that needs a value.
func completing(args []string) (words []string, ok bool) {
	last := len(args) - 1
	if last < 1 || args[last] != "--complete" {
		return nil, false
	}
	return args[1:last], true
}

// offers are the words that may follow, a line each. Of what it does not know, such as directories, it offers nothing.
func offers(ctx context.Context, app *cli.App, words []string) string {
	if len(words) == 0 {
		return lineByLine(commandNames(app.Commands))
	}
	command, path := findCommand(app, words)
	last := words[len(words)-1]
	if command == nil || slices.Contains(words, "--") {
		return ""
	}
	if strings.HasPrefix(last, "-") {
		return lineByLine(optionsLike(command, last))
	}
	root := cmp.Or(valueOf("--root", words), os.Getenv(rootEnv))
	switch name := strings.Join(path, " "); {
	case name == "image" && len(words) == 1:
		return lineByLine(commandNames(command.Subcommands))
	case slices.Contains(aboutImages, name):
		return lineByLine(imageNames(ctx, root))
	case slices.Contains(aboutContainers, name):
		return lineByLine(containerNames(root))
	case name == "completion":
		return lineByLine([]string{"bash", "zsh", "fish"})
	}
	return ""
}

// aboutImages are the commands whose words are images of the store.
var aboutImages = []string{
	"images", "inspect", "history", "push", "tag", "rmi", "save", "create", "image diff", "image history", "image inspect",
	"image ls", "image mount", "image push", "image rm", "image save", "image tag", "image tree",
}

// aboutContainers are the commands whose words are containers of the store.
var aboutContainers = []string{"diff", "commit", "rm"}

func lineByLine(words []string) string {
	if len(words) == 0 {
		return ""
	}
	return strings.Join(words, "\n") + "\n"
}

func commandNames(commands []*cli.Command) (names []string) {
	for _, command := range commands {
		if !command.Hidden {
			names = append(names, command.Name)
		}
	}
	return names
}

// optionsLike are the command's options that begin as prefix does; none if prefix is one that wants a value next.
func optionsLike(command *cli.Command, prefix string) (options []string) {
	for _, flag := range append(slices.Clone(command.Flags), cli.HelpFlag) {
		for _, name := range flag.Names() {
			option := spell(name)
			if option == prefix && takesValue(flag) {
				return nil
			}
			if strings.HasPrefix(option, prefix) && name != readyFlag {
				options = append(options, option)
			}
		}
	}
	return options
}

func spell(name string) string {
	if len(name) == 1 {
		return "-" + name
	}
	return "--" + name
}

// valueOf is the value that an option has among words, or "".
func valueOf(option string, words []string) string {
	if i := slices.Index(words, option); i >= 0 && i+1 < len(words) {
		return words[i+1]
	}
	for _, word := range words {
		if value, ok := strings.CutPrefix(word, option+"="); ok {
			return value
		}
	}
	return ""
}

// imageNames are the tags in a store; none, without a word, if there is something wrong with it: the shell is in the
// middle of a line.
func imageNames(ctx context.Context, root string) (names []string) {
	dir, err := rootDir(root)
	if err != nil {
		return nil
	}
	if _, err := os.Stat(dir); err != nil {
		return nil // to open it would make it
	}
	s, snap, err := openStore(ctx, dir)
	if err != nil {
		return nil
	}
	defer s.Close()
	for _, ref := range snap.References {
		named, err := reference.ParseNormalizedNamed(ref.Name)
		if tagged, ok := named.(reference.NamedTagged); ok && err == nil && len(ref.Images) > 0 {
			names = append(names, reference.FamiliarString(tagged))
		}
	}
	return names
}

// containerNames are those in a store.
func containerNames(root string) (names []string) {
	dir, err := rootDir(root)
	if err != nil {
		return nil
	}
	all, err := container.List(dir)
	if err != nil {
		return nil
	}
	for _, c := range all {
		names = append(names, c.Name)
	}
	return names
}
