package control

import (
	"errors"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/imagefs/imagefs"
)

func TestSplitLines(t *testing.T) {
	for _, c := range []struct {
		data  string
		lines []string // each with its end
	}{
		{"a", []string{"a|1"}},
		{"a\n", []string{"a|2"}},
		{" a \r\n\n# c\nb c", []string{"a|10", "b c|13"}},
		{"a\n\n \n", []string{"a|5"}},
		{"\"\nb", []string{"\"|2", "b|3"}},
		{"# only\n", nil},
		{"", []string{"|0"}},
		{"\n", []string{"|1"}},
		{"\n\na", []string{"a|3"}},
	} {
		var got []string
		for _, l := range splitLines([]byte(c.data)) {
			got = append(got, l.text+"|"+strconv.Itoa(l.end))
		}
		if diff := cmp.Diff(c.lines, got); diff != "" {
			t.Errorf("%q: %s", c.data, diff)
		}
	}
}

func FuzzSplitLines(f *testing.F) {
	for _, seed := range []string{"a\nb", "\n", "# x\n'\n", "-d a\n\\", "\x00\xff\n"} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		end := 0
		for _, l := range splitLines(data) {
			if l.end < end || l.end > len(data) {
				t.Fatalf("%q: %v", data, l)
			}
			end = l.end
			if strings.Contains(l.text, "\n") {
				t.Errorf("%q: %q is no line", data, l.text)
			}
			l.detached()
			if _, err := l.words(); err != nil && imagefs.KindOf(err) != imagefs.Invalid {
				t.Error(err)
			}
		}
	})
}

func TestOptions(t *testing.T) {
	for _, c := range []struct {
		line          string
		all           bool
		platform      string
		rest, subject string
	}{
		{line: "x", rest: "x"},
		{line: "-a x --platform p y", all: true, platform: "p", rest: "x y"},
		{line: "--platform=p=q --all=false", platform: "p=q"},
		{line: "-- -a", rest: "-a"},
		{line: "-", rest: "-"},
		{line: "--all=maybe", subject: "--all=maybe"},
		{line: "--platform", subject: "--platform"},
		{line: "x -d", subject: "-d"},
		{line: "--what", subject: "--what"},
	} {
		var all bool
		var platform string
		rest, err := options{
			flags: map[string]*bool{"-a": &all, "--all": &all}, values: map[string]*string{"--platform": &platform},
		}.parse(strings.Fields(c.line))
		var fault *imagefs.Error
		if errors.As(err, &fault) {
			if fault.Kind != imagefs.Invalid || fault.Subject != c.subject {
				t.Errorf("%s: %v at %q", c.line, err, fault.Subject)
			}
			continue
		}
		if all != c.all || platform != c.platform || strings.Join(rest, " ") != c.rest || c.subject != "" {
			t.Errorf("%s: %v %q %q %v", c.line, all, platform, rest, err)
		}
	}
}
