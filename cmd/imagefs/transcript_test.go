package main

import (
	"bytes"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/imagefs/imagefs/scripts/peers"
)

// TestTranscript runs testdata/transcript.sh with docker 20.10 and with imagefs in its place, each with a registry of its
// own, and compares what they print and how they exit. What differs is in the table differences.
func TestTranscript(t *testing.T) {
	client := docker20(t)
	script := readScript(t)
	var theirs, ours *stage
	played := t.Run("stage", func(t *testing.T) {
		theirs, ours = newDockerStage(t, client), newImagefsStage(t)
		t.Run("docker", func(t *testing.T) { t.Parallel(); theirs.play(t, script) })
		t.Run("imagefs", func(t *testing.T) { t.Parallel(); ours.play(t, script) })
	})
	if !played {
		return
	}
	used := make(map[string]bool)
	for i, line := range script {
		want, got := explain(line, theirs.answers[i], ours.answers[i], used)
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("$ %s\n(-docker +imagefs)\n%s", line, diff)
		}
	}
	for _, d := range differences {
		if !used[d.what] {
			t.Errorf("%s: it differs no more", d.what)
		}
	}
}

// docker20 is the path of a docker client of the version that is the measure.
func docker20(t *testing.T) string {
	if missing := peers.Missing("dockerd"); len(missing) > 0 || os.Geteuid() != 0 {
		t.Skipf("needs root and dockerd 20.10; missing: %v", missing)
	}
	for _, dir := range filepath.SplitList(os.Getenv("PATH")) {
		path := filepath.Join(dir, "docker")
		if out, err := peers.Run(t.Context(), path, "--version"); err == nil && strings.Contains(out, " 20.10.") {
			return path
		}
	}
	t.Skip("needs a docker client 20.10")
	return ""
}

// readScript returns the commands of the script.
func readScript(t *testing.T) (script []string) {
	text, err := os.ReadFile("testdata/transcript.sh")
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(text)) {
		if line = strings.TrimSpace(line); line != "" && line[0] != '#' {
			script = append(script, line)
		}
	}
	return script
}

// stage is where a script is run, with a docker of its own.
type stage struct {
	dir     string
	env     []string
	replace []replacement // what is different in each run, and in each docker
	answers []string      // to each line
}

type replacement struct {
	from *regexp.Regexp
	to   string
}

func newDockerStage(t *testing.T, client string) *stage {
	reg := fillRegistry(t)
	dir, err := os.MkdirTemp("", "docker") // a socket's path must be short
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	d, err := peers.StartDocker(dir, reg.Host)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(d.Close)
	s := newStage(t, reg.Host, d.Command(t.Context()).Env)
	if err := os.Symlink(client, filepath.Join(s.dir, "bin/docker")); err != nil {
		t.Fatal(err)
	}
	s.normalise(regexp.QuoteMeta(dir), "$$DOCKER")
	s.normalise(`(?m)^(Error response from daemon|Error|docker): `, "")
	return s
}

func newImagefsStage(t *testing.T) *stage {
	reg := fillRegistry(t)
	s := newStage(t, reg.Host, append(os.Environ(), "GORACE=atexit_sleep_ms=0"))
	s.env = append(s.env, "IMAGEFS_ROOT="+filepath.Join(s.dir, "root"), "DOCKER_CONFIG="+s.dir)
	wrapper := []byte("#!/bin/sh\nexec imagefs \"$@\"\n")
	if err := os.WriteFile(filepath.Join(s.dir, "bin/docker"), wrapper, 0o755); err != nil {
		t.Fatal(err)
	}
	s.normalise(regexp.QuoteMeta(s.dir), "$$DOCKER")
	s.normalise(`(?m)^imagefs: (.*)\n(  .*\n)?`, "$1\n")
	s.normalise(`an imagefs`, "a docker")
	s.normalise(`imagefs`, "docker")
	return s
}

