package main

import (
	"errors"
	"fmt"
	"os"
	"strings"

	"github.com/urfave/cli/v2"

	"github.com/imagefs/imagefs"
	"github.com/imagefs/imagefs/registry"
)

func searchCommand() *cli.Command {
	return &cli.Command{
		Name:      "search",
		Usage:     "Search the Docker Hub for images",
		ArgsUsage: "TERM",
		Description: `A term that begins with a registry's HOST/ or HOST:PORT/ is looked for in that registry's catalog.

Examples:

   imagefs search --filter is-official=true postgres
   imagefs search registry.lan:5000/web

Filters are is-official=true|false, is-automated=true|false, stars=NUMBER.`,
		Flags: append([]cli.Flag{
			&cli.StringSliceFlag{Name: "filter", Aliases: []string{"f"}, Usage: "show only repositories that match `KEY=VALUE`"},
			&cli.StringFlag{Name: "format", Usage: "print \"json\", or by a Go `TEMPLATE`, in columns if it begins with \"table \""},
			&cli.IntFlag{Name: "limit", Value: 25, Usage: "show no more than `NUMBER`"},
			&cli.BoolFlag{Name: "no-trunc", Usage: "do not shorten descriptions"},
			searchFlag(),
			rootFlag(),
		}, registryFlags()...),
		Action: search,
	}
}

// searchFields are what a Go template of `docker search --format` can name.
type searchFields struct {
	Description string
	IsAutomated string
	IsOfficial  string
	Name        string
	StarCount   string
}

var searchHeader = searchFields{
	Description: "DESCRIPTION", IsAutomated: "AUTOMATED", IsOfficial: "OFFICIAL", Name: "NAME", StarCount: "STARS",
}

func search(c *cli.Context) error {
	args, err := words(c, 1, 1)
	if err != nil {
		return err
	}
	limit := c.Int("limit")
	if limit < 1 || limit > 100 {
		//lint:ignore ST1005 docker's words
		return fmt.Errorf("Limit %d is outside the range of [1, 100]", limit)
	}
	engine, s, err := openEngine(c)
	if err != nil {
		return err
	}
	results, err := engine.Search(c.Context, imagefs.SearchRequest{
		Term: args[0], Limit: limit, Filters: c.StringSlice("filter"),
	})
	if err == nil {
		err = printFound(c, results)
	}
	return errors.Join(err, s.Close())
}

func printFound(c *cli.Context, results []registry.SearchResult) error {
	var rows []searchFields
	for _, r := range results {
		rows = append(rows, newSearchFields(r, c.Bool("no-trunc")))
	}
	format := c.String("format")
	if format == "" || format == "table" {
		format = "table {{.Name}}\t{{.Description}}\t{{.StarCount}}\t{{.IsOfficial}}\t{{.IsAutomated}}"
	}
	return writeRows(os.Stdout, format, searchHeader, rows)
}

func newSearchFields(r registry.SearchResult, noTrunc bool) searchFields {
	f := searchFields{Name: r.Name, StarCount: fmt.Sprint(r.Stars)}
	f.Description = strings.NewReplacer("\n", " ", "\r", " ").Replace(r.Description)
	if !noTrunc {
		f.Description = ellipsis(f.Description, 45)
	}
	if r.Official {
		f.IsOfficial = "[OK]"
	}
	if r.Automated {
		f.IsAutomated = "[OK]"
	}
	return f
}
