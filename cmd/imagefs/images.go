package main

import (
	"os"
	"strings"
	"time"

	"github.com/urfave/cli/v2"

	"github.com/imagefs/imagefs"
)

func imagesCommand() *cli.Command {
	return &cli.Command{
		Name:      "images",
		Usage:     "List images",
		ArgsUsage: "[REPOSITORY[:TAG]]",
		Description: `Examples:

   imagefs images
   imagefs images alpine
   imagefs images -q --filter dangling=true
   imagefs images --format '{{.Repository}}:{{.Tag}} {{.Size}}'
   imagefs images --format json --no-trunc

Filters are dangling=true|false, reference=PATTERN, before=IMAGE, since=IMAGE, label=KEY[=VALUE].`,
		Flags: []cli.Flag{
			&cli.BoolFlag{Name: "all", Aliases: []string{"a"}, Usage: "show all images (there are no intermediate ones to hide)"},
			&cli.BoolFlag{Name: "quiet", Aliases: []string{"q"}, Usage: "show only image IDs"},
			&cli.BoolFlag{Name: "digests", Usage: "show digests"},
			&cli.BoolFlag{Name: "no-trunc", Usage: "do not shorten IDs"},
			&cli.StringSliceFlag{Name: "filter", Aliases: []string{"f"}, Usage: "show only images that match `KEY=VALUE`"},
			&cli.StringFlag{Name: "format", Usage: "print \"json\", or by a Go `TEMPLATE`, in columns if it begins with \"table \""},
			rootFlag(),
		},
		Action: images,
	}
}

var imageHeader = imagefs.ImageFields{
	Containers: "CONTAINERS", CreatedAt: "CREATED AT", CreatedSince: "CREATED", Digest: "DIGEST", ID: "IMAGE ID",
	Repository: "REPOSITORY", SharedSize: "SHARED SIZE", Size: "SIZE", Tag: "TAG", UniqueSize: "UNIQUE SIZE",
	VirtualSize: "SIZE",
}

func images(c *cli.Context) error {
	args, err := words(c, 0, 1)
	if err != nil {
		return err
	}
	s, snap, err := openStore(c.Context, c.String("root"))
	if err != nil {
		return err
	}
	defer s.Close()
	filters := c.StringSlice("filter")
	for _, pattern := range args {
		filters = append(filters, "reference="+pattern)
	}
	rows, err := imagefs.FilterImages(s, snap, imagefs.Images(snap), filters)
	if err != nil {
		return err
	}
	format := imagesFormat(c)
	if format == defaultImages && !c.Bool("no-trunc") {
		_, err := os.Stdout.Write(imagefs.ImagesTable(rows, time.Now()))
		return err
	}
	var fields []imagefs.ImageFields
	for _, row := range rows {
		fields = append(fields, row.Fields(time.Now(), !c.Bool("no-trunc")))
	}
	return writeRows(os.Stdout, format, imageHeader, fields)
}

const defaultImages = "table {{.Repository}}\t{{.Tag}}\t{{.ID}}\t{{.CreatedSince}}\t{{.Size}}"

func imagesFormat(c *cli.Context) string {
	digests, format := c.Bool("digests"), c.String("format")
	switch {
	case format != "" && format != "table":
		if strings.HasPrefix(format, "table") && digests && !strings.Contains(format, "{{.Digest}}") {
			format += "\t{{.Digest}}"
		}
		return format
	case c.Bool("quiet"):
		return "{{.ID}}"
	case digests:
		return "table {{.Repository}}\t{{.Tag}}\t{{.Digest}}\t{{.ID}}\t{{.CreatedSince}}\t{{.Size}}"
	}
	return defaultImages
}
