package conn

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"
)

// A process that serves a mount must not touch it by package os, which asks its poller about every file while other
// goroutines cannot run; and one that holds it must not have a file of it open, see [Holder]. So there are two ways of
// reading: system calls, and other processes.

func readFile(path string) ([]byte, error) {
	fd, err := unix.Open(path, unix.O_RDONLY|unix.O_CLOEXEC, 0)
	if err != nil {
		return nil, &os.PathError{Op: "open", Path: path, Err: err}
	}
	defer unix.Close(fd)
	var all []byte
	chunk := make([]byte, 64<<10)
	for {
		n, err := unix.Read(fd, chunk)
		if err == unix.EINTR {
			continue
		}
		if err != nil {
			return nil, &os.PathError{Op: "read", Path: path, Err: err}
		}
		if n == 0 {
			return all, nil
		}
		all = append(all, chunk[:n]...)
	}
}

// cat reads a file in another process.
func cat(path string) ([]byte, error) {
	var out, words bytes.Buffer
	cmd := exec.Command("cat", path)
	cmd.Env = []string{"PATH=" + os.Getenv("PATH"), "LC_ALL=C"}
	cmd.Stdout, cmd.Stderr = &out, &words
	if err := cmd.Run(); err != nil {
		return nil, newHelperError(words.String())
	}
	return out.Bytes(), nil
}

// walk has another process walk the mount three times at once.
func walk(t *testing.T, dir string) {
	t.Helper()
	cmd := helperCommand("walker")
	cmd.Args = append(cmd.Args, dir)
	if err := cmd.Run(); err != nil {
		t.Errorf("walker: %v; its words are on standard error", err)
	}
}

func walkHelper() error {
	results := make(chan error, 3)
	for range cap(results) {
		go func() { results <- walkOnce(os.Args[1], newToy()) }()
	}
	return errors.Join(<-results, <-results, <-results)
}

func walkOnce(dir string, f *toy) error {
	files := 0
	err := filepath.WalkDir(dir, func(path string, d os.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		got, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		files++
		if !bytes.Equal(got, f.content(info.Sys().(*syscall.Stat_t).Ino)) {
			return fmt.Errorf("%s has wrong bytes", path)
		}
		return nil
	})
	if err == nil && files != f.dirs*f.files {
		err = fmt.Errorf("found %d files", files)
	}
	return err
}

// readers is another process, in which four goroutines read random files.
type readers struct {
	cmd   *exec.Cmd
	stdin io.Closer
	files atomic.Int64
	words bytes.Buffer
	heard sync.WaitGroup
}

func startReaders(t *testing.T, dir string) *readers {
	t.Helper()
	r := &readers{cmd: helperCommand("readers")}
	r.cmd.Args = append(r.cmd.Args, dir)
	r.cmd.Stderr = &r.words
	stdin, err := r.cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	stdout, err := r.cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := r.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	r.stdin = stdin
	r.heard.Go(func() {
		buffer := make([]byte, 4096)
		for {
			n, err := stdout.Read(buffer) // a byte a file
			r.files.Add(int64(n))
			if err != nil {
				return
			}
		}
	})
	return r
}

// stop returns what went wrong with any file.
func (r *readers) stop() error {
	r.stdin.Close()
	r.heard.Wait()
	if err := r.cmd.Wait(); err != nil {
		return fmt.Errorf("%w: %s", err, r.words.String())
	}
	return nil
}

// readHelper reads until its standard input ends.
func readHelper() error {
	var stop atomic.Bool
	go func() {
		io.Copy(io.Discard, os.Stdin)
		stop.Store(true)
	}()
	results := make(chan error, 4)
	for range cap(results) {
		go func() {
			for !stop.Load() {
				if err := readAny(os.Args[1], newToy()); err != nil {
					results <- err
					return
				}
				os.Stdout.WriteString(".")
			}
			results <- nil
		}()
	}
	return errors.Join(<-results, <-results, <-results, <-results)
}

func readAny(dir string, f *toy) error {
	d, i := rand.IntN(f.dirs), rand.IntN(f.files)
	path := filepath.Join(dir, fmt.Sprint("d", d), fmt.Sprint("f", i))
	got, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	if sha256.Sum256(got) != f.sum(uint64(2+d)*1000+uint64(i)) {
		return fmt.Errorf("%s has wrong bytes", path)
	}
	return nil
}
