package main

import (
	"os"
	"strings"
	"testing"

	"github.com/urfave/cli/v2"
)

// TestDocs: docs/cli.md names every command and option.
func TestDocs(t *testing.T) {
	page, err := os.ReadFile("../../docs/cli.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, command := range newApp().Commands {
		if command.Hidden {
			continue
		}
		row := rowOf(string(page), command.Name)
		if row == "" {
			t.Errorf("%s is not there", command.Name)
		}
		for _, flag := range command.Flags {
			for _, name := range flag.Names() {
				if visible, ok := flag.(cli.VisibleFlag); ok && visible.IsVisible() && !strings.Contains(row, "`"+spell(name)) {
					t.Errorf("%s: %s is not there", command.Name, spell(name))
				}
			}
		}
	}
}

// rowOf is the line of the table of commands that begins with the command.
func rowOf(page, command string) string {
	for line := range strings.Lines(page) {
		if strings.HasPrefix(line, "| `"+command+" ") || strings.HasPrefix(line, "| `"+command+"`") {
			return line
		}
	}
	return ""
}
