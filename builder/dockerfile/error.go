package dockerfile

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/moby/buildkit/frontend/dockerfile/parser"
)

// Error is a fault at a place in a Dockerfile.
type Error struct {
	File         string
	Line, Column int // from 1
	Err          error
}

func (e *Error) Error() string {
	return fmt.Sprintf("%s:%d:%d: %v", e.File, e.Line, e.Column, e.Err)
}

func (e *Error) Unwrap() error { return e.Err }

// At says where in the Dockerfile an error belongs.
func (f *File) At(location []parser.Range, err error) error {
	var known *Error
	if err == nil || errors.As(err, &known) {
		return err
	}
	line := 1
	if len(location) > 0 {
		line = location[0].Start.Line
	}
	return &Error{File: f.name, Line: line, Column: f.column(line, err), Err: err}
}

// onLine is how the instructions' parser says where an error is.
var onLine = regexp.MustCompile(`^dockerfile parse error on line (\d+): `)

// locate finds out where an error of the parser's belongs.
func (f *File) locate(err error) error {
	text := err.Error()
	if m := onLine.FindStringSubmatch(text); m != nil {
		line, _ := strconv.Atoi(m[1])
		cause := errors.New(text[len(m[0]):])
		return &Error{File: f.name, Line: line, Column: f.column(line, cause), Err: cause}
	}
	var located *parser.LocationError
	if errors.As(err, &located) && len(located.Locations) > 0 {
		return f.At(located.Locations[0], errors.New(text))
	}
	return f.At(nil, errors.New(text))
}

// column is where the last word of an error that is in a line stands there, or else where the line's text begins.
func (f *File) column(line int, err error) int {
	if line < 1 || line > len(f.lines) {
		return 1
	}
	text := f.lines[line-1]
	said := strings.Fields(err.Error())
	for _, fault := range slices.Backward(said) {
		for _, at := range word.FindAllStringIndex(text, -1) {
			if own := bare(text[at[0]:at[1]]); own != "" && strings.EqualFold(own, bare(fault)) {
				return at[0] + 1
			}
		}
	}
	return len(text) - len(strings.TrimLeft(text, " \t")) + 1
}

var word = regexp.MustCompile(`\S+`)

// bare is a word without what stands around it in a sentence.
func bare(word string) string { return strings.Trim(word, `"'()[]:,`) }
