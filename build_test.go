package imagefs_test

import (
	"archive/tar"
	"bytes"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/imagefs/imagefs"
	"github.com/imagefs/imagefs/builder/dockerfile"
	"github.com/imagefs/imagefs/builder/source"
	"github.com/imagefs/imagefs/store"
)

// contextScript makes the files that the tests' Dockerfiles copy.
const contextScript = `
	mkdir -p dir/sub/deep other modes linked
	echo a > a.txt; echo b > b.txt; echo c > c.md; echo x > 'a file'; : > empty
	echo 1 > dir/one; echo 2 > dir/sub/two; echo 3 > dir/sub/deep/three; ln -s one dir/link; ln -s nowhere dir/dangling
	echo o > other/one; ln -s dir dirlink; ln -s a.txt filelink; ln dir/one linked/hard
	echo m > modes/suid; chmod 4755 modes/suid; echo p > modes/private; chmod 600 modes/private; chmod 750 modes; chmod 700 dir/sub
	printf '#!/bin/sh\necho hi\n' > script.sh; chmod 755 script.sh
	mkdir t; echo in > t/in; mkdir t/d; echo deep > t/d/deep; chmod 711 t/d; ln -s in t/ln
	tar -C t --owner=12 --group=34 --mtime=2020-01-02 -cf t.tar .; gzip -kn t.tar; bzip2 -k t.tar; xz -k t.tar; rm -r t
	printf 'root:x:0:0:root:/root:/bin/sh\nweb:x:1001:1002::/:/bin/sh\n' > passwd; printf 'root:x:0:\nwww:x:33:\n' > group
	find . -exec touch -h -d '2021-02-03 04:05:06' {} +`

// newContext makes a context of [contextScript] and a Dockerfile.
func newContext(t *testing.T, dockerfile string) string {
	t.Helper()
	dir := t.TempDir()
	cmd := exec.Command("sh", "-ec", "umask 022\n"+contextScript)
	cmd.Dir = dir
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	writeFile(t, filepath.Join(dir, "Dockerfile"), dockerfile)
	return dir
}

// tryBuild builds a directory.
func (b *bench) tryBuild(dir string, req imagefs.BuildRequest) (*store.Image, *record, error) {
	b.t.Helper()
	r := &record{}
	files, err := req.Open(b.t.Context(), imagefs.BuildPaths{Context: dir, Open: os.Open})
	if err != nil {
		return nil, r, err
	}
	defer files.Close()
	img, err := b.Build(b.t.Context(), req, r)
	return img, r, err
}

func (b *bench) mustBuild(dir string, req imagefs.BuildRequest) (*store.Image, *record) {
	b.t.Helper()
	img, r, err := b.tryBuild(dir, req)
	if err != nil {
		b.t.Fatal(err)
	}
	return img, r
}

