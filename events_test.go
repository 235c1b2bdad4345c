package imagefs_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/imagefs/imagefs"
)

func TestEventsFollow(t *testing.T) {
	b := newBench(t)
	b.put("web", "1", newImage(t, "a"))
	ctx, cancel := context.WithCancel(t.Context())
	var got []string
	ended := make(chan error)
	began := time.Now()
	go func() {
		ended <- b.Events(ctx, imagefs.EventsRequest{Since: began}, func(ev imagefs.Event) error {
			got = append(got, ev.Action)
			if ev.Action == "untag" {
				cancel()
			}
			return nil
		})
	}()
	b.pull(imagefs.PullRequest{Ref: b.ref("web:1")})
	if err := errors.Join(b.Tag(t.Context(), b.ref("web:1"), "app"), b.Untag(t.Context(), "app")); err != nil {
		t.Fatal(err)
	}
	if err := <-ended; err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"pull", "tag", "untag"}, got); diff != "" {
		t.Error(diff)
	}
}

func TestEventFilters(t *testing.T) {
	b := newBench(t)
	b.put("web", "1", newImage(t, "a"))
	img, _ := b.pull(imagefs.PullRequest{Ref: b.ref("web:1")})
	b.Tag(t.Context(), b.ref("web:1"), "app:2")
	for _, test := range []struct {
		filters []string
		want    int
	}{
		{nil, 2},
		{[]string{"type=image"}, 2},
		{[]string{"type=container"}, 0},
		{[]string{"event=tag"}, 1},
		{[]string{"event=tag", "event=pull"}, 2},
		{[]string{"image=app"}, 1},
		{[]string{"image=app:2"}, 1},
		{[]string{"image=" + img[0].ID.String()}, 1},
		{[]string{"image=" + b.ref("web")}, 1},
		{[]string{"image=app", "event=pull"}, 0},
		{[]string{"label=name"}, 2},
		{[]string{"label=name=app:2"}, 1},
	} {
		if got := b.past(test.filters...); len(got) != test.want {
			t.Errorf("%q: %d events, want %d", test.filters, len(got), test.want)
		}
	}
}

func TestEventsFail(t *testing.T) {
	b := newBench(t)
	events := func(filter string) error {
		return b.Events(t.Context(), imagefs.EventsRequest{Filters: []string{filter}}, nil)
	}
	checkFailures(t, "events", []failure{
		{"no value", imagefs.Invalid, "it is not key=value", events("x")},
		{"unknown filter", imagefs.Invalid, "invalid filter 'x'", events("x=y")},
	})
}

func TestParseTime(t *testing.T) {
	now := time.Date(2026, 3, 4, 5, 6, 7, 0, time.UTC)
	for word, want := range map[string]time.Time{
		"10m":                    now.Add(-10 * time.Minute),
		"1h30m":                  now.Add(-90 * time.Minute),
		"2006-01-02T15:04:05Z":   time.Date(2006, 1, 2, 15, 4, 5, 0, time.UTC),
		"2006-01-02T15:04:05.5Z": time.Date(2006, 1, 2, 15, 4, 5, 5e8, time.UTC),
		"2006-01-02T15:04:05":    time.Date(2006, 1, 2, 15, 4, 5, 0, time.Local),
		"2006-01-02":             time.Date(2006, 1, 2, 0, 0, 0, 0, time.Local),
		"2006-01-02Z":            time.Date(2006, 1, 2, 0, 0, 0, 0, time.UTC),
		"1136073845":             time.Unix(1136073845, 0),
		"1136073845.000000001":   time.Unix(1136073845, 1),
		"1136073845.5":           time.Unix(1136073845, 5e8),
	} {
		if got, err := imagefs.ParseTime(word, now); err != nil || !got.Equal(want) {
			t.Errorf("%s: %v, %v; want %v", word, got, err, want)
		}
	}
	for _, word := range []string{"", "soon", "1.x", "2006-13-01"} {
		if got, err := imagefs.ParseTime(word, now); err == nil {
			t.Errorf("%q: %v", word, got)
		}
	}
}
