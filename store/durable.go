package store

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"golang.org/x/sys/unix"
)

// writeFile gives path the content data, durably and at once: a reader, and a machine that lost its power, sees the old
// file or the new one.
func (s *Store) writeFile(path string, data []byte) error {
	return s.writeFileBy(path, func(w io.Writer) error {
		_, err := w.Write(data)
		return err
	})
}

// writeFileBy is writeFile with what write writes.
func (s *Store) writeFileBy(path string, write func(io.Writer) error) error {
	f, err := s.scratch.file()
	if err != nil {
		return err
	}
	defer f.Close()
	if err := write(f); err != nil {
		os.Remove(f.Name())
		return err
	}
	return publish(f, path)
}

// publish syncs a scratch file and gives it the name path, durably. On an error the file is gone: after a failed fsync
// another one proves nothing.
func publish(f *os.File, path string) error {
	err := f.Sync()
	if err == nil {
		err = rename(f.Name(), path)
	}
	if err != nil {
		os.Remove(f.Name())
	}
	return err
}

// extend appends data to a file of size bytes, which is what it has again after an error. It does not sync.
func extend(f *os.File, size int64, data []byte) error {
	_, err := f.WriteAt(data, size)
	if err != nil {
		err = errors.Join(err, f.Truncate(size))
	}
	return err
}

// rename gives a synced file or directory the name path, durably. The directory path is in is made if need be.
func rename(from, path string) error {
	dir := filepath.Dir(path)
	if err := makeDir(dir); err != nil {
		return err
	}
	if err := os.Rename(from, path); err != nil {
		return err
	}
	return syncDir(dir)
}

// makeDir makes a directory and those above it, durably.
func makeDir(path string) error {
	if info, err := os.Stat(path); err == nil && info.IsDir() {
		return nil
	}
	parent := filepath.Dir(path)
	if err := makeDir(parent); err != nil {
		return err
	}
	if err := os.Mkdir(path, 0o755); err != nil && !errors.Is(err, os.ErrExist) {
		return err
	}
	return syncDir(parent)
}

// syncDir makes the names in a directory durable.
func syncDir(path string) error {
	d, err := os.Open(path)
	if err != nil {
		return err
	}
	defer d.Close()
	return d.Sync()
}

// openRegular opens a file that may come from anywhere: a symlink is not followed, and a fifo does not block.
func openRegular(path string) (*os.File, int64, error) {
	info, err := os.Lstat(path)
	if err != nil {
		return nil, 0, err
	}
	if !info.Mode().IsRegular() {
		return nil, 0, fmt.Errorf("%s is not a regular file", path)
	}
	f, err := os.OpenFile(path, os.O_RDONLY|unix.O_NOFOLLOW|unix.O_NONBLOCK, 0)
	if err != nil {
		return nil, 0, err
	}
	info, err = f.Stat()
	if err == nil && !info.Mode().IsRegular() {
		err = fmt.Errorf("%s is not a regular file", path)
	}
	if err != nil {
		f.Close()
		return nil, 0, err
	}
	return f, info.Size(), nil
}

// readText reads the whole of a file into one string, as readRegular does.
func readText(path string, limit int64) (string, error) {
	f, size, err := openRegular(path)
	if err != nil {
		return "", err
	}
	defer f.Close()
	if err := checkSize(path, size, limit); err != nil {
		return "", err
	}
	var text strings.Builder
	text.Grow(int(size))
	_, err = io.Copy(&text, io.LimitReader(f, size))
	return text.String(), err
}

// holds tells whether a file has just the content that write writes, in blocks.
func holds(path string, write func(io.Writer) error) (bool, error) {
	f, _, err := openRegular(path)
	if err != nil {
		return false, err
	}
	defer f.Close()
	if err := write(&comparer{file: f}); err != nil {
		if err == errDiffers {
			err = nil
		}
		return false, err
	}
	n, err := f.Read(make([]byte, 1))
	if err == io.EOF {
		err = nil
	}
	return n == 0, err
}

// comparer fails with errDiffers when what is written is not what the file has next.
type comparer struct {
	file  *os.File
	block []byte
}

var errDiffers = errors.New("not the same")

func (c *comparer) Write(p []byte) (int, error) {
	c.block = slices.Grow(c.block[:0], len(p))[:len(p)]
	n, err := io.ReadFull(c.file, c.block)
	if err != nil && err != io.EOF && err != io.ErrUnexpectedEOF {
		return 0, err
	}
	if !bytes.Equal(c.block[:n], p) {
		return 0, errDiffers
	}
	return len(p), nil
}

func checkSize(path string, size, limit int64) error {
	if size > limit {
		return fmt.Errorf("%s has %d bytes, more than the %d that are allowed", path, size, limit)
	}
	return nil
}

// readRegular reads the whole of a file of no more than limit bytes, as openRegular opens it.
func readRegular(path string, limit int64) ([]byte, error) {
	f, size, err := openRegular(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	if err := checkSize(path, size, limit); err != nil {
		return nil, err
	}
	data := make([]byte, size)
	n, err := io.ReadFull(f, data)
	if err == io.ErrUnexpectedEOF || err == io.EOF {
		err = nil
	}
	return data[:n], err
}
