package e2e

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/imagefs/imagefs/scripts/peers"
)

// TestBuildAsPeers builds the suite with imagefs, docker's BuildKit and buildah, and what docker's classic builder is known to
// do otherwise with that too. An image has the same config and the same files, or there is none, but for what [differences]
// lists; and all that it lists is so.
func TestBuildAsPeers(t *testing.T) {
	need(t, "buildah")
	t.Setenv("GORACE", "atexit_sleep_ms=0")
	s := newSuite(t, newMount(t))
	s.compare(s.docker(oldBuildKit), s.docker(classic), s.buildah())
}

// compare has imagefs and its peers build the suite beside each other.
func (s *suite) compare(theirs ...*builder) {
	ours := s.imagefs()
	for _, b := range append(theirs, ours) {
		b.images = make([]*built, len(dockerfiles))
		s.build(b)
	}
	s.running.Wait()
	for _, b := range append(theirs, ours) {
		b.save()
	}
	for i, d := range dockerfiles {
		if (ours.images[i].err != nil) != d.fails {
			s.t.Errorf("%s: %v", d.name, ours.images[i].err)
		}
	}
	for _, peer := range theirs {
		compareSuite(s.t, ours, peer)
	}
}

const suiteBase = "localhost/base:1"

// baseDockerfile makes suiteBase, of busybox and the places of mounts.
const baseDockerfile = `FROM scratch
COPY places /
COPY busybox /bin/busybox
RUN ["/bin/busybox", "--install", "-s", "/bin"]
ENV PATH=/bin IN=base
RUN mkdir -p /etc /opt /old /home/web /tmp/in /links && chmod 1777 /tmp && chown 1000:1001 /home/web && echo 1 > /old/one \
 && echo conf > /etc/conf && ln -s tmp /link && ln -s ../opt /links/d && ln -s ../etc/conf /links/file && ln -s ../../../../out /links/out && touch /etc/hosts /etc/hostname /etc/resolv.conf \
 && printf 'root:x:0:0:root:/root:/bin/sh\nweb:x:1000:1001::/home/web:/bin/sh\n' > /etc/passwd \
 && printf 'root:x:0:\nweb:x:1001:\nmore:x:1002:web\n' > /etc/group
`

// suiteExtras are files of the context beyond [peers.ContextScript].
const suiteExtras = `
	ln -s /etc/passwd escape; ln -s / up; mkdir out odd; ln -s ../../../etc out/link; ln -s /etc/hostname out/abs
	echo 1 > odd/ünï; echo 2 > 'odd/br[ack]et'; echo 3 > 'odd/a"b'; echo 4 > odd/.hidden; echo 5 > 'odd/*'
	echo c > capable; setcap cap_net_raw+ep capable
	echo text > nottar.tar.gz
	mkdir o; mkfifo o/fifo; mknod o/null c 1 3; echo s > o/suid; chmod 6755 o/suid; ln o/suid o/hard; mkdir o/sticky; chmod 1777 o/sticky
	setfattr -n user.suite -v value o/null 2>/dev/null || setfattr -n user.suite -v value o/suid
	tar -C o --xattrs --sort=name --pax-option=delete=atime,delete=ctime --mtime=2020-01-02 --owner=8 --group=9 -cf odd.tar .; rm -r o
	find . -exec touch -h -d '2021-02-03 04:05:06' {} +`

// suiteContext makes the directory that is built.
func suiteContext(t *testing.T) string {
	t.Helper()
	dir := tempDir(t)
	sh(t, "cd "+dir+" && (set -e; "+peers.ContextScript+"\n"+suiteExtras+"\n)")
	return dir
}

// suite is what its builders share.
type suite struct {
	*mount
	url     string
	dir     string
	archive string // docker's, of suiteBase
	running sync.WaitGroup
}