// shows compares the lines that a build had, in which an image's ID is ID.
func shows(t *testing.T, r *record, want ...string) {
	t.Helper()
	var got []string
	for _, line := range r.lines {
		if id, ok := strings.CutPrefix(line, " ---> "); ok && len(id) == 12 && !strings.Contains(id, " ") {
			line = " ---> ID"
		}
		if strings.HasPrefix(line, "Successfully built ") {
			line = "Successfully built ID"
		}
		got = append(got, line)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestBuild(t *testing.T) {
	b := newBench(t)
	b.put("web", "1", newImage(t, "one", "two"))
	dir := newContext(t, "FROM "+b.ref("web:1")+"\nCOPY a.txt /htdocs/\nCMD [\"httpd\"]\n")
	img, r := b.mustBuild(dir, imagefs.BuildRequest{Tags: []string{"web:v1"}})
	if len(r.lines) < 8 {
		t.Fatalf("%q", r.lines)
	}
	r.lines = append(r.lines[:1], r.lines[len(r.lines)-7:]...) // what pull says is pull's
	shows(t, r, "Step 1/3 : FROM "+b.ref("web:1"), " ---> ID", "Step 2/3 : COPY a.txt /htdocs/", " ---> ID",
		`Step 3/3 : CMD ["httpd"]`, " ---> ID", "Successfully built ID", "Successfully tagged web:v1")

	again, r := b.mustBuild(dir, imagefs.BuildRequest{Tags: []string{"web:v2"}})
	shows(t, r, "Step 1/3 : FROM "+b.ref("web:1"), " ---> ID", "Step 2/3 : COPY a.txt /htdocs/", " ---> Using cache",
		" ---> ID", `Step 3/3 : CMD ["httpd"]`, " ---> Using cache", " ---> ID", "Successfully built ID", "Successfully tagged web:v2")
	if again.ID != img.ID {
		t.Error("a cached build has made another image")
	}
	// A time is not content.
	if err := os.Chtimes(filepath.Join(dir, "a.txt"), time.Now(), time.Now()); err != nil {
		t.Fatal(err)
	}
	if again, _ = b.mustBuild(dir, imagefs.BuildRequest{}); again.ID != img.ID {
		t.Error("another time has made another image")
	}
	writeFile(t, filepath.Join(dir, "a.txt"), "changed\n")
	if again, _ = b.mustBuild(dir, imagefs.BuildRequest{}); again.ID == img.ID {
		t.Error("another content has not made another image")
	}
}

func TestBuildTarget(t *testing.T) {
	b := newBench(t)
	dir := newContext(t, `FROM scratch AS one
COPY a.txt /
FROM nowhere.invalid/x AS unused
FROM scratch AS two
COPY --from=one /a.txt /b.txt
FROM two
RUN exit 1
`)
	img, r := b.mustBuild(dir, imagefs.BuildRequest{Target: "TWO"})
	shows(t, r, "Step 1/4 : FROM scratch AS one", " ---> ", "Step 2/4 : COPY a.txt /", " ---> ID",
		"Step 3/4 : FROM scratch AS two", " ---> ", "Step 4/4 : COPY --from=one /a.txt /b.txt", " ---> ID", "Successfully built ID")
	if diff := cmp.Diff([]string{"b.txt 644 0:0 a\n"}, b.files(img)); diff != "" {
		t.Error(diff)
	}
}

// TestBuildTriggers has a base whose trigger names a stage that nothing in the Dockerfile needs.
func TestBuildTriggers(t *testing.T) {
	b := newBench(t)
	b.mustBuild(newContext(t, "FROM scratch\nONBUILD COPY --from=assets /b.txt /\n"), imagefs.BuildRequest{Tags: []string{"base"}})
	dir := newContext(t, `FROM scratch AS first
COPY a.txt /b.txt
FROM first AS assets
FROM base
`)
	img, r := b.mustBuild(dir, imagefs.BuildRequest{})
	shows(t, r, "Step 1/1 : FROM base", " ---> ID", "# Executing 1 build trigger", "Step 2/4 : FROM scratch AS first",
		" ---> ", "Step 3/4 : COPY a.txt /b.txt", " ---> ID", "Step 4/4 : FROM first AS assets", " ---> ID", " ---> ID",
		"Successfully built ID")
	if diff := cmp.Diff([]string{"b.txt 644 0:0 a\n"}, b.files(img)); diff != "" {
		t.Error(diff)
	}
}

// files tells of an image's files: name, mode, owner and content.
func (b *bench) files(img *store.Image) (all []string) {
	b.t.Helper()
	tree, err := b.Store().Tree(img)
	if err != nil {
		b.t.Fatal(err)
	}
	for i := 1; i < tree.Len(); i++ {
		name, err := tree.Path(i)
		if err != nil {
			b.t.Fatal(err)
		}
		a, err := tree.Attr(i)
		if err != nil {
			b.t.Fatal(err)
		}
		line := fmt.Sprintf("%s %o %d:%d", name, a.Mode&0o7777, a.UID, a.GID)
		switch a.Mode & 0o170000 {
		case 0o040000:
			line += " /"
		case 0o120000:
			link, _ := tree.Readlink(i)
			line += " -> " + link
		default:
			n, _ := tree.Node(i)
			l, err := b.Store().Layer(img.Chains[n.Origin.Layer].DiffID)
			if err != nil {
				b.t.Fatal(err)
			}
			content := make([]byte, a.Size)
			if _, err := l.ReadAt(n.Origin.Entry, content, 0); err != nil && a.Size > 0 {
				b.t.Fatal(err)
			}
			line += " " + string(content)
		}
		all = append(all, line)
	}
	return all
}

func TestBuildIsReproducible(t *testing.T) {
	epoch := time.Unix(1600000000, 0)
	const text = "FROM scratch\nWORKDIR /w\nCOPY dir a.txt /x/\nCOPY <<EOF /made/file\nhello\nEOF\nLABEL a=b\nVOLUME /z\n"
	var ids []string
	for range 2 {
		b := newBench(t)
		img, _ := b.mustBuild(newContext(t, text), imagefs.BuildRequest{Epoch: &epoch})
		ids = append(ids, img.ID.String())
		if !img.Created.Equal(epoch) {
			t.Errorf("created %v", img.Created)
		}
		img, _ = b.mustBuild(newContext(t, text), imagefs.BuildRequest{Args: []string{"SOURCE_DATE_EPOCH=1600000000"}, NoCache: true})
		ids = append(ids, img.ID.String())
	}
	for _, id := range ids[1:] {
		if id != ids[0] {
			t.Errorf("%q", ids)
		}
	}
}

// TestBuildForgetsEpoch builds without a time what was built with one.
func TestBuildForgetsEpoch(t *testing.T) {
	b := newBench(t)
	epoch := time.Unix(1600000000, 0)
	dir := newContext(t, "FROM scratch\nENV A=b\n")
	b.mustBuild(dir, imagefs.BuildRequest{Epoch: &epoch})
	if img, _ := b.mustBuild(dir, imagefs.BuildRequest{}); img.Created.Equal(epoch) {
		t.Error("the time of a build that was given one came out of the cache")
	}
}

// TestBuildStaysInside has a context whose symlinks lead out of it.
func TestBuildStaysInside(t *testing.T) {
	b := newBench(t)
	secret := t.TempDir()
	writeFile(t, filepath.Join(secret, "secret"), "secret")
	for name, text := range map[string]string{
		"absolute": "FROM scratch\nCOPY out/secret /\n",
		"dots":     "FROM scratch\nCOPY up/secret /\n",
		"path":     "FROM scratch\nCOPY ../secret /\n",
		"file":     "FROM scratch\nCOPY file /\n",
		"wildcard": "FROM scratch\nCOPY out/* /\n",
	} {
		dir := newContext(t, text)
		for link, to := range map[string]string{"out": secret, "up": "../" + filepath.Base(secret), "file": secret + "/secret"} {
			if err := os.Symlink(to, filepath.Join(dir, link)); err != nil {
				t.Fatal(err)
			}
		}
		if img, _, err := b.tryBuild(dir, imagefs.BuildRequest{}); imagefs.KindOf(err) != imagefs.NotFound {
			t.Errorf("%s: %v, %v", name, img, err)
		}
	}
}

func TestBuildIgnores(t *testing.T) {
	b := newBench(t)
	dir := newContext(t, "FROM scratch\nCOPY . /\n")
	writeFile(t, filepath.Join(dir, ".dockerignore"), "*\n!dir/sub\ndir/sub/deep\n# comment\n!*.md\n")
	img, _ := b.mustBuild(dir, imagefs.BuildRequest{})
	want := []string{"c.md 644 0:0 c\n", "dir 755 0:0 /", "dir/sub 700 0:0 /", "dir/sub/two 644 0:0 2\n"}
	if diff := cmp.Diff(want, b.files(img)); diff != "" {
		t.Error(diff)
	}
	writeFile(t, filepath.Join(dir, "Dockerfile.dockerignore"), "*\n!b.txt\n")
	img, _ = b.mustBuild(dir, imagefs.BuildRequest{})
	if diff := cmp.Diff([]string{"b.txt 644 0:0 b\n"}, b.files(img)); diff != "" {
		t.Error(diff)
	}
}

// TestBuildTar has contexts that are streams.
func TestBuildTar(t *testing.T) {
	b := newBench(t)
	var buf bytes.Buffer
	w := tar.NewWriter(&buf)
	for name, text := range map[string]string{"Dockerfile": "FROM scratch\nCOPY d/x /\n", "d/x": "x"} {
		_ = w.WriteHeader(&tar.Header{Typeflag: tar.TypeReg, Name: name, Size: int64(len(text)), Mode: 0o640, Uid: 7})
		_, _ = w.Write([]byte(text))
	}
	w.Close()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write(buf.Bytes()) }))
	defer server.Close()
	for _, paths := range []imagefs.BuildPaths{{Context: "-", Stdin: bytes.NewReader(buf.Bytes())}, {Context: server.URL}} {
		var req imagefs.BuildRequest
		files, err := req.Open(t.Context(), paths)
		if err != nil {
			t.Fatal(err)
		}
		img, err := b.Build(t.Context(), req, &record{})
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff([]string{"x 640 0:0 x"}, b.files(img)); diff != "" {
			t.Error(diff)
		}
		files.Close()
	}
}

