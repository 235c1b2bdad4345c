package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"slices"
	"strings"
	"text/template"
	"time"

	"github.com/urfave/cli/v2"

	"github.com/imagefs/imagefs"
)

func eventsCommand() *cli.Command {
	return &cli.Command{
		Name:      "events",
		Usage:     "Get real time events from the server",
		ArgsUsage: " ",
		Description: `Prints what happens to images, whoever causes it, a line an event, until Ctrl-C or --until.

Examples:

   imagefs events --filter event=pull
   imagefs events --since 1h --until 0s --format '{{json .}}'

A time is RFC 3339, seconds since the epoch, or how long ago. Filters are type=image, event=NAME, image=NAME,
label=KEY[=VALUE].`,
		Flags: []cli.Flag{
			&cli.StringSliceFlag{Name: "filter", Aliases: []string{"f"}, Usage: "show only events that match `KEY=VALUE`"},
			&cli.StringFlag{Name: "format", Usage: "print \"json\", or by a Go `TEMPLATE`"},
			&cli.StringFlag{Name: "since", Usage: "show the events since `TIME`, too"},
			&cli.StringFlag{Name: "until", Usage: "end at `TIME`"},
			rootFlag(),
		},
		Action: events,
	}
}

func events(c *cli.Context) error {
	if _, err := words(c, 0, 0); err != nil {
		return err
	}
	write, err := newEventWriter(c.String("format"))
	if err != nil {
		return err
	}
	req := imagefs.EventsRequest{Filters: c.StringSlice("filter")}
	if req.Since, err = timeOption(c, "since"); err != nil {
		return err
	}
	if req.Until, err = timeOption(c, "until"); err != nil {
		return err
	}
	engine, s, err := openEngine(c)
	if err != nil {
		return err
	}
	err = engine.Events(c.Context, req, func(ev imagefs.Event) error { return write(os.Stdout, ev) })
	if err == nil {
		err = context.Cause(c.Context) // it does not end by itself
	}
	return errors.Join(err, s.Close())
}

func timeOption(c *cli.Context, name string) (time.Time, error) {
	if !c.IsSet(name) {
		return time.Time{}, nil
	}
	return imagefs.ParseTime(c.String(name), time.Now())
}

type eventWriter func(out io.Writer, ev imagefs.Event) error

func newEventWriter(format string) (eventWriter, error) {
	switch format {
	case "":
		return writeEvent, nil
	case "json":
		format = "{{json .}}"
	}
	tmpl, err := parseTemplate(format)
	if err != nil {
		return nil, &statusError{fmt.Errorf("Error parsing format: %w", errors.Unwrap(err)), exitTemplate}
	}
	return func(out io.Writer, ev imagefs.Event) error { return writeEventBy(tmpl, out, ev) }, nil
}

// eventFields are what a Go template of `docker events --format` can name, and its JSON (moby
// api/types/events/events.go): status and id are what they were called once.
type eventFields struct {
	Status   string        `json:"status,omitempty"`
	ID       string        `json:"id,omitempty"`
	From     string        `json:"from,omitempty"`
	Type     string        `json:"Type"`
	Action   string        `json:"Action"`
	Actor    imagefs.Actor `json:"Actor"`
	Scope    string        `json:"scope,omitempty"`
	Time     int64         `json:"time,omitempty"`
	TimeNano int64         `json:"timeNano,omitempty"`
}

func writeEventBy(tmpl *template.Template, out io.Writer, ev imagefs.Event) error {
	var line strings.Builder
	err := tmpl.Execute(&line, eventFields{
		Status: ev.Action, ID: ev.Actor.ID, Type: ev.Type, Action: ev.Action, Actor: ev.Actor, Scope: ev.Scope,
		Time: ev.Seconds, TimeNano: ev.Nanoseconds,
	})
	if err != nil {
		return err
	}
	_, err = fmt.Fprintln(out, line.String())
	return err
}

// writeEvent writes a line as docker does: time, type, action, ID, and in parentheses the attributes, sorted.
func writeEvent(out io.Writer, ev imagefs.Event) error {
	const timeFixed = "2006-01-02T15:04:05.000000000Z07:00"
	line := fmt.Sprintf("%s %s %s %s", time.Unix(0, ev.Nanoseconds).Format(timeFixed), ev.Type, ev.Action, ev.Actor.ID)
	if len(ev.Actor.Attributes) > 0 {
		var list []string
		for _, key := range slices.Sorted(maps.Keys(ev.Actor.Attributes)) {
			list = append(list, key+"="+ev.Actor.Attributes[key])
		}
		line += " (" + strings.Join(list, ", ") + ")"
	}
	_, err := fmt.Fprintln(out, line)
	return err
}
