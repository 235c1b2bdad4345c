package source

import (
	"bytes"
	"io"
	"os"
	"time"
)

// Literal is a tree of one file, whose content is known.
func Literal(name string, content []byte, mode uint32, modified time.Time) Tree {
	t := newTable(func(string) (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(content)), nil })
	t.add(name, &File{Mode: fileMode | mode, Size: int64(len(content)), ModTime: modified})
	return t
}

// Spooled is a tree of one file, whose content is kept in a file without a name.
type Spooled struct {
	table
	file *os.File
}

// Spool reads content to its end.
func Spool(name string, content io.Reader, mode uint32, modified time.Time) (*Spooled, error) {
	f, err := spool()
	if err != nil {
		return nil, err
	}
	size, err := io.Copy(f, content)
	if err != nil {
		f.Close()
		return nil, err
	}
	s := &Spooled{file: f}
	s.table = *newTable(func(string) (io.ReadCloser, error) { return io.NopCloser(io.NewSectionReader(f, 0, size)), nil })
	s.add(name, &File{Mode: fileMode | mode, Size: size, ModTime: modified})
	return s, nil
}

func (s *Spooled) Close() error { return s.file.Close() }

// Empty is a tree with nothing in it.
func Empty() Tree { return newTable(nil) }