func TestBuildFails(t *testing.T) {
	b := newBench(t)
	server := httptest.NewServer(http.FileServer(http.Dir(newContext(t, ""))))
	defer server.Close()
	try := func(text string, req imagefs.BuildRequest) error {
		_, _, err := b.tryBuild(newContext(t, text), req)
		return err
	}
	none := imagefs.BuildRequest{}
	empty := func(req imagefs.BuildRequest) error {
		req.Context = source.Empty()
		_, err := b.Build(t.Context(), req, &record{})
		return err
	}
	open := func(p imagefs.BuildPaths) error {
		p.Open = os.Open
		_, err := new(imagefs.BuildRequest).Open(t.Context(), p)
		return err
	}
	secret := func(word string) error { return open(imagefs.BuildPaths{Context: ".", Secrets: []string{word}}) }
	large := filepath.Join(t.TempDir(), "large")
	writeFile(t, large, strings.Repeat("x", 600<<10))
	checkFailures(t, "build", []failure{
		{"no Dockerfile", imagefs.NotFound, "failed to read dockerfile: open Dockerfile: no such file or directory", empty(none)},
		{"no context", imagefs.NotFound, `unable to prepare context: path "/nowhere" not found`, open(imagefs.BuildPaths{Context: "/nowhere"})},
		{"a context that is a file", imagefs.Invalid, "context must be a directory", open(imagefs.BuildPaths{Context: "build_test.go"})},
		{"a git repository", imagefs.Unsupported, "a git repository cannot be a build's context", open(imagefs.BuildPaths{Context: "https://x.invalid/a.git"})},
		{"a secret without an ID", imagefs.Invalid, "it has no id", secret("src=build_test.go")},
		{"a secret's bad field", imagefs.Invalid, "unexpected key 'x' in 'x=y'", secret("id=a,x=y")},
		{"a secret's bad type", imagefs.Invalid, `unsupported secret type "x"`, secret("id=a,type=x")},
		{"a secret that is not there", imagefs.NotFound, "secret a: open /nowhere: no such file or directory", secret("id=a,src=/nowhere")},
		{"a large secret", imagefs.Invalid, "invalid secret size", secret("id=a,src=" + large)},
		{"nobody's environment", imagefs.Invalid, "there is no environment here to take A from", secret("id=a,env=A")},
		{"empty Dockerfile", imagefs.Invalid, "the Dockerfile (Dockerfile) cannot be empty", try("", none)},
		{"no FROM", imagefs.Invalid, "no build stage in current context", try("COPY a /\n", none)},
		{"unknown instruction", imagefs.Invalid, "Dockerfile:3:1: unknown instruction: RUNN", try("FROM scratch\n\nRUNN x\n", none)},
		{"unknown flag", imagefs.Invalid, "Dockerfile:2:7: unknown flag: --foo", try("FROM scratch\nCOPY  --foo a.txt /\n", none)},
		{"bad variable", imagefs.Invalid, "unsupported modifier", try("FROM scratch\nENV A=${B^x}\n", none)},
		{"no such target", imagefs.Invalid, "failed to reach build target nope in Dockerfile", try("FROM scratch\n", imagefs.BuildRequest{Target: "nope"})},
		{"bad tag", imagefs.Invalid, "must be lowercase", try("FROM scratch\n", imagefs.BuildRequest{Tags: []string{"UP"}})},
		{"bad label", imagefs.Invalid, `invalid label "=x"`, try("FROM scratch\n", imagefs.BuildRequest{Labels: []string{"=x"}})},
		{"bad epoch", imagefs.Invalid, "invalid SOURCE_DATE_EPOCH: yesterday", try("FROM scratch\n", imagefs.BuildRequest{Args: []string{"SOURCE_DATE_EPOCH=yesterday"}})},
		{"no such base", imagefs.NotFound, "none not found", try("FROM "+b.ref("none:1")+"\n", none)},
		{"no such source", imagefs.NotFound, "Dockerfile:2:6: COPY failed: file not found in build context or excluded by .dockerignore: stat nope: file does not exist", try("FROM scratch\nCOPY nope /\n", none)},
		{"nothing matches", imagefs.NotFound, "COPY failed: no source files were specified", try("FROM scratch\nCOPY *.nope /\n", none)},
		{"several without a slash", imagefs.Invalid, "the destination must be a directory and end with a /", try("FROM scratch\nCOPY *.txt /x\n", none)},
		{"a directory over a file", imagefs.Invalid, "cannot copy to non-directory: /x", try("FROM scratch\nCOPY a.txt /x\nCOPY dir /x\n", none)},
		{"a file over a directory", imagefs.Invalid, "cannot replace to directory /x/one with file", try("FROM scratch\nCOPY other /x/one\nCOPY dir /x\n", none)},
		{"no such user", imagefs.Invalid, "no such user: web", try("FROM scratch\nCOPY --chown=web a.txt /\n", none)},
		{"bad mode", imagefs.Invalid, "invalid chmod parameter: 'rwx'", try("FROM scratch\nCOPY --chmod=rwx a.txt /\n", none)},
		{"a whiteout's name", imagefs.Unsupported, "names that begin with \".wh.\"", try("FROM scratch\nCOPY a.txt /.wh.a\n", none)},
		{"ADD of a git repository", imagefs.Unsupported, "ADD of a git repository is not supported", try("FROM scratch\nADD https://x.invalid/a.git /\n", none)},
		{"ADD of what is not there", imagefs.NotFound, "404 Not Found", try("FROM scratch\nADD "+server.URL+"/nope /\n", none)},
		{"wrong checksum", imagefs.Corrupt, "digest mismatch sha256:", try("FROM scratch\nADD --checksum=sha256:"+strings.Repeat("0", 64)+" "+server.URL+"/a.txt /\n", none)},
		{"ONBUILD of FROM", imagefs.Invalid, "FROM isn't allowed as an ONBUILD trigger", try("FROM scratch\nONBUILD FROM x\n", none)},
	})
	if snap := b.Store().Snapshot(); len(snap.Images) > 0 {
		t.Errorf("left %v", snap.Images)
	}
	var place *dockerfile.Error
	if err := try("FROM scratch\nRUNN\n", none); !errors.As(err, &place) || place.Line != 2 || place.Column != 1 {
		t.Errorf("%#v", err)
	}
}

