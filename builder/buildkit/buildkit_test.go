package buildkit

import (
	"context"
	"errors"
	"io"
	"net"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestArguments(t *testing.T) {
	epoch := time.Unix(1700000000, 5)
	for _, test := range []struct {
		name    string
		req     Request
		secrets []string
		want    string
	}{
		{"least", Request{}, nil, `--opt=filename=Dockerfile
--output=type=docker,compression=uncompressed,dest=-`},
		{"all", Request{
			Target: "t", Platform: "linux/arm64", Network: "host", Args: []string{"A=b,c=d"}, Labels: []string{`l="x"`},
			NoCache: true, Epoch: &epoch, Layout: "/l",
			Bases: []Base{{Name: "web:1", Platform: "linux/arm64", Manifest: "sha256:12"}, {Name: "h:5/db", Platform: "linux/amd64", Manifest: "sha256:34"}},
		}, []string{"a", `b,"`}, `--opt=filename=Dockerfile
--opt=target=t
--opt=platform=linux/arm64
--opt=force-network-mode=host
--opt=build-arg:A=b,c=d
--opt=label:l="x"
--opt=build-arg:SOURCE_DATE_EPOCH=1700000000
--opt=context:web:1::linux/arm64=oci-layout://imagefs@sha256:12
--opt=context:h:5/db::linux/amd64=oci-layout://imagefs@sha256:34
--no-cache
--allow=network.host
--secret="id=a",src=/proc/self/fd/3
--secret="id=b,""",src=/proc/self/fd/4
--oci-layout=imagefs=/l
--output=type=docker,compression=uncompressed,tar=false,"dest=/l",rewrite-timestamp=true`},
		{"pull without network", Request{Network: "none", Pull: true}, nil, `--opt=filename=Dockerfile
--opt=force-network-mode=none
--opt=image-resolve-mode=pull
--output=type=docker,compression=uncompressed,dest=-`},
	} {
		test.req.Address, test.req.Dir, test.req.Dockerfile = "tcp://h:1", "/d", "Dockerfile"
		want := "--addr=tcp://h:1\nbuild\n--progress=rawjson\n--frontend=dockerfile.v0\n--local=context=.\n--local=dockerfile=/d\n" + test.want
		if diff := cmp.Diff(want, strings.Join(test.req.arguments(test.secrets), "\n")); diff != "" {
			t.Errorf("%s: %s", test.name, diff)
		}
	}
}

// TestProgress has what buildctl v0.34.2 said of a build, abridged.
func TestProgress(t *testing.T) {
	const said = `{"vertexes":[{"digest":"a","name":"[internal] load build definition","started":"2026-01-01T00:00:01Z","completed":"2026-01-01T00:00:01Z"}]}
{"vertexes":[{"digest":"a","name":"[internal] load build definition","started":"2026-01-01T00:00:01Z"},{"digest":"b","name":"[2/2] RUN x"}]}
{"statuses":[{"id":"transferring dockerfile:","vertex":"a","current":29}]}
{"statuses":[{"id":"transferring dockerfile:","vertex":"a","current":151,"completed":"2026-01-01T00:00:02Z"}]}
{"vertexes":[{"digest":"a","name":"[internal] load build definition","started":"2026-01-01T00:00:01Z","completed":"2026-01-01T00:00:02.5Z"}]}
{"vertexes":[{"digest":"c","name":"[1/2] COPY a /","started":"2026-01-01T00:00:03Z","completed":"2026-01-01T00:00:03Z","cached":true}]}
{"vertexes":[{"digest":"b","name":"[2/2] RUN x","started":"2026-01-01T00:00:03Z"}]}
{"logs":[{"vertex":"b","stream":1,"data":"b25lCnR3bw==","timestamp":"2026-01-01T00:00:03.25Z"}]}
{"logs":[{"vertex":"b","stream":2,"data":"IQp0aHJlZQ==","timestamp":"2026-01-01T00:00:04Z"}],"warnings":[{"vertex":"c","short":"b2xk"}]}
{"vertexes":[{"digest":"b","name":"[2/2] RUN x","started":"2026-01-01T00:00:03Z","completed":"2026-01-01T00:00:05Z","error":"exit code: 3"}]}
{"vertexes":[{"digest":"d","name":"[other 1/1] RUN y","started":"2026-01-01T00:00:03Z","completed":"2026-01-01T00:00:05Z","error":"Canceled: context canceled"}]}
/d/my.Dockerfile:7
--------------------
   7 | >>> RUN x
--------------------
error: failed to solve: exit code: 3
of two lines
`
	want := []string{
		"#1 [internal] load build definition", "#1 transferring dockerfile: 151 bytes done", "#1 DONE 1.5s",
		"#2 [1/2] COPY a /", "#2 CACHED", "#3 [2/2] RUN x", "#3 0.250 one", "#3 1.000 two!", "#2 WARN: old", "#3 2.000 three",
		"#3 ERROR: exit code: 3", "#4 [other 1/1] RUN y", "#4 CANCELED",
	}
	for _, chunk := range []int{1, 100, len(said)} {
		var lines []string
		p := newProgress(func(e Event) { lines = append(lines, e.String()) })
		for rest := said; rest != ""; {
			n := min(chunk, len(rest))
			if _, err := io.WriteString(p, rest[:n]); err != nil {
				t.Fatal(err)
			}
			rest = rest[n:]
		}
		p.end()
		if diff := cmp.Diff(want, lines); diff != "" {
			t.Errorf("%d bytes at a time: %s", chunk, diff)
		}
		wantError := &Error{Line: 7, Step: "[2/2] RUN x", Message: "exit code: 3\nof two lines"}
		if diff := cmp.Diff(error(wantError), p.failure()); diff != "" {
			t.Error(diff)
		}
	}
}

// fake has a script stand in for buildctl, and returns the address of something that listens.
func fake(t *testing.T, script string) string {
	t.Helper()
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "buildctl"), []byte("#!/bin/sh\n"+script), 0o755); err != nil {
		t.Fatal(err)
	}
	t.Setenv("PATH", dir+":"+os.Getenv("PATH"))
	l, err := net.Listen("unix", filepath.Join(dir, "s"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	return "unix://" + filepath.Join(dir, "s")
}

// run runs the fake in a directory that has a file x, and returns its output.
func run(t *testing.T, ctx context.Context, r Request, read func(io.Reader) error) (lines []string, err error) {
	t.Helper()
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "x"), []byte("context\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	if r.Context, err = os.Open(dir); err != nil {
		t.Fatal(err)
	}
	defer r.Context.Close()
	return lines, Run(ctx, r, func(e Event) { lines = append(lines, e.String()) }, read)
}

