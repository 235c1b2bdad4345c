package content

import (
	"bytes"
	"fmt"
	"slices"
	"unicode"
	"unicode/utf8"

	"github.com/imagefs/imagefs/store"
	"github.com/imagefs/imagefs/store/layer"
)

// whiteouts lists what the layer removes from those below it, one path a line, sorted; a directory whose contents it
// removes, but not itself, ends in a slash. Names are escaped as `ls -b` does.
func (d layerDir) whiteouts(*store.Snapshot) ([]byte, error) {
	l, err := d.im.layer(d.pos)
	if err != nil {
		return nil, err
	}
	var lines []string
	for i := range l.Len() {
		typ, err := l.Type(i)
		if err != nil {
			return nil, err
		}
		if typ != layer.Whiteout && typ != layer.Opaque {
			continue
		}
		e, err := l.Entry(i)
		if err != nil {
			return nil, err
		}
		line := escape(e.Name)
		if typ == layer.Opaque {
			line += "/"
		}
		lines = append(lines, line)
	}
	slices.Sort(lines)
	var out bytes.Buffer
	for _, line := range slices.Compact(lines) {
		fmt.Fprintln(&out, line)
	}
	return out.Bytes(), nil
}

// escape writes a name as GNU `ls -b` does in a UTF-8 locale: a line for it, from which it can be told exactly.
func escape(name string) string {
	var out []byte
	for len(name) > 0 {
		r, size := utf8.DecodeRuneInString(name)
		switch {
		case r == '\\' || r == ' ':
			out = append(out, '\\', byte(r))
		case r >= '\a' && r <= '\r':
			out = append(out, '\\', "abtnvfr"[r-'\a'])
		case r == utf8.RuneError && size == 1, !unicode.IsPrint(r):
			for _, b := range []byte(name[:size]) {
				out = fmt.Appendf(out, `\%03o`, b)
			}
		default:
			out = append(out, name[:size]...)
		}
		name = name[size:]
	}
	return string(out)
}
