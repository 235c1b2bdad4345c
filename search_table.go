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
		f := SearchFieldsOf(r, noTrunc)
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\n", f.Name, f.Description, f.StarCount, f.IsOfficial, f.IsAutomated)
	}
	w.Flush() // to memory
	return out.Bytes()
}

// SearchFields are what a Go template of `docker search --format` can name.
type SearchFields struct {
	Name        string
	Description string
	StarCount   string
	IsOfficial  string // "[OK]" or ""
	IsAutomated string // "[OK]" or ""
}

// SearchFieldsOf formats a result as docker does.
func SearchFieldsOf(r registry.SearchResult, noTrunc bool) SearchFields {
	description := strings.NewReplacer("\n", " ", "\r", " ").Replace(r.Description)
	if !noTrunc {
		description = columns.Truncate(description, maxDescription, "…")
	}
	return SearchFields{
		Name:        r.Name,
		Description: description,
		StarCount:   fmt.Sprint(r.Stars),
		IsOfficial:  okay(r.Official),
		IsAutomated: okay(r.Automated),
	}
}

func okay(is bool) string {
	if is {
		return "[OK]"
	}
	return ""
}
