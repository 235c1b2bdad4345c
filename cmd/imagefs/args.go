package main

import (
	"fmt"
	"slices"
	"strings"

	"github.com/urfave/cli/v2"
)

// permute moves a command's options before its words, because docker takes them in any order and package flag does not.
// An unknown option is a [usageError] in docker's words.
func permute(app *cli.App, args []string) ([]string, error) {
	if len(args) < 2 {
		return args, nil
	}
	if strings.HasPrefix(args[1], "-") {
		_, err := takeOption("imagefs", app.Flags, args[1:])
		return args, err
	}
	command := app.Command(args[1])
	if command == nil || command.SkipFlagParsing {
		return args, nil
	}
	options, words := slices.Clone(args[:2]), []string{}
	for rest := args[2:]; len(rest) > 0; {
		if rest[0] == "--" {
			words = append(words, rest[1:]...)
			break
		}
		if len(rest[0]) < 2 || rest[0][0] != '-' {
			words = append(words, rest[0])
			rest = rest[1:]
			continue
		}
		n, err := takeOption("imagefs "+command.Name, command.Flags, rest)
		if err != nil {
			return nil, err
		}
		options = append(options, rest[:n]...)
		rest = rest[n:]
	}
	return slices.Concat(options, []string{"--"}, words), nil
}

// takeOption returns how many words the option args[0] takes: two if its value stands by itself.
func takeOption(command string, flags []cli.Flag, args []string) (int, error) {
	name, _, hasValue := strings.Cut(strings.TrimLeft(args[0], "-"), "=")
	if flag := findFlag(flags, name); flag != nil {
		switch {
		case !takesValue(flag) || hasValue:
			return 1, nil
		case len(args) > 1:
			return 2, nil
		}
		return 0, &usageError{command, fmt.Errorf("flag needs an argument: %s", args[0])}
	}
	if strings.HasPrefix(args[0], "--") {
		return 0, &usageError{command, fmt.Errorf("unknown flag: --%s", name)}
	}
	for _, letter := range name { // several in one, as in -aq
		if flag := findFlag(flags, string(letter)); flag == nil || takesValue(flag) {
			return 0, &usageError{command, fmt.Errorf("unknown shorthand flag: %q in %s", letter, args[0])}
		}
	}
	return 1, nil
}

func findFlag(flags []cli.Flag, name string) cli.Flag {
	for _, flag := range append(slices.Clone(flags), cli.HelpFlag, cli.VersionFlag) {
		if slices.Contains(flag.Names(), name) {
			return flag
		}
	}
	return nil
}

func takesValue(flag cli.Flag) bool {
	_, isBool := flag.(*cli.BoolFlag)
	return !isBool
}

// words returns the command's words if there are at least min and at most max (-1: any number) of them.
func words(c *cli.Context, min, max int) ([]string, error) {
	n := c.NArg()
	var needs string
	switch {
	case n >= min && (n <= max || max < 0):
		return c.Args().Slice(), nil
	case min == max && min == 0:
		needs = "accepts no arguments"
	case min == max && min == 1:
		needs = "requires 1 argument"
	case n < min:
		needs = fmt.Sprintf("requires at least %d argument", min)
	default:
		needs = fmt.Sprintf("requires at most %d argument", max)
	}
	return nil, &usageError{"imagefs " + c.Command.Name, fmt.Errorf("'imagefs %s' %s", c.Command.Name, needs)}
}
