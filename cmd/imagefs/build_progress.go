package main

import (
	"fmt"
	"os"

	"github.com/imagefs/imagefs"
)

// buildReporter makes the reporter for a MODE of --progress. What is no JSON goes to out.
func buildReporter(mode string, quiet bool, out *os.File) (func() reporter, error) {
	text := func() reporter { return &plain{lines{out: out}} }
	hasScreen := hasRoom(out) && os.Getenv("TERM") != "dumb"
	switch mode {
	case "", "auto", "plain":
	case "json", "rawjson":
		if !quiet {
			return func() reporter { return newRawJSON() }, nil
		}
	case "tty":
		if !hasScreen {
			return nil, badProgress(mode, "the output is no terminal that can show it")
		}
	default:
		return nil, badProgress(mode, "must be auto, plain, tty or rawjson")
	}
	if quiet || mode == "plain" || !hasScreen {
		return text, nil
	}
	return func() reporter { return newBuildView(out) }, nil
}

func badProgress(mode, why string) error {
	return badOption("imagefs build", "invalid argument %q for \"--progress\" flag: %s", mode, why)
}

// stepLabel says where a step belongs, as BuildKit does: "[build 2/3] ", or "[2/3] " in the only stage.
func stepLabel(s imagefs.BuildStep) string {
	if s.Stage < 0 {
		return ""
	}
	total := fmt.Sprint(s.Total)
	number := fmt.Sprintf("%*d/%s", len(total), s.Number, total)
	if s.Name != "" {
		number = s.Name + " " + number
	}
	return "[" + number + "] "
}
