package imagefs

import (
	"bytes"
	"fmt"
	"strings"
	"text/tabwriter"

	"github.com/mattn/go-runewidth"

	"github.com/imagefs/imagefs/registry"
)

// maxDescription is how many columns docker gives a description.
const maxDescription = 45

// columns counts those of a terminal whatever the locale is, as docker does.
var columns = &runewidth.Condition{}

// SearchTable formats what was found as `docker search` does; noTrunc shows descriptions whole.
func SearchTable(results []registry.SearchResult, noTrunc bool) []byte {
	var out bytes.Buffer
	w := tabwriter.NewWriter(&out, 10, 1, 3, ' ', 0)
	fmt.Fprintln(w, "NAME\tDESCRIPTION\tSTARS\tOFFICIAL\tAUTOMATED")
	for _, r := range results {
		fmt.Fprintf(w, "%s\t%s\t%d\t%s\t%s\n", r.Name, description(r, noTrunc), r.Stars, okay(r.Official), okay(r.Automated))
	}
	w.Flush() // to memory
	return out.Bytes()
}

func description(r registry.SearchResult, noTrunc bool) string {
	line := strings.NewReplacer("\n", " ", "\r", " ").Replace(r.Description)
	if noTrunc {
		return line
	}
	return columns.Truncate(line, maxDescription, "…")
}

func okay(is bool) string {
	if is {
		return "[OK]"
	}
	return ""
}