func newStage(t *testing.T, registry string, env []string) *stage {
	s := &stage{dir: t.TempDir()}
	for _, name := range []string{"bin", "work"} {
		if err := os.Mkdir(filepath.Join(s.dir, name), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	s.env = append(env, "REG="+registry, "TZ=UTC", "PATH="+filepath.Join(s.dir, "bin")+":"+os.Getenv("PATH"))
	s.normalise(regexp.QuoteMeta(registry), "$$REG")
	return s
}

func (s *stage) normalise(from, to string) {
	s.replace = append(s.replace, replacement{regexp.MustCompile(from), to})
}

func (s *stage) play(t *testing.T, script []string) {
	made := 0
	for _, line := range script {
		var out, diag bytes.Buffer
		cmd := exec.CommandContext(t.Context(), "sh", "-c", line)
		cmd.Dir, cmd.Env, cmd.Stdout, cmd.Stderr = filepath.Join(s.dir, "work"), s.env, &out, &diag
		var exit *exec.ExitError
		if err := cmd.Run(); err != nil && !errors.As(err, &exit) {
			t.Fatal(err)
		}
		if id := strings.TrimPrefix(strings.TrimSpace(out.String()), "sha256:"); makes.MatchString(line) && len(id) == 64 {
			// An image that is made has the time in it, and a container's ID is made up.
			made++
			name := "$$MADE" + strings.Repeat("+", made)
			s.normalise(id, name)
			s.normalise(id[:12], name)
		}
		answer := s.answer(out.String(), diag.String(), cmd.ProcessState.String())
		if strings.HasSuffix(line, "# as a set") {
			answer = asSet(answer)
		}
		s.answers = append(s.answers, sortLayers(answer))
	}
}

var makes = regexp.MustCompile(`docker (image )?(import|create|commit) `)

// answer joins what a command said, normalised.
func (s *stage) answer(out, diag, status string) string {
	text := out + "--- stderr\n" + diag + "--- " + status + "\n"
	for _, r := range s.replace {
		text = r.from.ReplaceAllString(text, r.to)
	}
	if young.MatchString(text) {
		text = young.ReplaceAllString(text, "now")
		text = regexp.MustCompile(`   +`).ReplaceAllString(text, "   ") // a column has another width
	}
	return text
}

var young = regexp.MustCompile(`(Less than a second|\d+ seconds?|About a minute|\d+ minutes?) ago`)

// asSet sorts the lines of an answer, each of them once.
func asSet(answer string) string {
	out, rest, _ := strings.Cut(answer, "--- stderr")
	lines := strings.SplitAfter(out, "\n")
	slices.Sort(lines)
	return strings.Join(slices.Compact(lines), "") + "--- stderr" + rest
}

// sortLayers sorts lines of layers, which are under way at the same time.
func sortLayers(out string) string {
	lines := strings.SplitAfter(out, "\n")
	isLayer := regexp.MustCompile(`^[0-9a-f]{12}: `).MatchString
	for i := 0; i < len(lines); i++ {
		end := i
		for end < len(lines) && isLayer(lines[end]) {
			end++
		}
		slices.Sort(lines[i:end])
		i = max(i, end)
	}
	return strings.Join(lines, "")
}

// explain rewrites docker's answer as imagefs's is to be by the differences that are known, and both where they are not
// the same in each run. It notes which differences there are.
func explain(line, docker, imagefs string, used map[string]bool) (string, string) {
	for _, d := range differences {
		if !regexp.MustCompile(d.line).MatchString(line) {
			continue
		}
		pattern := regexp.MustCompile(d.docker)
		if pattern.MatchString(docker) {
			used[d.what] = true
		}
		docker = pattern.ReplaceAllString(docker, d.imagefs)
		if d.both {
			imagefs = pattern.ReplaceAllString(imagefs, d.imagefs)
		}
	}
	return sortLayers(docker), sortLayers(imagefs)
}

// TestDifferences: docs/cli.md lists what differs from docker, and why.
func TestDifferences(t *testing.T) {
	page, err := os.ReadFile("../../docs/cli.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, d := range differences {
		if row := "| " + d.what + " | " + d.why + " |"; !strings.Contains(string(page), row) {
			t.Errorf("docs/cli.md does not have\n%s", row)
		}
	}
}