func newSuite(t *testing.T, m *mount) *suite {
	t.Helper()
	need(t, "dockerd", "docker", "runc", "busybox", "bzip2", "xz", "setcap", "setfattr")
	if err := startDocker(); err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(http.FileServer(http.Dir(suiteContext(t))))
	t.Cleanup(server.Close)
	dir := tempDir(t)
	s := &suite{mount: m, url: server.URL, dir: dir, archive: filepath.Join(dir, "base.tar")}
	s.makeBase()
	must(t)(m.run("load", "-q", "-i", s.archive))
	return s
}

// builder is who builds the suite. Its images are numbered as dockerfiles are.
type builder struct {
	name    string
	workers int
	build   func(number int, words []string, dir string) error // as of the command line
	save    func()
	only    map[string]string // the Dockerfiles that it builds, by name; nil for all
	images  []*built          // nil for what it does not build
}

// built is what became of a Dockerfile: an error or an image.
type built struct {
	err error
	savedImage
}

// build starts the workers, each with a context of its own.
func (s *suite) build(b *builder) {
	for worker := range b.workers {
		dir := suiteContext(s.t)
		s.running.Go(func() {
			for i := worker; i < len(dockerfiles); i += b.workers {
				if b.only == nil || b.only[dockerfiles[i].name] != "" {
					b.images[i] = &built{err: s.buildOne(b, i, dir)}
				}
			}
		})
	}
}

func (s *suite) buildOne(b *builder, number int, dir string) error {
	d := dockerfiles[number]
	fill := strings.NewReplacer("{base}", suiteBase, "{url}", s.url, "{context}", dir)
	files := map[string]string{"Dockerfile": fill.Replace(d.text)}
	for name, text := range d.files {
		files[name] = text
	}
	for name, text := range files {
		path := filepath.Join(dir, name)
		defer os.Remove(path)
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			return err
		}
	}
	var words []string
	for _, word := range d.words {
		words = append(words, fill.Replace(word))
	}
	return b.build(number, words, dir)
}

func suiteTag(kind string, number int) string { return fmt.Sprintf("suite/%s:%d", kind, number) }

// built are the tags of what was built.
func (b *builder) built(tag func(number int) string) (tags []string) {
	for i, img := range b.images {
		if img != nil && img.err == nil {
			tags = append(tags, tag(i))
		}
	}
	return tags
}

// read keeps the images of a docker archive.
func (b *builder) read(t *testing.T, archive []byte) {
	t.Helper()
	for tag, img := range readSaved(t, archive) {
		var number int
		if _, err := fmt.Sscanf(tag[strings.LastIndex(tag, ":"):], ":%d", &number); err != nil {
			t.Fatalf("%s: %v", tag, err)
		}
		b.images[number].savedImage = img
	}
}

// imagefs builds in the mount's store.
func (s *suite) imagefs() *builder { return s.inStore("imagefs", "ours", "--network", "none") }

// inStore builds with further options, and has the images in the mount's store.
func (s *suite) inStore(name, kind string, options ...string) *builder {
	b := &builder{name: name, workers: 1}
	tag := func(number int) string { return suiteTag(kind, number) }
	b.build = func(number int, words []string, dir string) error {
		_, err := s.run(slices.Concat([]string{"build", "-q", "-t", tag(number)}, options, words, []string{dir})...)
		return err
	}
	b.save = func() {
		b.read(s.t, []byte(must(s.t)(s.run(slices.Concat([]string{"save"}, b.built(tag))...))))
	}
	return b
}

// makeBase has docker make the base, and save it for others.
func (s *suite) makeBase() {
	s.t.Helper()
	dir := tempDir(s.t)
	sh(s.t, "cd "+dir+" && cp $(command -v busybox) busybox && mkdir -p places/dev places/proc places/sys places/run")
	if err := os.WriteFile(filepath.Join(dir, "Dockerfile"), []byte(baseDockerfile), 0o644); err != nil {
		s.t.Fatal(err)
	}
	must(s.t)(shared.docker.Run(s.t.Context(), "build", "-q", "--network", "host", "-t", suiteBase, dir))
	must(s.t)(shared.docker.Run(s.t.Context(), "save", "-o", s.archive, suiteBase))
	s.t.Cleanup(func() { shared.docker.Run(context.Background(), "rmi", "-f", suiteBase) })
}

