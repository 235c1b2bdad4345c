package main

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"

	"github.com/imagefs/imagefs"
)

// screen is what a terminal shows of what is written to it, as far as this package uses one.
type screen struct {
	mu            sync.Mutex // guards all below
	width, height int
	rows          [][]rune // those that have scrolled away, too
	row, column   int
	rest          string // of a sequence
	hidden        bool   // the cursor
}

var sequence = regexp.MustCompile(`^\x1b\[(\??)([0-9]*)([A-Za-z])`)

func (s *screen) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	text := s.rest + string(p)
	for text != "" {
		if text[0] == '\x1b' {
			m := sequence.FindStringSubmatch(text)
			if m == nil {
				break
			}
			n, _ := strconv.Atoi(m[2])
			s.obey(m[1]+m[3], n)
			text = text[len(m[0]):]
			continue
		}
		s.put(rune(text[0])) // what the tests write is ASCII
		text = text[1:]
	}
	s.rest = text
	return len(p), nil
}

func (s *screen) obey(command string, n int) {
	switch command {
	case "A":
		top := max(len(s.rows)-s.height, 0)
		s.row = max(s.row-n, top)
	case "K":
		s.line()
		s.rows[s.row] = s.rows[s.row][:min(s.column, len(s.rows[s.row]))]
	case "J":
		s.obey("K", 0)
		s.rows = s.rows[:s.row+1]
	case "?l":
		s.hidden = true
	case "?h":
		s.hidden = false
	}
}

func (s *screen) line() {
	for len(s.rows) <= s.row {
		s.rows = append(s.rows, nil)
	}
}

func (s *screen) put(r rune) {
	switch r {
	case '\r':
		s.column = 0
	case '\n':
		s.row++
		s.line()
	default:
		if s.column == s.width { // a line that is too long
			s.column, s.row = 0, s.row+1
		}
		s.line()
		s.rows[s.row] = append(s.rows[s.row][:min(s.column, len(s.rows[s.row]))], r)
		s.column++
	}
}

var seconds = regexp.MustCompile(`\d+\.\ds`)

// text is all that was shown, the times aside.
func (s *screen) text() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	var b strings.Builder
	for _, row := range s.rows {
		b.WriteString(seconds.ReplaceAllString(strings.TrimRight(string(row), " "), "0.0s") + "\n")
	}
	return strings.TrimRight(b.String(), "\n") + "\n"
}

// onTerminal runs the command on a terminal of a size, and calls seen after each change.
func onTerminal(t *testing.T, width, height int, seen func(*screen), args ...string) (*screen, error) {
	t.Helper()
	master, err := os.OpenFile("/dev/ptmx", os.O_RDWR|unix.O_NOCTTY|unix.O_NONBLOCK, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer master.Close()
	number, err := unix.IoctlGetInt(int(master.Fd()), unix.TIOCGPTN)
	if err == nil {
		err = unix.IoctlSetPointerInt(int(master.Fd()), unix.TIOCSPTLCK, 0)
	}
	if err == nil {
		err = unix.IoctlSetWinsize(int(master.Fd()), unix.TIOCSWINSZ, &unix.Winsize{Row: uint16(height), Col: uint16(width)})
	}
	if err != nil {
		t.Fatal(err)
	}
	slave, err := os.OpenFile(fmt.Sprint("/dev/pts/", number), os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), "imagefs", args...)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = slave, slave, slave
	cmd.Env = append(os.Environ(), "TERM=xterm", "NO_COLOR=1", "BUILDKIT_PROGRESS=", "GORACE=atexit_sleep_ms=0", "IMAGEFS_ROOT="+t.TempDir())
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	slave.Close()
	s := &screen{width: width, height: height}
	buf := make([]byte, 4096)
	for {
		n, err := master.Read(buf)
		if err != nil { // EIO, when nobody has the other side any more
			break
		}
		_, _ = s.Write(buf[:n])
		if seen != nil {
			seen(s)
		}
	}
	return s, cmd.Wait()
}

// newContext makes a directory of files.
func newContext(t *testing.T, files map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	for name, text := range files {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func TestBuildView(t *testing.T) {
	shown := make(chan struct{})
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		select {
		case <-shown: // that the step is at work
			_, _ = io.WriteString(w, "remote")
		case <-time.After(10 * time.Second):
			http.Error(w, "it is not to be seen", http.StatusConflict)
		}
	}))
	defer server.Close()
	dir := newContext(t, map[string]string{"a.txt": "a", "Dockerfile": `ARG BASE=scratch
FROM $BASE AS files
COPY a.txt /a/name/that/is/longer/than/a/line/of/the/terminal
ADD ` + server.URL + `/x /
FROM files
ENV A=b
`})
	atWork := `
[+] Building 0.0s (2/6)
 => [files 1/3] FROM $BASE AS files                    0.0s
 => [files 2/3] COPY a.txt /a/name/that/is/longer/than 0.0s
 => [files 3/3] ADD http://SERVER/x /                  0.0s
`
	seen := func(s *screen) {
		if withServer(s.text(), server.URL) == atWork[1:] {
			select {
			case <-shown:
			default:
				close(shown)
			}
		}
	}
	s, err := onTerminal(t, 60, 10, seen, "build", "-t", "web:v1", dir)
	if err != nil {
		t.Fatalf("%v:\n%s", err, s.text())
	}
	want := `
[+] Building 0.0s (6/6) FINISHED
 => [files 1/3] FROM $BASE AS files                    0.0s
 => [files 2/3] COPY a.txt /a/name/that/is/longer/than 0.0s
 => [files 3/3] ADD http://SERVER/x /                  0.0s
 => [stage-1 1/2] FROM files                           0.0s
 => [stage-1 2/2] ENV A=b                              0.0s
 => exporting to image                                 0.0s
 => => Successfully built ID
 => => Successfully tagged web:v1
`
	got := regexp.MustCompile(`built [0-9a-f]{12}`).ReplaceAllString(withServer(s.text(), server.URL), "built ID")
	if diff := cmp.Diff(want[1:], got); diff != "" {
		t.Error(diff)
	}
	if s.hidden {
		t.Error("the cursor stays hidden")
	}
}

