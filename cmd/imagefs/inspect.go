package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"slices"

	"github.com/urfave/cli/v2"

	"github.com/imagefs/imagefs"
)

func inspectCommand() *cli.Command {
	return &cli.Command{
		Name:      "inspect",
		Usage:     "Return low-level information on Docker objects",
		ArgsUsage: "NAME|ID [NAME|ID...]",
		Description: `Examples:

   imagefs inspect alpine:3.19
   imagefs inspect --format '{{json .Config.Cmd}}' alpine 81e7034c8b70`,
		Flags: []cli.Flag{
			inspectFormatFlag(),
			&cli.BoolFlag{Name: "size", Aliases: []string{"s"}, Usage: "for docker's sake: it is of containers"},
			&cli.StringFlag{Name: "type", Usage: "look for objects of `TYPE`; there are images only"},
			rootFlag(),
		},
		Action: func(c *cli.Context) error {
			switch kind := c.String("type"); {
			case kind == "":
				return inspect(c, "object", true)
			case slices.Contains(objectTypes, kind):
				return inspect(c, kind, kind == "image")
			default:
				return fmt.Errorf("%q is not a valid value for --type", kind)
			}
		},
	}
}

// objectTypes are what docker has (docker/cli command/system/inspect.go).
var objectTypes = []string{"config", "container", "image", "network", "node", "plugin", "secret", "service", "task", "volume"}

func imageInspectCommand() *cli.Command {
	return &cli.Command{
		Name:      "inspect",
		Usage:     "Display detailed information on one or more images",
		ArgsUsage: "IMAGE [IMAGE...]",
		Description: `Examples:

   imagefs image inspect alpine:3.19`,
		Flags:  []cli.Flag{inspectFormatFlag(), rootFlag()},
		Action: func(c *cli.Context) error { return inspect(c, "image", true) },
	}
}

func inspectFormatFlag() cli.Flag {
	return &cli.StringFlag{Name: "format", Aliases: []string{"f"}, Usage: "print \"json\" in one line, or by a Go `TEMPLATE`"}
}

// inspect prints what it finds, and then complains of what it did not, as docker does: that there is no such kind. Of
// other kinds than images there is nothing to find.
func inspect(c *cli.Context, kind string, exist bool) error {
	args, err := words(c, 1, -1)
	if err != nil {
		return err
	}
	write, err := newInspectWriter(c.String("format"))
	if err != nil {
		return err
	}
	s, snap, err := openStore(c.Context, c.String("root"))
	if err != nil {
		return err
	}
	defer s.Close()
	objects := []json.RawMessage{}
	var failed error
	for _, word := range args {
		if !exist {
			failed = errors.Join(failed, noSuch(kind, word))
			continue
		}
		img, err := imagefs.Resolve(snap, word)
		if imagefs.KindOf(err) == imagefs.NotFound {
			err = noSuch(kind, word)
		}
		if err != nil {
			failed = errors.Join(failed, err)
			continue
		}
		array, err := imagefs.Inspect(s, snap, img)
		if err != nil {
			failed = errors.Join(failed, err)
			continue
		}
		var one []json.RawMessage
		if err := json.Unmarshal(array, &one); err != nil {
			return err
		}
		objects = append(objects, one...)
	}
	return errors.Join(write(os.Stdout, objects), failed)
}

func noSuch(kind, word string) error {
	//lint:ignore ST1005 docker's words
	return &imagefs.Error{Kind: imagefs.NotFound, Subject: word, Err: fmt.Errorf("No such %s: %s", kind, word)}
}