// docker builds with one of the daemon's two builders.
func (s *suite) docker(name string) *builder {
	b := &builder{name: name, workers: 1}
	kind, command := "buildkit", shared.docker.BuildKit
	if name == classic {
		kind, command = "classic", shared.docker.Command
		b.only = differencesOf(s.t, classic)
	}
	tag := func(number int) string { return suiteTag(kind, number) }
	b.build = func(number int, words []string, dir string) error {
		return quiet(command(s.t.Context(), slices.Concat([]string{"build", "-q", "--network", "host", "-t", tag(number)}, words, []string{dir})...))
	}
	b.save = func() {
		tags := b.built(tag)
		s.t.Cleanup(func() { shared.docker.Run(context.Background(), slices.Concat([]string{"rmi", "-f"}, tags)...) })
		b.read(s.t, []byte(must(s.t)(shared.docker.Run(s.t.Context(), slices.Concat([]string{"save"}, tags)...))))
	}
	return b
}

// buildah builds without a cache, and writes each image to an archive.
func (s *suite) buildah() *builder {
	store, err := peers.NewBuildah(filepath.Join(s.dir, "buildah"))
	if err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(store.Close)
	must(s.t)(store.Run(s.t.Context(), "pull", "-q", "docker-archive:"+s.archive))
	b := &builder{name: buildah, workers: 2}
	archive := func(number int) string { return filepath.Join(s.dir, fmt.Sprint(number)+".tar") }
	b.build = func(number int, words []string, context string) error {
		to := "docker-archive:" + archive(number) + ":" + suiteTag("buildah", number)
		return quiet(store.Command(s.t.Context(), slices.Concat([]string{
			"bud", "-q", "--format", "docker", "--isolation", "chroot", "--network", "host", "--layers=false", "-t", to,
		}, words, []string{context})...))
	}
	b.save = func() {
		for _, path := range b.built(archive) {
			text, err := os.ReadFile(path)
			if err != nil {
				s.t.Fatal(err)
			}
			b.read(s.t, text)
		}
	}
	return b
}

// quiet runs a command; what it says is the error's.
func quiet(cmd *exec.Cmd) error {
	out, err := cmd.CombinedOutput()
	if err != nil {
		return fmt.Errorf("%w: %s", err, out)
	}
	return nil
}

// compareSuite fails the test where a peer does otherwise than differences says.
func compareSuite(t *testing.T, ours, peer *builder) {
	listed := differencesOf(t, peer.name)
	for i, d := range dockerfiles {
		if peer.images[i] == nil || listed[d.name] == sometimes {
			continue
		}
		got, said := peer.images[i].differs(ours.images[i])
		if got != listed[d.name] {
			t.Errorf("%s and %q: %q, listed as %q\n%s", peer.name, d.name, got, listed[d.name], said)
		}
	}
}

// withoutRoot takes a working directory that is the root for none: BuildKit and we write it down for images from scratch.
var withoutRoot = cmpopts.IgnoreMapEntries(func(key string, value any) bool { return key == "WorkingDir" && value == "/" })

// differs says in a word how a peer's is not as ours, "" if it is, and then tells more.
func (theirs *built) differs(ours *built) (how, said string) {
	switch {
	case theirs.err != nil && ours.err != nil:
		return "", ""
	case theirs.err != nil:
		return fails, theirs.err.Error()
	case ours.err != nil:
		return succeeds, ours.err.Error()
	}
	inConfig, inFiles := cmp.Diff(theirs.config, ours.config, withoutRoot), cmp.Diff(theirs.files, ours.files)
	switch {
	case inConfig != "" && inFiles != "":
		how = configAndFiles
	case inConfig != "":
		how = config
	case inFiles != "":
		how = files
	}
	return how, "(-theirs +ours) " + inConfig + inFiles
}