// withServer has a fixed name in place of a server's, and keeps the column of what follows.
func withServer(text, url string) string {
	host := strings.TrimPrefix(url, "http://")
	const name = "SERVER"
	return strings.ReplaceAll(text, host+"/x /", name+"/x /"+strings.Repeat(" ", len(host)-len(name)))
}

// TestBuildViewFails has more steps than lines, and one that fails.
func TestBuildViewFails(t *testing.T) {
	dir := newContext(t, map[string]string{"Dockerfile": "FROM scratch\nENV A=1\nENV A=2\nENV A=3\nENV A=4\nCOPY nope /\n"})
	s, err := onTerminal(t, 40, 5, nil, "build", "--progress", "tty", dir)
	if err == nil {
		t.Error("it has not failed")
	}
	want := `
[+] Building 0.0s (6/7)
 => [1/6] FROM scratch             0.0s
 => [2/6] ENV A=1                  0.0s
 => [3/6] ENV A=2                  0.0s
 => [4/6] ENV A=3                  0.0s
 => [5/6] ENV A=4                  0.0s
 => ERROR [6/6] COPY nope /        0.0s
------
 > [6/6] COPY nope /:
------
imagefs: Dockerfile:6:6: COPY failed: fi
le not found in build context or exclude
d by .dockerignore: stat nope: file does
 not exist
  paths begin at the build's context, an
d .dockerignore hides some
`
	if diff := cmp.Diff(want[1:], s.text()); diff != "" {
		t.Error(diff)
	}
}

// TestPicture has no room for all.
func TestPicture(t *testing.T) {
	v := &buildView{colours: true, begun: time.Unix(100, 0)}
	at := func(second int64, state imagefs.StepState, number int, line string) {
		step := imagefs.BuildStep{Name: "a", Number: number, Total: 10, Text: "RUN\t\x1b[31mx \\\n  漢字漢字"}
		v.Step(imagefs.StepReport{BuildStep: step, State: state, Time: time.Unix(second, 0), Steps: 12, Line: line})
	}
	at(100, imagefs.StepRunning, 1, "")
	at(101, imagefs.StepCached, 1, "")
	for _, number := range []int{2, 10} {
		at(102, imagefs.StepRunning, number, "")
		for i := range 20 {
			at(102, imagefs.StepRunning, number, fmt.Sprintf("50%%\r\x1b[2Kline %d\r", i))
		}
	}
	v.Step(imagefs.StepReport{
		BuildStep: imagefs.BuildStep{Stage: 1, Number: 1, Total: 1, Text: "FROM x"}, State: imagefs.StepRunning, Time: time.Unix(103, 0), Steps: 12,
	})
	for _, done := range []int64{1000, 2000} {
		v.Step(imagefs.StepReport{
			BuildStep: imagefs.BuildStep{Stage: 1, Number: 1, Total: 1}, State: imagefs.StepRunning, Steps: 12,
			Layer: imagefs.LayerProgress{ID: "0123456789ab", Status: imagefs.StatusDownloading, Done: done, Total: 4000},
		})
	}
	for _, test := range []struct {
		width, height int
		want          []string
	}{
		{30, 30, []string{
			"[+] Building 5.0s (1/12)", "\x1b[34m => CACHED [a  1/10] RUN  1.0s\x1b[0m", " => [a  2/10] RUN x \\ 漢  3.0s",
			" => => line 14", " => => line 15", " => => line 16", " => => line 17", " => => line 18", " => => line 19",
			" => [a 10/10] RUN x \\ 漢  3.0s",
			" => => line 14", " => => line 15", " => => line 16", " => => line 17", " => => line 18", " => => line 19",
			" => [1/1] FROM x          2.0s", " => => 0123456789ab Downloadin",
		}},
		{40, 8, []string{
			"[+] Building 5.0s (1/12)", "\x1b[34m => CACHED [a  1/10] RUN x \\ 漢字漢 1.0s\x1b[0m",
			" => [a  2/10] RUN x \\ 漢字漢字      3.0s", " => => line 19",
			" => [a 10/10] RUN x \\ 漢字漢字      3.0s", " => => line 19",
			" => [1/1] FROM x                    2.0s", " => => 0123456789ab Downloading 2kB/4kB",
		}},
		{20, 3, []string{"[+] Building 5.0s (1", " => [a 10/10] R 3.0s", " => [1/1] FROM  2.0s"}},
		{3, 2, []string{"[+]", " 2."}},
		{0, 0, []string{""}},
	} {
		if diff := cmp.Diff(test.want, v.picture(time.Unix(105, 0), test.width, test.height)); diff != "" {
			t.Errorf("%d columns, %d lines: %s", test.width, test.height, diff)
		}
	}
}
