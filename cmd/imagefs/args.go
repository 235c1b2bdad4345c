package main

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/urfave/cli/v2"
)

// permute spells a command line so that package flag reads it as docker does: options before words, one by one, each
// with its value. What is wrong with an option is a [usageError] in docker's words.
func permute(app *cli.App, args []string) ([]string, error) {
	if len(args) < 2 {
		return args, nil
	}
	if strings.HasPrefix(args[1], "-") {
		_, _, err := takeOption("imagefs", app.Flags, args[1:])
		return args, err
	}
	command, path := findCommand(app, args[1:])
	if command == nil || command.SkipFlagParsing {
		return args, nil
	}
	options, words := append([]string{args[0]}, path...), []string{}
	for rest := args[len(options):]; len(rest) > 0; {
		if rest[0] == "--" {
			words = append(words, rest[1:]...)
			break
		}
		if len(words) > 0 && precede[command.Name] {
			words = append(words, rest...)
			break
		}
		if len(rest[0]) < 2 || rest[0][0] != '-' {
			words = append(words, rest[0])
			rest = rest[1:]
			continue
		}
		spelled, n, err := takeOption("imagefs "+strings.Join(path, " "), command.Flags, rest)
		if err != nil {
			return nil, err
		}
		options = append(options, spelled...)
		rest = rest[n:]
	}
	return slices.Concat(options, []string{"--"}, words), nil
}

// precede are the commands whose options come before their words, because these have a command of their own.
var precede = map[string]bool{"create": true, "run": true}

// findCommand returns the command that words begin with, and its name, as many words; nil if there is none.
func findCommand(app *cli.App, words []string) (command *cli.Command, path []string) {
	next := app.Command(words[0])
	for next != nil {
		command, path = next, append(path, next.Name)
		if len(path) == len(words) {
			break
		}
		next = command.Command(words[len(path)])
	}
	return command, path
}

// takeOption reads the option that args begin with. It returns it spelled as --name=value, several for -abc, and how many
// of args it was.
func takeOption(command string, flags []cli.Flag, args []string) (spelled []string, n int, err error) {
	if name, ok := strings.CutPrefix(args[0], "--"); ok {
		name, value, hasValue := strings.Cut(name, "=")
		flag := findFlag(flags, name)
		switch {
		case flag == nil || len(name) == 1:
			return nil, 0, badOption(command, "unknown flag: --%s", name)
		case hasValue:
			spelled, err = spellOption(command, flag, value)
			return spelled, 1, err
		case !takesValue(flag):
			return []string{"--" + name}, 1, nil
		case len(args) == 1:
			return nil, 0, badOption(command, "flag needs an argument: --%s", name)
		}
		spelled, err = spellOption(command, flag, args[1])
		return spelled, 2, err
	}
	for rest := args[0][1:]; rest != ""; {
		letter := rest[:1]
		flag := findFlag(flags, letter)
		if flag == nil {
			return nil, 0, badOption(command, "unknown shorthand flag: '%s' in -%s", letter, rest)
		}
		value, hasValue := strings.CutPrefix(rest[1:], "=")
		switch {
		case !hasValue && !takesValue(flag):
			spelled, rest = append(spelled, "--"+letter), rest[1:]
			continue
		case hasValue || value != "":
			last, err := spellOption(command, flag, value)
			return append(spelled, last...), 1, err
		case len(args) == 1:
			return nil, 0, badOption(command, "flag needs an argument: '%s' in -%s", letter, rest)
		}
		last, err := spellOption(command, flag, args[1])
		return append(spelled, last...), 2, err
	}
	return spelled, 1, nil
}

// spellOption checks a value, too: package flag would not complain in docker's words.
func spellOption(command string, flag cli.Flag, value string) ([]string, error) {
	var err error
	switch flag := flag.(type) {
	case *cli.BoolFlag:
		_, err = strconv.ParseBool(value)
	case *cli.IntFlag:
		_, err = strconv.ParseInt(value, 0, 64)
	case *cli.StringSliceFlag:
		if flag.Name == "filter" && !strings.Contains(value, "=") {
			err = fmt.Errorf("bad format of filter (expected name=value)")
		}
	}
	if err != nil {
		return nil, badOption(command, "invalid argument %q for %q flag: %v", value, spellNames(flag), err)
	}
	return []string{"--" + flag.Names()[0] + "=" + value}, nil
}

// spellNames spells a flag's names as docker does: "-f, --filter".
func spellNames(flag cli.Flag) string {
	names := slices.Clone(flag.Names())
	slices.SortFunc(names, func(a, b string) int { return len(a) - len(b) })
	for i, name := range names {
		names[i] = spell(name)
	}
	return strings.Join(names, ", ")
}

func badOption(command, format string, args ...any) error {
	return &usageError{fmt.Sprintf(format, args...) + "\n" + seeHelp(command), exitUsage}
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
	if n >= min && (n <= max || max < 0) {
		return c.Args().Slice(), nil
	}
	return nil, &usageError{fmt.Sprintf("%q %s.\n%s\n\n%s\n\n%s", c.Command.HelpName, needs(min, max, n),
		seeHelp(c.Command.HelpName), usageLine(c.Command), c.Command.Usage), exitFailed}
}

// needs tells how many words there should have been, in docker's words (docker/cli cli/required.go).
func needs(min, max, n int) string {
	count := func(n int) string {
		if n == 1 {
			return "1 argument"
		}
		return fmt.Sprintf("%d arguments", n)
	}
	switch {
	case max == 0:
		return "accepts no arguments"
	case min == max:
		return "requires exactly " + count(min)
	case n < min:
		return "requires at least " + count(min)
	}
	return "requires at most " + count(max)
}

func seeHelp(command string) string { return fmt.Sprintf("See '%s --help'.", command) }

// usageLine is docker's: a command whose only option is --root, which docker's has not, is said to have none.
func usageLine(command *cli.Command) string {
	line := "Usage:  " + command.HelpName
	for _, flag := range command.Flags {
		if name := flag.Names()[0]; name != "root" && name != cli.HelpFlag.Names()[0] {
			line += " [OPTIONS]"
			break
		}
	}
	return strings.TrimSpace(line + " " + command.ArgsUsage)
}
