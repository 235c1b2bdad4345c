package main

import (
	"errors"
	"os"
	"strconv"
	"time"

	"github.com/urfave/cli/v2"

	"github.com/imagefs/imagefs"
	"github.com/imagefs/imagefs/builder/container"
)

func psCommand() *cli.Command {
	return &cli.Command{
		Name:  "ps",
		Usage: "List containers",
		Description: `Examples:

   imagefs ps -a
   imagefs ps -aq --filter ancestor=alpine:3.19
   imagefs ps -a --format '{{.Names}} {{.Status}}'

Filters are id=ID, name=PATTERN, status=created|running|exited, label=KEY[=VALUE], ancestor=IMAGE, before=CONTAINER,
since=CONTAINER.`,
		Flags: []cli.Flag{
			&cli.BoolFlag{Name: "all", Aliases: []string{"a"}, Usage: "show all containers, not only those in which something runs"},
			&cli.StringSliceFlag{Name: "filter", Aliases: []string{"f"}, Usage: "show only containers that match `KEY=VALUE`"},
			&cli.StringFlag{Name: "format", Usage: "print \"json\", or by a Go `TEMPLATE`, in columns if it begins with \"table \""},
			&cli.IntFlag{Name: "last", Aliases: []string{"n"}, Value: -1, Usage: "show the `N` newest containers"},
			&cli.BoolFlag{Name: "latest", Aliases: []string{"l"}, Usage: "show the newest container"},
			&cli.BoolFlag{Name: "no-trunc", Usage: "shorten nothing"},
			&cli.BoolFlag{Name: "quiet", Aliases: []string{"q"}, Usage: "show only IDs"},
			rootFlag(),
		},
		Action: ps,
	}
}

var containerHeader = imagefs.ContainerFields{
	Command: "COMMAND", CreatedAt: "CREATED AT", ID: "CONTAINER ID", Image: "IMAGE", Labels: "LABELS", LocalVolumes: "LOCAL VOLUMES",
	Mounts: "MOUNTS", Names: "NAMES", Networks: "NETWORKS", Ports: "PORTS", RunningFor: "CREATED", State: "STATE", Status: "STATUS",
}

func ps(c *cli.Context) error {
	if _, err := words(c, 0, 0); err != nil {
		return err
	}
	engine, s, err := openEngine(c)
	if err != nil {
		return err
	}
	rows, err := engine.ContainerRows(c.StringSlice("filter"))
	if err != nil {
		return errors.Join(err, s.Close())
	}
	var fields []imagefs.ContainerFields
	for _, row := range rows {
		if len(fields) == last(c) {
			break
		}
		if row.Status == container.Running || showsAll(c) {
			fields = append(fields, psFields(c, row))
		}
	}
	return errors.Join(writeRows(os.Stdout, psFormat(c), containerHeader, fields), s.Close())
}

func psFields(c *cli.Context, row imagefs.ContainerRow) imagefs.ContainerFields {
	f := row.Fields(time.Now())
	if !c.Bool("no-trunc") {
		f.ID, f.Image, f.Command = f.ID[:12], shorten(f.Image), ellipsis(f.Command, 20)
	}
	f.Command = strconv.Quote(f.Command)
	return f
}

// last is how many containers are to be shown; -1 for all.
func last(c *cli.Context) int {
	if c.Bool("latest") {
		return 1
	}
	return c.Int("last")
}

// showsAll tells whether docker shows containers in which nothing runs.
func showsAll(c *cli.Context) bool {
	for _, filter := range c.StringSlice("filter") {
		switch filter {
		case "status=created", "status=exited":
			return true
		}
	}
	return c.Bool("all") || last(c) > 0
}

func psFormat(c *cli.Context) string {
	switch format := c.String("format"); {
	case format != "" && format != "table":
		return format
	case c.Bool("quiet"):
		return "{{.ID}}"
	}
	return "table {{.ID}}\t{{.Image}}\t{{.Command}}\t{{.RunningFor}}\t{{.Status}}\t{{.Ports}}\t{{.Names}}"
}
