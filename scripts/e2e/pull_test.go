package e2e

import (
	"os"
	"os/exec"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/imagefs/imagefs/registry/registrytest"
)

// TestPullTwice: what is there is not downloaded again.
func TestPullTwice(t *testing.T) {
	need(t)
	m := newMount(t)
	s := registrytest.New(t)
	line := simple(s)
	m.pull(line)
	blobs := s.Count("/blobs/")
	m.pull(line)
	if n := s.Count("/blobs/"); n != blobs {
		t.Errorf("%d more requests for blobs", n-blobs)
	}
	if back, err := os.ReadFile(m.path("ctl", "pull")); err != nil || !strings.Contains(string(back), "up to date") {
		t.Errorf("%s %v", back, err)
	}
}

// TestPullGoesOn: a pull that was cut by Ctrl-C, or by kill -9 of everything, goes on at the byte where it stood.
func TestPullGoesOn(t *testing.T) {
	const size = 8 << 20
	name := busyboxWith(t, size)
	for _, c := range []struct {
		name string
		cut  func(t *testing.T, m *mount, pull *exec.Cmd)
	}{
		{"Ctrl-C", func(t *testing.T, m *mount, pull *exec.Cmd) {
			start := time.Now()
			if err := pull.Process.Signal(syscall.SIGINT); err != nil {
				t.Fatal(err)
			}
			if err := pull.Wait(); err == nil {
				t.Error("the pull succeeded")
			}
			if took := time.Since(start); took > time.Second {
				t.Errorf("Ctrl-C took %v", took)
			}
		}},
		{"kill -9", func(t *testing.T, m *mount, pull *exec.Cmd) {
			if err := m.cmd.Process.Kill(); err != nil {
				t.Fatal(err)
			}
			m.cmd.Wait()
			if err := pull.Wait(); err == nil {
				t.Error("the pull succeeded")
			}
			m.start()
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			m := newMount(t)
			s := newSlowRegistry(t, 4<<20)
			pull := exec.Command("sh", "-c", "exec dd of="+m.path("ctl", "pull")+" status=none <<EOF\n"+s.name(name)+"\nEOF")
			if err := pull.Start(); err != nil {
				t.Fatal(err)
			}
			m.eventually("half of the download", func() bool { return s.served.Load() > size/2 })
			c.cut(t, m, pull)
			s.rate.Store(1 << 30)
			before := s.served.Load()
			m.pull(s.name(name))
			total, err := strconv.ParseInt(strings.TrimSpace(sh(t, "jq '[.config, .layers[] | .size] | add' "+m.tag(s.name(name), "manifest.json"))), 10, 64)
			if err != nil {
				t.Fatal(err)
			}
			// What was on its way when the pull was cut may have been lost.
			if twice := s.served.Load() - total; twice > 512<<10 {
				t.Errorf("%d bytes were downloaded twice; %d of %d were there", twice, before, total)
			}
			if _, err := os.Stat(m.tag(s.name(name), "rootfs", "noise")); err != nil {
				t.Error(err)
			}
		})
	}
}

// TestPullIsShared: two writers of one pull share it; another mount of the store and the command line see it at once.
func TestPullIsShared(t *testing.T) {
	need(t)
	m := newMount(t)
	other := mountStore(t, m.root)
	s := registrytest.New(t)
	line := simple(s)
	release := make(chan struct{})
	s.Next(registrytest.Always, "GET .*/blobs/", registrytest.Hold(10, release))
	var writers sync.WaitGroup
	for range 2 {
		writers.Go(func() {
			if err := m.write("pull", line); err != nil {
				t.Error(err)
			}
		})
	}
	m.eventually("both wait", func() bool {
		out, err := shell(t, "grep -l running "+m.path("ctl", "jobs")+"/*/status | wc -l")
		return err == nil && strings.TrimSpace(out) == "3" // latest is one of them
	})
	close(release)
	writers.Wait()
	if n := s.Count("GET .*/blobs/"); n != 2 {
		t.Errorf("%d blobs were asked for; the image has two", n)
	}
	if out := sh(t, "cat "+other.tag(line, "rootfs", "hello")+" | wc -c"); strings.TrimSpace(out) != "4096" {
		t.Errorf("the other mount: %s", out)
	}
	if out := sh(t, binary+" --version >/dev/null; IMAGEFS_ROOT="+m.root+" "+binary+" images --format '{{.Repository}}:{{.Tag}}'"); strings.TrimSpace(out) != line {
		t.Errorf("imagefs images: %q, want %q", out, line)
	}
	// And the other way round: the command line pulls, the mounts see it.
	second := strings.TrimSuffix(line, "1") + "2"
	s.PutImage("demo/x", "2", configOf("linux", "arm64", simpleTar(s)), registrytest.Layer{MediaType: ocispec.MediaTypeImageLayerGzip, Data: gzipped(simpleTar(s))})
	sh(t, "IMAGEFS_ROOT="+m.root+" "+binary+" pull -q "+second)
	for _, mount := range []*mount{m, other} {
		mount.eventually("the pull is seen", func() bool {
			_, err := os.Stat(mount.tag(second, "rootfs", "hello"))
			return err == nil
		})
	}
}

// TestTagMoves: whoever pulled a tag that moved finds the new image at once, by a path that the kernel remembers.
func TestTagMoves(t *testing.T) {
	need(t)
	m := newMount(t)
	s := registrytest.New(t)
	line := simple(s)
	for _, architecture := range []string{"amd64", "arm64", "s390x"} {
		s.PutImage("demo/x", "1", configOf("linux", architecture, simpleTar(s)), registrytest.Layer{MediaType: ocispec.MediaTypeImageLayerGzip, Data: gzipped(simpleTar(s))})
		m.pull(line)
		for path, want := range map[string]string{
			m.tag(line, "inspect.json"): `"Architecture": "` + architecture + `"`,
			m.path("images.json"):       `"Tag":"1"`,
		} {
			if got, err := os.ReadFile(path); err != nil || !strings.Contains(string(got), want) {
				t.Errorf("%s does not say %s: %v\n%s", path, want, err, got)
			}
		}
	}
	if out := sh(t, "ls "+m.path("dangling")+" | wc -l"); strings.TrimSpace(out) != "2" {
		t.Errorf("%s images are dangling, want 2", out)
	}
}
