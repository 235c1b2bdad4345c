package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"text/template"

	"github.com/imagefs/imagefs"
)

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
		return nil, &statusError{err, exitTemplate}
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

// writeByTemplate gives the template docker's object or, if it names what that has not, the JSON's. As docker, it ends the
// line where there is nothing to write.
func writeByTemplate(out io.Writer, tmpl *template.Template, objects []json.RawMessage) error {
	var failed error
	written := false
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
		written = true
	}
	if !written {
		if _, err := io.WriteString(out, "\n"); err != nil {
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
