package dockerfile

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/moby/buildkit/frontend/dockerfile/instructions"
)

func parse(t *testing.T, text string) *File {
	t.Helper()
	f, err := Parse("Dockerfile", []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return f
}

func TestPlan(t *testing.T) {
	const text = `ARG BASE=alpine
ARG TAG=${BASE}-3
FROM --platform=$BUILDPLATFORM $BASE:$TAG AS build
FROM other AS unused
FROM scratch AS files
COPY --from=BUILD /a /b
FROM build
COPY --from=2 /b /c
RUN --mount=type=bind,from=files,target=/f true
FROM files AS last
`
	for _, test := range []struct{ target, want string }{
		{"", "0 alpine:alpine-3 linux/x; 2 scratch ; 4  "},
		{"3", "0 alpine:alpine-3 linux/x; 2 scratch ; 3  "},
		{"Build", "0 alpine:alpine-3 linux/x"},
		{"unused", "1 other "},
	} {
		p, err := parse(t, text).NewPlan(test.target, nil, Variables{"BUILDPLATFORM=linux/x"})
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, s := range p.Stages {
			got = append(got, fmt.Sprintf("%d %s %s", s.Index, s.Image, s.Platform))
		}
		if diff := cmp.Diff(test.want, strings.Join(got, "; ")); diff != "" {
			t.Errorf("%s: %s", test.target, diff)
		}
	}
	p, err := parse(t, text).NewPlan("", Variables{"BASE=debian"}, nil)
	if err != nil || p.Stages[0].Image != "debian:debian-3" {
		t.Errorf("%v, %+v", err, p)
	}
}

func TestErrors(t *testing.T) {
	for _, test := range []struct{ text, want string }{
		{"FROM a\n\n  NOPE x\n", "Dockerfile:3:3: unknown instruction: NOPE"},
		{"FROM\n", "Dockerfile:1:1: FROM requires either one or three arguments"},
		{"# nothing\n", "Dockerfile:1:"},
		{"FROM a\nCOPY <<EOF /\n", "Dockerfile:2:"},
	} {
		_, err := Parse("Dockerfile", []byte(test.text))
		var place *Error
		if !errors.As(err, &place) || !strings.HasPrefix(err.Error(), test.want) {
			t.Errorf("%q: %v", test.text, err)
		}
	}
	_, err := parse(t, "FROM a\nFROM $NOTHING\n").NewPlan("", nil, nil)
	if want := "Dockerfile:2:6: base name ($NOTHING) should not be blank"; err == nil || err.Error() != want {
		t.Errorf("%v", err)
	}
}

func TestExpand(t *testing.T) {
	env := Variables{"A=first", "A=a", "EMPTY=", "P=x/y/z"}
	for word, want := range map[string]string{
		"$A": "a", "${A}b": "ab", "${B:-c}": "c", "${A:+d}": "d", "${EMPTY:-e}": "e", "${EMPTY-e}": "", `\$A`: "$A", "'$A'": "$A",
		`"$A b"`: "a b", "${P#*/}": "y/z", "${P##*/}": "z", "${P%/*}": "x/y", "${P/y/q}": "x/q/z",
	} {
		f := parse(t, "FROM a\nUSER "+word+"\n")
		command := f.Stages[0].Commands[0]
		if err := f.Expand(command, env); err != nil {
			t.Errorf("%s: %v", word, err)
		}
		if got := command.(*instructions.UserCommand).User; got != want {
			t.Errorf("%s: got %q, want %q", word, got, want)
		}
	}
}
