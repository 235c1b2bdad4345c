package main

import (
	"os"
	"strconv"
	"time"

	units "github.com/docker/go-units"
	"github.com/urfave/cli/v2"

	"github.com/imagefs/imagefs"
)

func historyCommand() *cli.Command {
	return &cli.Command{
		Name:      "history",
		Usage:     "Show the history of an image",
		ArgsUsage: "IMAGE",
		Description: `Examples:

   imagefs history alpine:3.19
   imagefs history --no-trunc --format '{{.Size}} {{.CreatedBy}}' alpine`,
		Flags: []cli.Flag{
			&cli.BoolFlag{Name: "human", Aliases: []string{"H"}, Value: true, Usage: "print sizes and times for people"},
			&cli.BoolFlag{Name: "no-trunc", Usage: "shorten nothing"},
			&cli.BoolFlag{Name: "quiet", Aliases: []string{"q"}, Usage: "show only IDs"},
			&cli.StringFlag{Name: "format", Usage: "print \"json\", or by a Go `TEMPLATE`, in columns if it begins with \"table \""},
			rootFlag(),
		},
		Action: history,
	}
}

var historyHeader = imagefs.HistoryFields{
	Comment: "COMMENT", CreatedAt: "CREATED AT", CreatedBy: "CREATED BY", CreatedSince: "CREATED", ID: "IMAGE", Size: "SIZE",
}

func history(c *cli.Context) error {
	args, err := words(c, 1, 1)
	if err != nil {
		return err
	}
	s, snap, err := openStore(c.Context, c.String("root"))
	if err != nil {
		return err
	}
	defer s.Close()
	img, err := imagefs.Resolve(snap, args[0])
	if err != nil {
		return err
	}
	rows, err := imagefs.History(s, img)
	if err != nil {
		return err
	}
	var fields []imagefs.HistoryFields
	for _, row := range rows {
		fields = append(fields, historyFields(c, row, time.Now()))
	}
	return writeRows(os.Stdout, historyFormat(c), historyHeader, fields)
}

func historyFields(c *cli.Context, row imagefs.HistoryEntry, now time.Time) imagefs.HistoryFields {
	f := row.Fields(now.Location())
	f.CreatedSince = f.CreatedAt
	if c.Bool("human") {
		f.CreatedSince = historySince(row.Created, now)
	} else {
		f.Size = strconv.FormatInt(row.Size, 10)
	}
	if !c.Bool("no-trunc") {
		f.ID = shorten(f.ID)
		f.CreatedBy = ellipsis(f.CreatedBy, 45)
	}
	return f
}

// historySince tells how long ago t was; builds that are to be reproducible pretend times of long ago, which docker does
// not tell.
func historySince(t, now time.Time) string {
	if t.Before(time.Date(2000, 1, 1, 0, 0, 1, 0, time.UTC)) {
		return "N/A"
	}
	return units.HumanDuration(now.Sub(t.Truncate(time.Second))) + " ago"
}

func historyFormat(c *cli.Context) string {
	format := c.String("format")
	switch {
	case format != "" && format != "table":
		return format
	case c.Bool("quiet"):
		return "{{.ID}}"
	case c.Bool("human"):
		return "table {{.ID}}\t{{.CreatedSince}}\t{{.CreatedBy}}\t{{.Size}}\t{{.Comment}}"
	}
	return "table {{.ID}}\t{{.CreatedAt}}\t{{.CreatedBy}}\t{{.Size}}\t{{.Comment}}"
}

// shorten gives an ID docker's short form, 12 digits.
func shorten(id string) string {
	const prefix, digits = "sha256:", 12
	if len(id) < len(prefix)+digits || id[:len(prefix)] != prefix {
		return id
	}
	return id[len(prefix):][:digits]
}

// ellipsis shortens s to n characters, the last of which is then "…".
func ellipsis(s string, n int) string {
	runes := []rune(s)
	if len(runes) <= n {
		return s
	}
	return string(runes[:n-1]) + "…"
}
