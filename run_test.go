package imagefs_test

import (
	"bytes"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/imagefs/imagefs"
	"github.com/imagefs/imagefs/builder/runner"
)

// That processes run is tested in builder/runner and by cmd/imagefs's script run.

func TestParsePorts(t *testing.T) {
	for word, want := range map[string][]runner.Port{
		"80":                {{Container: 80, Protocol: "tcp"}},
		"8001:80":           {{Host: 8001, Container: 80, Protocol: "tcp"}},
		"53:53/udp":         {{Host: 53, Container: 53, Protocol: "udp"}},
		"127.0.0.1:8001:80": {{HostIP: "127.0.0.1", Host: 8001, Container: 80, Protocol: "tcp"}},
		"127.0.0.1::80":     {{HostIP: "127.0.0.1", Container: 80, Protocol: "tcp"}},
		"[::1]:8001:80":     {{HostIP: "::1", Host: 8001, Container: 80, Protocol: "tcp"}},
		"0.0.0.0:8001:80":   {{Host: 8001, Container: 80, Protocol: "tcp"}},
		"80-81":             {{Container: 80, Protocol: "tcp"}, {Container: 81, Protocol: "tcp"}},
		"8000-8001:80-81/udp": {
			{Host: 8000, Container: 80, Protocol: "udp"}, {Host: 8001, Container: 81, Protocol: "udp"},
		},
		"127.0.0.1:8000-8010:80": {
			{HostIP: "127.0.0.1", Host: 8000, HostLast: 8010, Container: 80, Protocol: "tcp"},
		},
	} {
		got, err := imagefs.ParsePorts(word)
		if !slices.Equal(got, want) || err != nil {
			t.Errorf("%s: %+v, %v", word, got, err)
		}
	}
}

func TestParseVolume(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "made")
	m, err := imagefs.ParseVolume(dir + ":/data/:ro")
	if err != nil || m.Source != dir || m.Destination != "/data" || fmt.Sprint(m.Options) != "[rbind rprivate ro]" {
		t.Errorf("%+v, %v", m, err)
	}
	if _, err := os.Stat(dir); err != nil {
		t.Error(err)
	}
}

func TestRunFails(t *testing.T) {
	b := newBench(t)
	configured(t, b)
	b.create(imagefs.CreateRequest{Image: "base:1", Name: "web"})
	b.create(imagefs.CreateRequest{Image: "base:1", Name: "odd", Config: imagefs.ContainerConfig{StopSignal: "SIGNOPE"}})
	runs := b.create(imagefs.CreateRequest{Image: "base:1", Name: "runs"})
	process, err := os.Create(filepath.Join(filepath.Dir(runs.Rootfs()), "process"))
	if err != nil {
		t.Fatal(err)
	}
	defer process.Close()
	if err := unix.Flock(int(process.Fd()), unix.LOCK_EX); err != nil {
		t.Fatal(err)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	run := func(req imagefs.RunRequest) error {
		if req.Network == "" {
			req.Network = runner.None
		}
		_, err := b.Run(t.Context(), req, &record{})
		return err
	}
	port := func(word string) error {
		_, err := imagefs.ParsePorts(word)
		return err
	}
	volume := func(word string) error {
		_, err := imagefs.ParseVolume(word)
		return err
	}
	rows := []failure{
		{"no such container", imagefs.NotFound, "No such container: nope", run(imagefs.RunRequest{Container: "nope"})},
		{"not mounted", imagefs.NotFound, "the container is not mounted", run(imagefs.RunRequest{Container: "web"})},
		{"running", imagefs.InUse, "container runs is already running", run(imagefs.RunRequest{Container: "runs"})},
		{"no such network", imagefs.Invalid, "network bridge not found", run(imagefs.RunRequest{Container: "web", Network: "bridge"})},
		{"no port", imagefs.Invalid, "invalid containerPort: http", port("http")},
		{"a range backwards", imagefs.Invalid, "invalid containerPort: 90-80", port("90-80")},
		{"ranges of two lengths", imagefs.Invalid, "invalid ranges specified for container and host Ports: 80-90 and 8000-8001", port("8000-8001:80-90")},
		{"no host port", imagefs.Invalid, "invalid hostPort: 99999", port("99999:80")},
		{"no address", imagefs.Invalid, "invalid IP address: here", port("here:80:80")},
		{"no protocol", imagefs.Invalid, "invalid proto: icmp", port("80/icmp")},
		{"no volume", imagefs.Invalid, "invalid volume specification: '/a'", volume("/a")},
		{"a relative target", imagefs.Invalid, "mount path must be absolute", volume("/a:b")},
		{"the root as target", imagefs.Invalid, "destination can't be '/'", volume("/a:/")},
		{"no mode", imagefs.Invalid, "invalid mode: x", volume("/a:/b:x")},
		{"a named volume", imagefs.Invalid, "there are no volumes with a name", volume("a:/b")},
		{"stop: no such container", imagefs.NotFound, "No such container: nope", b.Stop(t.Context(), imagefs.StopRequest{Container: "nope"})},
		{"stop: bad signal", imagefs.Invalid, "Invalid signal: SIGNOPE", b.Stop(t.Context(), imagefs.StopRequest{Container: "odd"})},
		{"logs: no such container", imagefs.NotFound, "No such container: nope", b.Logs(t.Context(), imagefs.LogsRequest{Container: "nope"}, nil, nil)},
	}
	checkFailures(t, "run, stop, logs", rows)
	if !runner.HasPasta() {
		return
	}
	taken := l.Addr().(*net.TCPAddr).Port
	err = run(imagefs.RunRequest{
		Container: "web", Network: runner.Pasta, Ports: []runner.Port{{HostIP: "127.0.0.1", Host: taken, Container: 80, Protocol: "tcp"}},
	})
	if want := "Bind for 127.0.0.1:" + strconv.Itoa(taken) + " failed: port is already allocated"; imagefs.KindOf(err) != imagefs.InUse || err.(*imagefs.Error).Err.Error() != want {
		t.Errorf("a port that is taken: %v", err)
	}
}

func TestLogs(t *testing.T) {
	b := newBench(t)
	configured(t, b)
	b.create(imagefs.CreateRequest{Image: "base:1", Name: "web"})
	logs := func(tail int) string {
		t.Helper()
		var out, errs bytes.Buffer
		if err := b.Logs(t.Context(), imagefs.LogsRequest{Container: "web", Tail: tail, Follow: true}, &out, &errs); err != nil {
			t.Fatal(err)
		}
		return out.String() + "|" + errs.String()
	}
	if got := logs(-1); got != "|" {
		t.Errorf("without a log: %q", got)
	}
	log, err := b.CreateLog("web")
	if err != nil {
		t.Fatal(err)
	}
	out, errs := log.Stream("stdout"), log.Stream("stderr")
	for _, part := range []string{"o", "ne\ntwo\n", "no end"} {
		fmt.Fprint(out, part)
	}
	fmt.Fprintln(errs, "error")
	if err := log.Close(); err != nil {
		t.Fatal(err)
	}
	if got := logs(-1); got != "one\ntwo\nno end|error\n" {
		t.Errorf("all: %q", got)
	}
	if got := logs(2); got != "no end|error\n" {
		t.Errorf("the last two: %q", got)
	}
}
