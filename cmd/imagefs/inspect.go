package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"text/template"

	"github.com/urfave/cli/v2"

	"github.com/imagefs/imagefs"
)

func inspectCommand() *cli.Command {
	return &cli.Command{
		Name:      "inspect",
		Usage:     "Display detailed information on images",
		ArgsUsage: "IMAGE [IMAGE...]",
		Description: `Examples:

   imagefs inspect alpine:3.19
   imagefs inspect --format '{{json .Config.Cmd}}' alpine 81e7034c8b70`,
		Flags: []cli.Flag{
			&cli.StringFlag{Name: "format", Aliases: []string{"f"}, Usage: "print \"json\" in one line, or by a Go `TEMPLATE`"},
			rootFlag(),
		},
		Action: inspect,
	}
}

// inspect prints what it finds, and then complains of what it did not, as docker does.
func inspect(c *cli.Context) error {
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
		img, err := imagefs.Resolve(snap, word)
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

type inspectWriter func(out io.Writer, objects []json.RawMessage) error

func newInspectWriter(format string) (inspectWriter, error) {
	switch format {
	case "":
		return writeIndented, nil
	case "json":
		return writeCompact, nil
	}
	tmpl, err := parseTemplate(format)
	if err != nil {
		return nil, err
	}
	return func(out io.Writer, objects []json.RawMessage) error { return writeByTemplate(out, tmpl, objects) }, nil
}

func writeIndented(out io.Writer, objects []json.RawMessage) error {
	var text bytes.Buffer
	if err := json.Indent(&text, joinJSON(objects), "", "    "); err != nil {
		return err
	}
	text.WriteByte('\n')
	_, err := text.WriteTo(out)
	return err
}

func writeCompact(out io.Writer, objects []json.RawMessage) error {
	var text bytes.Buffer
	if err := json.Compact(&text, joinJSON(objects)); err != nil {
		return err
	}
	text.WriteByte('\n')
	_, err := text.WriteTo(out)
	return err
}

// joinJSON makes an array; package json would escape < and > in it.
func joinJSON(objects []json.RawMessage) []byte {
	parts := make([][]byte, len(objects))
	for i, o := range objects {
		parts[i] = o
	}
	return fmt.Appendf(nil, "[%s]", bytes.Join(parts, []byte(",")))
}

// writeByTemplate gives the template docker's object or, if it names what that has not, the JSON's.
func writeByTemplate(out io.Writer, tmpl *template.Template, objects []json.RawMessage) error {
	var failed error
	for _, object := range objects {
		var typed imagefs.ImageInspect
		if err := json.Unmarshal(object, &typed); err != nil {
			return err
		}
		var text bytes.Buffer
		if tmpl.Execute(&text, typed) != nil {
			text.Reset()
			if err := writeRaw(&text, tmpl, object); err != nil {
				failed = errors.Join(failed, fmt.Errorf("template parsing error: %w", err))
				continue
			}
		}
		text.WriteByte('\n')
		if _, err := text.WriteTo(out); err != nil {
			return err
		}
	}
	return failed
}

func writeRaw(out io.Writer, tmpl *template.Template, object []byte) error {
	dec := json.NewDecoder(bytes.NewReader(object))
	dec.UseNumber()
	var raw any
	if err := dec.Decode(&raw); err != nil {
		return err
	}
	return template.Must(tmpl.Clone()).Option("missingkey=error").Execute(out, raw)
}
