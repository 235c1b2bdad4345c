package main

import (
	"os"
	"strings"
	"testing"

	"github.com/urfave/cli/v2"
)

// TestDocs: docs/cli.md names every command and option.
func TestDocs(t *testing.T) {
	text, err := os.ReadFile("../../docs/cli.md")
	if err != nil {
		t.Fatal(err)
	}
	page, known := string(text), make(map[string]bool) // by what a command does
	for _, command := range newApp().Commands {
		if !command.Hidden {
			checkDocs(t, page, command.Name, command)
			known[command.Usage] = true
		}
	}
	for _, command := range newApp().Command("image").Subcommands {
		if !known[command.Usage] && command.Name != "inspect" {
			checkDocs(t, page, "image "+command.Name, command)
			continue
		}
		for _, name := range command.Names() {
			if !strings.Contains(page, "`image "+name+"`") {
				t.Errorf("image %s is not there", name)
			}
		}
	}
}

func checkDocs(t *testing.T, page, name string, command *cli.Command) {
	row := rowOf(page, name)
	if row == "" {
		t.Errorf("%s is not there", name)
	}
	for _, flag := range command.Flags {
		for _, option := range flag.Names() {
			if visible, ok := flag.(cli.VisibleFlag); ok && visible.IsVisible() && !strings.Contains(row, "`"+spell(option)) {
				t.Errorf("%s: %s is not there", name, spell(option))
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
