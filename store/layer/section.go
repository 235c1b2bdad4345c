package layer

import (
	"encoding/binary"
	"io"
	"os"
)

// spillSize is how much of a section stays in memory while it grows.
const spillSize = 256 << 10

// section is one part of an index in the making: append-only, in memory while it is small, then in a file that has no
// name. Its first error stays and is returned by copyTo.
type section struct {
	dir  string
	buf  []byte
	file *os.File
	size int64
	err  error
}

func (s *section) Write(p []byte) (int, error) {
	s.buf = append(s.buf, p...)
	s.grown(len(p))
	return len(p), nil
}

func (s *section) uint32(v uint32) {
	s.buf = binary.LittleEndian.AppendUint32(s.buf, v)
	s.grown(4)
}

// string appends a string with its length, and returns its offset.
func (s *section) string(v string) int64 {
	at := s.size
	s.buf = binary.LittleEndian.AppendUint16(s.buf, uint16(len(v)))
	s.buf = append(s.buf, v...)
	s.grown(2 + len(v))
	return at
}

func (s *section) grown(n int) {
	s.size += int64(n)
	if len(s.buf) >= spillSize && s.err == nil {
		s.err = s.spill()
	}
	if s.err != nil {
		s.buf = s.buf[:0]
	}
}

func (s *section) spill() (err error) {
	if s.file == nil {
		if s.file, err = os.CreateTemp(s.dir, "section-*"); err != nil {
			return err
		}
		if err := os.Remove(s.file.Name()); err != nil {
			return err
		}
	}
	_, err = s.file.Write(s.buf)
	s.buf = s.buf[:0]
	return err
}

func (s *section) copyTo(w io.Writer) error {
	if s.err != nil {
		return s.err
	}
	if s.file != nil {
		if _, err := io.Copy(w, io.NewSectionReader(s.file, 0, s.size-int64(len(s.buf)))); err != nil {
			return err
		}
	}
	_, err := w.Write(s.buf)
	return err
}

func (s *section) close() {
	if s.file != nil {
		s.file.Close()
	}
}
