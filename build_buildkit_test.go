package imagefs_test

import (
	"bytes"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	digest "github.com/opencontainers/go-digest"

	"github.com/imagefs/imagefs"
	"github.com/imagefs/imagefs/store/storetest"
)

// fakeBuildKit has a script stand in for buildctl. What it is given, and the directory with the Dockerfile, it leaves in the
// directory that is returned; what is to come of the build is the archive there.
func fakeBuildKit(t *testing.T, script string) (dir string) {
	t.Helper()
	dir = t.TempDir()
	const record = `#!/bin/sh
dir=` + "`dirname $0`" + `
printf '%s\n' "$@" | sort >"$dir/args"; ls >"$dir/context"
for arg in "$@"; do
	case $arg in
	--local=dockerfile=*) cp -r "${arg#*=dockerfile=}" "$dir/dockerfile" ;;
	--oci-layout=*) cp -r "${arg#*=imagefs=}" "$dir/layout" ;;
	esac
done
`
	if err := os.WriteFile(filepath.Join(dir, "buildctl"), []byte(record+script), 0o755); err != nil {
		t.Fatal(err)
	}
	l, err := net.Listen("unix", filepath.Join(dir, "s"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	t.Setenv("PATH", dir+":"+os.Getenv("PATH"))
	t.Setenv("BUILDKIT_HOST", "unix://"+filepath.Join(dir, "s"))
	return dir
}

// archiveOf is an archive of an image, under a name that no build has asked for.
func archiveOf(t *testing.T, img storetest.Image) []byte {
	t.Helper()
	b := newBench(t)
	img.Publish(t, b.Store(), "docker.io/library/theirs:1")
	var out bytes.Buffer
	if err := b.Save(t.Context(), imagefs.SaveRequest{Refs: []string{"theirs:1"}, Format: "oci-archive"}, &out); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

// has compares a file.
func has(t *testing.T, path, want string) {
	t.Helper()
	got, err := os.ReadFile(path)
	if diff := cmp.Diff(want, string(got)); err != nil || diff != "" {
		t.Errorf("%s: %v %s", path, err, diff)
	}
}

func TestBuildKit(t *testing.T) {
	dir := fakeBuildKit(t, `echo '{"vertexes":[{"digest":"a","name":"[1/1] COPY","started":"2026-01-01T00:00:01Z","completed":"2026-01-01T00:00:02Z"}]}' >&2
cat "$dir/archive"`)
	b := newBench(t)
	made := newImage(t, "one", "two")
	writeFile(t, filepath.Join(dir, "archive"), string(archiveOf(t, made)))
	files := newContext(t, "# comment\nFROM "+b.ref("none:1")+"\nCOPY . /\n")
	writeFile(t, filepath.Join(files, ".dockerignore"), "dir\n")
	epoch := time.Unix(1700000000, 0)
	req := imagefs.BuildRequest{
		Builder: "buildkit", Tags: []string{"web:v1", "web:v2"}, Args: []string{"A=b"}, Labels: []string{"l=m"}, Epoch: &epoch,
		Secrets: map[string][]byte{"s": nil},
	}
	img, r := b.mustBuild(files, req)
	if img.ID != digest.FromBytes(made.Config) {
		t.Errorf("%s, want %s", img.ID, digest.FromBytes(made.Config))
	}
	if diff := cmp.Diff([]string{"docker.io/library/web:v1", "docker.io/library/web:v2"}, b.names()); diff != "" {
		t.Error(diff)
	}
	shows(t, r, "#1 [1/1] COPY", "#1 DONE 1.0s", "Successfully built ID", "Successfully tagged web:v1", "Successfully tagged web:v2")
	has(t, filepath.Join(dir, "dockerfile/Dockerfile"), "# comment\nFROM "+b.ref("none:1")+"\nCOPY . /\n")
	has(t, filepath.Join(dir, "dockerfile/Dockerfile.dockerignore"), "dir\n")
	args, err := os.ReadFile(filepath.Join(dir, "args"))
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		"--opt=build-arg:A=b\n", "--opt=build-arg:SOURCE_DATE_EPOCH=1700000000\n", "--opt=label:l=m\n", "--opt=platform=linux/",
		"--secret=\"id=s\",src=/proc/self/fd/3\n", ",rewrite-timestamp=true\n",
	} {
		if !strings.Contains(string(args), want) {
			t.Errorf("%q is not in %s", want, args)
		}
	}
	if strings.Contains(string(args), "oci-layout") {
		t.Errorf("there is a layout: %s", args)
	}
	nothingIsBuilding(t, b)
}

// nothingIsBuilding looks for what a build keeps while it is at work.
func nothingIsBuilding(t *testing.T, b *bench) {
	t.Helper()
	if left, err := filepath.Glob(filepath.Join(b.Store().Dir(), "building", "*")); len(left) > 0 {
		t.Errorf("%v %q", err, left)
	}
}

// TestBuildKitBases gives the daemon what the store has, and takes from it what the store lacks.
func TestBuildKitBases(t *testing.T) {
	// What is built has base's layers, and comes into the layout.
	dir := fakeBuildKit(t, `for arg in "$@"; do case $arg in --output=*) layout=${arg#*dest=}; layout=${layout%%\"*};; esac; done
cd "$layout" && tar -xf "$dir/archive" --skip-old-files`)
	b := newBench(t)
	base := newImage(t, "one", "two")
	base.Publish(t, b.Store(), "docker.io/library/base:latest")
	imageFor(t, "linux/arm64", "other").Publish(t, b.Store(), "docker.io/library/other:1")
	newImage(t, "stage").Publish(t, b.Store(), "docker.io/library/stage:latest")
	newImage(t, "mounted").Publish(t, b.Store(), "localhost/x:1")
	made := storetest.NewImage(t, append(newLayers(t, "one", "two"), newLayers(t, "three")...)...)
	writeFile(t, filepath.Join(dir, "archive"), string(archiveOf(t, made)))
	files := newContext(t, `ARG TAG=latest
FROM base:$TAG AS first
FROM stage AS stage
FROM other:1 AS unfit
FROM --platform=linux/arm64 other:1 AS arm
FROM unknown:1
COPY --from=first /one /two /
COPY --from=stage /stage /
COPY --from=arm /other /
COPY --from=unfit /other /
RUN --mount=type=bind,from=localhost/x:1,target=/m true
`)
	img, _ := b.mustBuild(files, imagefs.BuildRequest{Builder: "buildkit"})
	if img.ID != digest.FromBytes(made.Config) {
		t.Errorf("%s, want %s", img.ID, digest.FromBytes(made.Config))
	}
	var contexts []string
	args, err := os.ReadFile(filepath.Join(dir, "args"))
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(args)) {
		if _, context, ok := strings.Cut(line, "context:"); ok {
			name, _, _ := strings.Cut(context, "=oci-layout://imagefs@sha256:")
			contexts = append(contexts, name)
		}
	}
	if diff := cmp.Diff([]string{"base::linux/amd64", "localhost/x:1::linux/amd64", "other:1::linux/arm64"}, contexts); diff != "" {
		t.Error(diff)
	}
	for _, l := range base.Layers {
		if _, err := os.Stat(filepath.Join(dir, "layout/blobs/sha256", l.Descriptor.Digest.Encoded())); err != nil {
			t.Error(err)
		}
	}
	nothingIsBuilding(t, b)
	// All are to be pulled anew.
	b.mustBuild(files, imagefs.BuildRequest{Builder: "buildkit", Pull: true, Tags: []string{"base"}})
	if args, err = os.ReadFile(filepath.Join(dir, "args")); err != nil || strings.Contains(string(args), "context:") {
		t.Errorf("%v %s", err, args)
	}
	if !strings.Contains(string(args), "--oci-layout=") {
		t.Errorf("what had the name is not used: %s", args)
	}
}

func TestBuildKitSteps(t *testing.T) {
	b := newBench(t)
	dir := newContext(t, "FROM scratch\nCOPY a.txt /\n")
	at := func(number int, text string) imagefs.BuildStep {
		return imagefs.BuildStep{Stage: imagefs.BuildKitStage, Number: number, Text: text}
	}
	const begun = `echo '{"vertexes":[{"digest":"a","name":"[1/1] COPY a","started":"2026-01-01T00:00:01Z","completed":"2026-01-01T00:00:02Z",` +
		`"cached":true},{"digest":"b","name":"unused"},{"digest":"c","name":"RUN c","started":"2026-01-01T00:00:01Z"}]}
{"logs":[{"vertex":"c","data":"b25lCg==","timestamp":"2026-01-01T00:00:01Z"}]}' >&2
`
	writeFile(t, filepath.Join(fakeBuildKit(t, begun+`echo '{"vertexes":[{"digest":"c","name":"RUN c","started":"2026-01-01T00:00:01Z",`+
		`"completed":"2026-01-01T00:00:02Z"}]}' >&2; cat "$dir/archive"`), "archive"), string(archiveOf(t, newImage(t, "one"))))
	b.buildSteps(dir, imagefs.BuildRequest{Builder: "buildkit", Tags: []string{"a"}}, 4, map[imagefs.BuildStep]string{
		at(1, "[1/1] COPY a"): "running cached",
		at(2, "RUN c"):        "running [one] done",
		{Stage: imagefs.LastStage, Number: 1, Total: 1, Text: "loading the image"}: "running [Successfully built ID] [Successfully tagged a:latest] done",
	})
	fakeBuildKit(t, begun+`echo '{"vertexes":[{"digest":"c","name":"RUN c","started":"2026-01-01T00:00:01Z",`+
		`"completed":"2026-01-01T00:00:02Z","error":"exit code: 1"}]}
error: failed to solve: exit code: 1' >&2; exit 1`)
	b.buildSteps(dir, imagefs.BuildRequest{Builder: "buildkit"}, 4, map[imagefs.BuildStep]string{
		at(1, "[1/1] COPY a"): "running cached",
		at(2, "RUN c"):        "running [one] failed",
	})
}

// TestBuildKitSyntax leaves a Dockerfile that names its syntax to the daemon.
func TestBuildKitSyntax(t *testing.T) {
	dir := fakeBuildKit(t, `cat "$dir/archive"`)
	writeFile(t, filepath.Join(dir, "archive"), string(archiveOf(t, newImage(t, "one"))))
	b := newBench(t)
	const text = "# syntax=example.com/novel\nFROM base:1\nNOVEL thing\n"
	b.mustBuild(newContext(t, text), imagefs.BuildRequest{Builder: "buildkit"})
	has(t, filepath.Join(dir, "dockerfile/Dockerfile"), text)
	for text, builder := range map[string]string{text: "imagefs", "FROM base:1\nNOVEL thing\n": "buildkit"} {
		if _, _, err := b.tryBuild(newContext(t, text), imagefs.BuildRequest{Builder: builder}); imagefs.KindOf(err) != imagefs.Invalid {
			t.Errorf("%s: %v", builder, err)
		}
	}
}

func TestBuildKitFails(t *testing.T) {
	b := newBench(t)
	try := func(script string, req imagefs.BuildRequest) error {
		t.Helper()
		if script != "" {
			fakeBuildKit(t, script)
		}
		if req.Builder == "" {
			req.Builder = "buildkit"
		}
		_, _, err := b.tryBuild(newContext(t, "FROM scratch\nCOPY a.txt /\n"), req)
		return err
	}
	none := imagefs.BuildRequest{}
	// says is what buildctl v0.34.2 says of a fault in the Dockerfile's second line.
	says := func(text string) error {
		t.Helper()
		return try("cat >&2 <<'E'\nDockerfile:2\n--------------------\n   2 | >>> COPY a.txt /\n--------------------\n"+
			"error: failed to solve: "+text+"\nE\nexit 1\n", none)
	}
	dir, path := newContext(t, "FROM scratch\n"), os.Getenv("PATH")
	t.Setenv("PATH", t.TempDir())
	_, _, missing := b.tryBuild(dir, imagefs.BuildRequest{Builder: "buildkit"})
	t.Setenv("PATH", path)
	fakeBuildKit(t, "")
	const broken = `echo '{"vertexes":[{"digest":"a","name":"[2/2] RUN make","started":"2026-01-01T00:00:01Z",` +
		`"completed":"2026-01-01T00:00:02Z","error":"x"}]}' >&2
echo 'error: failed to solve: process "/bin/sh -c make" did not complete successfully: exit code: 2' >&2; exit 1`
	checkFailures(t, "build with a BuildKit daemon", []failure{
		{"no such builder", imagefs.Invalid, `unknown builder "x": it is imagefs or buildkit`, try("", imagefs.BuildRequest{Builder: "x"})},
		{"an image as a cache", imagefs.Unsupported, "--cache-from is not for --builder buildkit", try("", imagefs.BuildRequest{Builder: "buildkit", CacheFrom: []string{"x"}})},
		{"an address for no daemon", imagefs.Invalid, "--buildkit-addr is for --builder buildkit", try("", imagefs.BuildRequest{Builder: "imagefs", BuildKit: "tcp://h:1"})},
		{"no buildctl", imagefs.Unsupported, "there is no buildctl, BuildKit's program, here", missing},
		{"bad address", imagefs.Invalid, `invalid address of a BuildKit daemon: "here"`, try("", imagefs.BuildRequest{BuildKit: "here"})},
		{"no daemon", imagefs.Refused, "no BuildKit daemon answers at unix:///nowhere: ", try("", imagefs.BuildRequest{BuildKit: "unix:///nowhere"})},
		{"not listening", imagefs.Refused, "connect: connection refused", try("", imagefs.BuildRequest{BuildKit: "tcp://127.0.0.1:1"})},
		{"a daemon that does not answer", imagefs.Unavailable, "failed to list workers: Unavailable", try("echo 'error: listing workers for Build: failed to list workers: Unavailable: x' >&2; exit 1", none)},
		{"bad network", imagefs.Invalid, "invalid network: x", try("", imagefs.BuildRequest{Network: "x"})},
		{"no entitlement", imagefs.Denied, "granting entitlement network.host is not allowed by build daemon configuration", says("granting entitlement network.host is not allowed by build daemon configuration")},
		{"a RUN", imagefs.Internal, `[2/2] RUN make: process "/bin/sh -c make" did not complete successfully: exit code: 2`, try(broken, none)},
		{"no such source", imagefs.NotFound, `Dockerfile:2:1: failed to compute cache key: "/a.txt": not found`, says(`failed to compute cache key: "/a.txt": not found`)},
		{"bad mode", imagefs.Invalid, "Dockerfile:2:1: invalid syntax", says("invalid syntax")},
		{"no such registry", imagefs.Unreachable, "lookup r.invalid: no such host", says("r.invalid/x: dial tcp: lookup r.invalid: no such host")},
		{"no image", imagefs.Invalid, "unsupported image archive", try("true", none)},
	})
	if snap := b.Store().Snapshot(); len(snap.Images) > 0 {
		t.Errorf("left %v", snap.Images)
	}
	nothingIsBuilding(t, b)
}