// TestBuildCopies has what only BuildKit's COPY and ADD have.
func TestBuildCopies(t *testing.T) {
	b := newBench(t)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Last-Modified", "Tue, 02 Jan 2024 03:04:05 GMT")
		_, _ = w.Write([]byte("remote"))
	}))
	defer server.Close()
	for _, test := range []struct {
		name, text string
		want       []string
	}{
		{"chmod", "COPY --chmod=640 a.txt dir/sub /c/\n", []string{
			"c 755 0:0 /", "c/a.txt 640 0:0 a\n", "c/deep 640 0:0 /", "c/two 640 0:0 2\n", "c/deep/three 640 0:0 3\n",
		}},
		{"symbolic chmod", "COPY --chmod=u=rwX,go= script.sh dir/sub /c/\n", []string{
			"c 755 0:0 /", "c/deep 700 0:0 /", "c/script.sh 700 0:0 #!/bin/sh\necho hi\n", "c/two 600 0:0 2\n", "c/deep/three 600 0:0 3\n",
		}},
		{"parents", "COPY --parents dir/sub/two ./other/one /p/\n", []string{
			"p 755 0:0 /", "p/dir 755 0:0 /", "p/other 755 0:0 /", "p/dir/sub 700 0:0 /", "p/other/one 644 0:0 o\n", "p/dir/sub/two 644 0:0 2\n",
		}},
		{"parents from a pivot", "COPY --parents dir/./sub/two /p/\n", []string{"p 755 0:0 /", "p/sub 700 0:0 /", "p/sub/two 644 0:0 2\n"}},
		{"parents of a deep wildcard", "COPY --parents **/t* /p/\n", []string{
			"p 755 0:0 /", "p/dir 755 0:0 /", "p/t.tar", "p/t.tar.bz2", "p/t.tar.gz", "p/t.tar.xz",
			"p/dir/sub 700 0:0 /", "p/dir/sub/deep 755 0:0 /", "p/dir/sub/two 644 0:0 2\n", "p/dir/sub/deep/three 644 0:0 3\n",
		}},
		{"exclude", "COPY --exclude=*.txt --exclude=sub/deep dir *.txt *.md /e/\n", []string{
			"e 755 0:0 /", "e/c.md 644 0:0 c\n", "e/dangling 777 0:0 -> nowhere", "e/link 777 0:0 -> one", "e/one 644 0:0 1\n",
			"e/sub 700 0:0 /", "e/sub/two 644 0:0 2\n",
		}},
		{"link", "COPY dir /d/\nCOPY --link a.txt /d/link\nCOPY --link b.txt /d/sub/b\n", []string{
			"d 755 0:0 /", "d/dangling 777 0:0 -> nowhere", "d/link 644 0:0 a\n", "d/one 644 0:0 1\n", "d/sub 700 0:0 /",
			"d/sub/b 644 0:0 b\n", "d/sub/deep 755 0:0 /", "d/sub/two 644 0:0 2\n", "d/sub/deep/three 644 0:0 3\n",
		}},
		{"heredocs", "ARG A=b\nCOPY <<one <<\"two\" /h/\n1 $A\none\n2 $A\ntwo\nCOPY <<-EOF /x\n\ttabs\nEOF\n", []string{
			"h 755 0:0 /", "x 644 0:0 tabs\n", "h/one 644 0:0 1 b\n", "h/two 644 0:0 2 $A\n",
		}},
		{"owners of a stage", "COPY --chown=7:8 a.txt /a\nFROM scratch\nCOPY --from=0 /a /kept\nCOPY --from=0 --chown=1 /a /given\n", []string{
			"given 644 1:1 a\n", "kept 644 7:8 a\n",
		}},
		{"remote file", "ADD --checksum=sha256:b71199ebd070b36beab7317920c2c2f1d777df8d05e5527d8458fda57cb17a7a " + server.URL + "/x/y.txt /r/\n", []string{
			"r 755 0:0 /", "r/y.txt 600 0:0 remote",
		}},
		{"owners of an archive", "ADD t.tar /t/\nADD --chown=1:2 t.tar.gz /u/\nADD --unpack=false t.tar.xz /v\n", []string{
			"t 755 0:0 /", "u 755 1:2 /", "v", "t/d 711 12:34 /", "t/in 644 12:34 in\n", "t/ln 777 12:34 -> in",
			"u/d 711 1:2 /", "u/in 644 1:2 in\n", "u/ln 777 1:2 -> in", "t/d/deep 644 12:34 deep\n", "u/d/deep 644 1:2 deep\n",
		}},
		{"through a link", "WORKDIR /real/dir\nCOPY linked /real/\nADD links.tar /\nCOPY a.txt /abs/a\nCOPY b.txt /rel/dir/b\n", []string{
			"abs 777 0:0 -> /real/dir", "real 755 0:0 /", "rel 777 0:0 -> real/../real",
			"real/dir 755 0:0 /", "real/hard 644 0:0 1\n", "real/dir/a 644 0:0 a\n", "real/dir/b 644 0:0 b\n",
		}},
	} {
		dir := newContext(t, "FROM scratch\n"+test.text)
		sh := exec.Command("sh", "-ec", "ln -s /real/dir abs; ln -s real/../real rel; tar --owner=0 --group=0 -cf links.tar abs rel; rm abs rel")
		sh.Dir = dir
		if out, err := sh.CombinedOutput(); err != nil {
			t.Fatalf("%v: %s", err, out)
		}
		img, _, err := b.tryBuild(dir, imagefs.BuildRequest{})
		if err != nil {
			t.Errorf("%s: %v", test.name, err)
			continue
		}
		var got []string
		for _, line := range b.files(img) {
			if name, _, _ := strings.Cut(line, " "); strings.Contains(name, ".tar") || name == "v" {
				line = name
			}
			got = append(got, line)
		}
		if diff := cmp.Diff(test.want, got); diff != "" {
			t.Errorf("%s: %s", test.name, diff)
		}
	}
}
