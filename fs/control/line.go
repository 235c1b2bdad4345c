package control

import (
	"bytes"
	"strings"

	"github.com/google/shlex"
)

// line is one command of a write.
type line struct {
	text string
	end  int // bytes of the write up to here, with the newline
}

// splitLines returns a write's lines. Those without a word, blank or a comment, belong to the one before them. A write of
// comments is no line; one that is blank is a line without words: it is what a shell makes of a variable that is not
// set, and should not pass for a success.
func splitLines(data []byte) []line {
	var lines []line
	comments := false
	for end := 0; end < len(data); {
		text, _, newline := bytes.Cut(data[end:], []byte("\n"))
		end += len(text)
		if newline {
			end++
		}
		l := line{text: strings.TrimSpace(string(text)), end: end}
		words, err := shlex.Split(l.text)
		switch {
		case err != nil || len(words) > 0:
			lines = append(lines, l)
		case len(lines) > 0:
			lines[len(lines)-1].end = end
		case l.text != "":
			comments = true
		}
	}
	if lines == nil && !comments {
		return []line{{end: len(data)}}
	}
	return lines
}

// detached tells whether the line begins with -d: it is answered at once.
func (l *line) detached() bool {
	words, err := shlex.Split(l.text)
	return err == nil && len(words) > 0 && isDetach(words[0])
}

// words are the line's, as a shell would split them, without a leading -d.
func (l *line) words() ([]string, error) {
	words, err := shlex.Split(l.text)
	if err != nil {
		return nil, invalid("", "quote as a shell does", "unbalanced quotes or a backslash at the end")
	}
	if len(words) > 0 && isDetach(words[0]) {
		words = words[1:]
	}
	return words, nil
}

func isDetach(word string) bool { return word == "-d" || word == "--detach" }
