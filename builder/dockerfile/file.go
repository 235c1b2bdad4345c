package dockerfile

import (
	"bytes"
	"errors"
	"fmt"
	"strings"

	"github.com/moby/buildkit/frontend/dockerfile/instructions"
	"github.com/moby/buildkit/frontend/dockerfile/parser"
)

// File is a Dockerfile that was read.
type File struct {
	Args   []instructions.ArgCommand // before the first FROM
	Stages []instructions.Stage      // at least one
	Escape rune

	name  string
	lines []string
}

// Parse reads a Dockerfile; name is what errors call it. The error is an [*Error].
func Parse(name string, text []byte) (*File, error) {
	f := &File{name: name, lines: strings.Split(string(text), "\n")}
	parsed, err := parser.Parse(bytes.NewReader(text))
	if err != nil {
		return nil, f.locate(err)
	}
	f.Escape = parsed.EscapeToken
	if f.Stages, f.Args, err = instructions.Parse(parsed.AST, nil); err != nil {
		return nil, f.locate(err)
	}
	if len(f.Stages) == 0 {
		return nil, &Error{File: name, Line: 1, Column: 1, Err: errors.New("no build stage in current context")}
	}
	return f, nil
}

// Triggers reads what ONBUILD kept in an image: a line of a Dockerfile each.
func (f *File) Triggers(lines []string) ([]instructions.Command, error) {
	var commands []instructions.Command
	for _, line := range lines {
		parsed, err := parser.Parse(strings.NewReader(line))
		if err != nil {
			return nil, err
		}
		for _, node := range parsed.AST.Children {
			switch strings.ToUpper(node.Value) {
			case "ONBUILD", "MAINTAINER", "FROM":
				return nil, fmt.Errorf("%s isn't allowed as an ONBUILD trigger", strings.ToUpper(node.Value))
			}
			command, err := instructions.ParseCommand(node)
			if err != nil {
				return nil, err
			}
			commands = append(commands, command)
		}
	}
	return commands, nil
}