func TestRun(t *testing.T) {
	addr := fake(t, `cat x; for a in "$@"; do case $a in --secret=*) echo "$a"; cat "${a##*src=}"; cat "${a##*src=}";; esac; done`)
	var got []byte
	secrets := map[string][]byte{"one": []byte("first\n"), "two": []byte("second\n")}
	_, err := run(t, t.Context(), Request{Address: addr, Secrets: secrets}, func(r io.Reader) (err error) {
		got, err = io.ReadAll(r)
		return err
	})
	want := "context\n--secret=\"id=one\",src=/proc/self/fd/3\nfirst\nfirst\n--secret=\"id=two\",src=/proc/self/fd/4\nsecond\nsecond\n"
	if err != nil || string(got) != want {
		t.Errorf("%v: %s", err, got)
	}
}

func TestRunFails(t *testing.T) {
	all := func(r io.Reader) error {
		_, err := io.Copy(io.Discard, r)
		return err
	}
	full := errors.New("full")
	for _, test := range []struct {
		name, script string
		read         func(io.Reader) error
		want         string
	}{
		{"a build", "echo archive; echo 'error: failed to solve: no' >&2; exit 1", all, "no"},
		{"without a word", "exit 1", all, "buildctl failed and does not say why"},
		{"a build, and what is read then", "echo error: no >&2; exit 1", func(io.Reader) error { return full }, "no"},
		{"what is read", "exec cat /dev/zero", func(r io.Reader) error {
			_, err := io.CopyN(io.Discard, r, 100)
			return errors.Join(err, full)
		}, "full"},
		{"what was read", "echo archive", func(r io.Reader) error { return errors.Join(all(r), full) }, "full"},
	} {
		addr := fake(t, test.script)
		if _, err := run(t, t.Context(), Request{Address: addr}, test.read); err == nil || err.Error() != test.want {
			t.Errorf("%s: %v", test.name, err)
		}
	}
}

// TestCancel ends a buildctl that has begun.
func TestCancel(t *testing.T) {
	addr := fake(t, `trap 'echo interrupted >"$0.end"; exit 1' INT; echo begun; while :; do sleep 0.01; done`)
	ctx, cancel := context.WithCancelCause(t.Context())
	defer cancel(nil)
	cause := errors.New("enough")
	_, err := run(t, ctx, Request{Address: addr}, func(r io.Reader) error {
		buf := make([]byte, len("begun\n"))
		_, err := io.ReadFull(r, buf)
		cancel(cause)
		_, _ = io.Copy(io.Discard, r)
		return err
	})
	if !errors.Is(err, cause) {
		t.Errorf("%v", err)
	}
	if text, err := os.ReadFile(filepath.Join(filepath.Dir(strings.TrimPrefix(addr, "unix://")), "buildctl.end")); err != nil || string(text) != "interrupted\n" {
		t.Errorf("%v: %s", err, text)
	}
}

func TestReach(t *testing.T) {
	dir := t.TempDir()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := l.Addr().String()
	if err := reach(t.Context(), "tcp://"+address); err != nil {
		t.Error(err)
	}
	l.Close()
	if err := reach(t.Context(), "docker-container://x"); err != nil {
		t.Error(err)
	}
	for address, want := range map[string]error{
		"tcp://" + address:     syscall.ECONNREFUSED,
		"unix://" + dir + "/s": syscall.ENOENT,
	} {
		var unreachable *UnreachableError
		if err := reach(t.Context(), address); !errors.Is(err, want) || !errors.As(err, &unreachable) {
			t.Errorf("%s: %v", address, err)
		}
	}
	for _, address := range []string{"", "x", "127.0.0.1:1", "tcp://", "unix://", ":", "tcp:x"} {
		var invalid *AddressError
		if err := reach(t.Context(), address); !errors.As(err, &invalid) {
			t.Errorf("%q: %v", address, err)
		}
	}
}

func TestAddress(t *testing.T) {
	t.Setenv("BUILDKIT_HOST", "")
	if got := Address(""); got != "unix:///run/buildkit/buildkitd.sock" {
		t.Error(got)
	}
	t.Setenv("BUILDKIT_HOST", "tcp://a:1")
	if got := Address(""); got != "tcp://a:1" {
		t.Error(got)
	}
	if got := Address("tcp://b:2"); got != "tcp://b:2" {
		t.Error(got)
	}
	t.Setenv("PATH", t.TempDir())
	if err := Run(t.Context(), Request{}, nil, nil); !errors.Is(err, ErrNotInstalled) {
		t.Error(err)
	}
}
