package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"os"

	"github.com/urfave/cli/v2"

	"github.com/imagefs/imagefs"
	"github.com/imagefs/imagefs/store"
)

func imageDiffCommand() *cli.Command {
	return &cli.Command{
		Name:      "diff",
		Usage:     "Inspect changes to the image's file systems",
		ArgsUsage: "IMAGE [IMAGE]",
		Description: `Prints what is added (A), changed (C) and deleted (D) in an image, compared with a second one or, if there is none, with
the image without its last layer.

Examples:

   imagefs image diff web:v2
   imagefs image diff web:v2 web:v1`,
		Flags: []cli.Flag{
			&cli.StringFlag{Name: "format", Usage: "print \"json\" instead of lines; there is no other `FORMAT`"},
			rootFlag(),
		},
		Action: imageDiff,
	}
}

func imageDiff(c *cli.Context) error {
	args, err := words(c, 1, 2)
	if err != nil {
		return err
	}
	write := writeDiff
	switch format := c.String("format"); format {
	case "":
	case "json":
		write = writeDiffJSON
	default:
		return fmt.Errorf("only supported value for '--format' is 'json'")
	}
	s, snap, err := openStore(c.Context, c.String("root"))
	if err != nil {
		return err
	}
	defer s.Close()
	images := make([]*store.Image, 2) // the second may be none
	for i, word := range args {
		if images[i], err = imagefs.Resolve(snap, word); err != nil {
			return err
		}
	}
	entries, err := imagefs.Diff(s, images[1], images[0])
	if err != nil {
		return err
	}
	return write(os.Stdout, entries)
}

func writeDiff(out io.Writer, entries []imagefs.DiffEntry) error {
	w := bufio.NewWriter(out)
	for _, e := range entries {
		fmt.Fprintf(w, "%c %s\n", e.Kind, e.Path)
	}
	return w.Flush()
}

// writeDiffJSON writes podman's object: lists of paths that are not there where they are empty.
func writeDiffJSON(out io.Writer, entries []imagefs.DiffEntry) error {
	var object struct {
		Changed []string `json:"changed,omitempty"`
		Added   []string `json:"added,omitempty"`
		Deleted []string `json:"deleted,omitempty"`
	}
	for _, e := range entries {
		switch e.Kind {
		case 'A':
			object.Added = append(object.Added, e.Path)
		case 'C':
			object.Changed = append(object.Changed, e.Path)
		case 'D':
			object.Deleted = append(object.Deleted, e.Path)
		}
	}
	enc := json.NewEncoder(out)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "     ")
	return enc.Encode(object)
}
