package names

import (
	"strings"
	"testing"

	"github.com/hanwen/go-fuse/v2/fuse"
	"golang.org/x/sys/unix"
)

// TestTagByHand types what ln, mv, rm, mkdir and find do to tags.
func TestTagByHand(t *testing.T) {
	m := mount(t)
	alpine, golang := idOf(t, "alpine"), idOf(t, "golang")
	const repo = "docker.io/library/alpine"
	denied := "Operation not permitted\nexit status 1\n"
	for _, c := range []struct{ script, output, change string }{
		{"cd " + repo + "; ln -s 3.19 new; readlink new", "../../../by-id/" + alpine + "\n",
			"tag docker.io/library/alpine:3.19 docker.io/library/alpine:new"},
		{"ln -s ../golang/1.12 " + repo + "/go; readlink alpine:go " + repo + "/go", repo + "/go\n../../../by-id/" + golang + "\n",
			"tag docker.io/library/golang:1.12 docker.io/library/alpine:go"},
		{"ln -sfn ../golang/1.12 " + repo + "/new; readlink " + repo + "/new; ls " + repo, "../../../by-id/" + golang + "\n" +
			"3.19\n3.19@linux-arm-v7\ngo\nlatest\nnew\nstable\n",
			"tag docker.io/library/golang:1.12 docker.io/library/alpine:new"},
		{"ln -s by-id/" + golang[:12] + " " + repo + "/id", "", "tag sha256:" + golang + " docker.io/library/alpine:id"},
		{"ln -s ../../../by-id/" + golang + " " + repo + "/id2", "", "tag sha256:" + golang + " docker.io/library/alpine:id2"},
		{"ln -s $PWD/myuser/app:1 " + repo + "/abs", "", "tag docker.io/myuser/app:1 docker.io/library/alpine:abs"},
		{"ln -s /run/imagefs/test/" + golang + " " + repo + "/abs2", "", "tag sha256:" + golang + " docker.io/library/alpine:abs2"},
		{"ln -s golang:1.12 " + repo + "/ref", "", "tag docker.io/library/golang:1.12 docker.io/library/alpine:ref"},
		{"ln -s 3.19@linux-arm-v7 " + repo + "/arm", "", "tag sha256:" + idOf(t, "arm") + " docker.io/library/alpine:arm"},
		{"ln -s golang:1.12 web:v1; readlink web:v1", "docker.io/library/web/v1\n", "tag docker.io/library/golang:1.12 docker.io/library/web:v1"},
		{"ln -s nothing " + repo + "/x", "ln: failed to create symbolic link '" + repo + "/x': No such file or directory\nexit status 1\n", ""},
		{"ln -sfn nothing " + repo + "/new", "ln: failed to create symbolic link '" + repo + "/new': No such file or directory\nexit status 1\n", "*"},
		{"ln -s 3.19 " + repo + "/-x", "ln: failed to create symbolic link '" + repo + "/-x': Invalid argument\nexit status 1\n", ""},
		{"ln -s alpine:3.19 docker.io/library/x", "ln: failed to create symbolic link 'docker.io/library/x': Invalid argument\nexit status 1\n", ""},
		{"ln -s alpine:3.19 dangling/x", "ln: failed to create symbolic link 'dangling/x': " + denied, ""},
		{"cd " + repo + "; mv go went; readlink went; test -e go || echo no; mv went new; readlink new; ls", "../../../by-id/" + golang + "\nno\n" +
			"../../../by-id/" + golang + "\n3.19\n3.19@linux-arm-v7\nabs\nabs2\narm\nid\nid2\nlatest\nnew\nref\nstable\n",
			"move docker.io/library/alpine:went docker.io/library/alpine:new"},
		{"mv " + repo + "/new localhost:5000/a/b/c/y; readlink localhost:5000/a/b/c/y; ls localhost:5000/a/b/c", "../../../../by-id/" + golang + "\nx\ny\n",
			"move docker.io/library/alpine:new localhost:5000/a/b/c:y"},
		{"mv -n localhost:5000/a/b/c/y localhost:5000/a/b/c/x; ls localhost:5000/a/b/c", "x\ny\n", ""},
		{"mv arm:1 x:2; mv docker.io/library/web:v1 arm:1; ls -d docker.io/library/{web,arm}/*; mv arm:1 web:v1", "mv: cannot stat 'arm:1': No such file or directory\n" +
			"ls: cannot access 'docker.io/library/web/*': No such file or directory\ndocker.io/library/arm/1\n", "move docker.io/library/arm:1 docker.io/library/web:v1"},
		{"mv docker.io x", "mv: cannot move 'docker.io' to 'x': " + denied, ""},
		{"mkdir -p reg.example/a/b; ls -d reg.example/*/*; ln -s alpine:3.19 reg.example/a/b/1; readlink reg.example/a/b/1", "reg.example/a/b\n../../../by-id/" + alpine + "\n",
			"tag docker.io/library/alpine:3.19 reg.example/a/b:1"},
		{"rmdir reg.example/a", "rmdir: failed to remove 'reg.example/a': Directory not empty\nexit status 1\n", ""},
		{"rm -r reg.example; ls -d reg*", "ls: cannot access 'reg*': No such file or directory\nexit status 2\n", "untag reg.example/a/b:1"},
		{"mkdir x reg.example/UP", "mkdir: cannot create directory 'x': Invalid argument\n" +
			"mkdir: cannot create directory 'reg.example/UP': No such file or directory\nexit status 1\n", ""},
		{"mkdir dangling/x", "mkdir: cannot create directory 'dangling/x': " + denied, ""},
		{"rmdir dangling", "rmdir: failed to remove 'dangling': " + denied, ""},
		{"rmdir quay.io/only quay.io; ls -d quay*", "ls: cannot access 'quay*': No such file or directory\nexit status 2\n", ""},
		{"rm alpine:stable; ls " + repo, "3.19\n3.19@linux-arm-v7\nabs\nabs2\narm\nid\nid2\nlatest\nref\n", "untag docker.io/library/alpine:stable"},
		{"rm " + repo + "/3.19*; ls " + repo, "abs\nabs2\narm\nid\nid2\nlatest\nref\n", "untag docker.io/library/alpine:3.19"},
		{"rm myuser/app:1 golang:1.12; rm -r docker.io/library/alpine; ls docker.io/*; ls dangling | wc -l",
			"docker.io/library:\narm\ngolang\nweb\n\ndocker.io/myuser:\napp\n2\n", "*"},
		{"rm README.md", "rm: cannot remove 'README.md': " + denied, ""},
		{"mv dangling/" + idOf(t, "dangling") + " docker.io/library/golang/found; ls docker.io/library/golang", "found\n",
			"tag sha256:" + idOf(t, "dangling") + " docker.io/library/golang:found"},
		{"rm dangling/*; ls dangling", "", "remove {Refs:[sha256:" + idOf(t, "bydig") + "] Force:false Again:false}"},
		{"find localhost:5000 -type l -delete; find localhost:5000", "localhost:5000\nlocalhost:5000/a\nlocalhost:5000/a/b\nlocalhost:5000/a/b/c\n", "*"},
	} {
		before := len(m.engine.changed())
		m.want(c.script, c.output)
		changes := m.engine.changed()[before:]
		switch {
		case c.change == "*":
		case c.change == "" && len(changes) > 0, c.change != "" && (len(changes) == 0 || changes[len(changes)-1] != c.change):
			t.Errorf("%s: %q", c.script, changes)
		}
	}
	log := m.sh("cat ctl/errors")
	for _, words := range []string{
		"] symlink: error: No such image: nothing\n  Command: nothing " + repo + "/x\n           ^\n  Errno: ENOENT\n",
		"] symlink: error: invalid tag format\n  Command: 3.19 " + repo + "/-x\n",
	} {
		if !strings.Contains(log, words) {
			t.Errorf("ctl/errors lacks\n%s\nin\n%s", words, log)
		}
	}
	for _, change := range m.engine.changed() {
		if strings.Contains(change, ":Cu") {
			t.Errorf("a temporary name was a tag: %s", change)
		}
	}
}

// TestOthersChangeNothing has another user try.
func TestOthersChangeNothing(t *testing.T) {
	m := mount(t)
	m.sh("chmod 755 .")
	as := "setpriv --reuid=65534 --regid=65534 --clear-groups "
	for _, script := range []string{
		"ln -s alpine docker.io/library/alpine/x", "rm -f docker.io/library/alpine/3.19", "mkdir reg.example",
		"mv docker.io/library/alpine/3.19 docker.io/library/alpine/4", "rmdir quay.io/only", "cp /etc/passwd imports/x",
		"cat search/x",
	} {
		if got := m.sh(as + script); !strings.Contains(got, "Permission denied\n") {
			t.Errorf("%s: %s", script, got)
		}
	}
	if changes := m.engine.changed(); len(changes) > 0 {
		t.Error(changes)
	}
}

// changeAgain is how a kernel asks for changes.
func (s *succession) symlink(dir string, unique uint64, target, name string) string {
	var out fuse.EntryOut
	return s.Symlink(make(chan struct{}), &fuse.InHeader{NodeId: s.node(dir), Unique: unique}, target, name, &out).String()
}

func (s *succession) unlink(dir string, unique uint64, name string) string {
	return s.Unlink(make(chan struct{}), &fuse.InHeader{NodeId: s.node(dir), Unique: unique}, name).String()
}

func (s *succession) rename(from, to string, unique uint64, oldName, newName string) string {
	in := &fuse.RenameIn{InHeader: fuse.InHeader{NodeId: s.node(from), Unique: unique}, Newdir: s.node(to), Flags: unix.RENAME_NOREPLACE}
	return s.Rename(make(chan struct{}), in, oldName, newName).String()
}

func (s *succession) mkdir(dir string, unique uint64, name string) string {
	var out fuse.EntryOut
	in := &fuse.MkdirIn{InHeader: fuse.InHeader{NodeId: s.node(dir), Unique: unique}}
	return s.Mkdir(make(chan struct{}), in, name, &out).String()
}

func (s *succession) rmdir(dir string, unique uint64, name string) string {
	return s.Rmdir(make(chan struct{}), &fuse.InHeader{NodeId: s.node(dir), Unique: unique}, name).String()
}

// TestChangedAgain answers each request by two servers. The second finds it done.
func TestChangedAgain(t *testing.T) {
	s := newSuccession(t)
	const repo, other = "docker.io/library/alpine", "docker.io/library/golang"
	for _, request := range []func() string{
		func() string { return s.symlink(repo, 10, "3.19", "new") },
		func() string { return s.rename(repo, other, 12, "new", "newer") },
		func() string { return s.unlink(other, 14, "newer") },
		func() string { return s.symlink(repo, 16, "3.19", "CuXy12zZ") },
		func() string { return s.rename(repo, repo, 18, "CuXy12zZ", "linked") },
		func() string { return s.unlink(repo, 20, "3.19@linux-arm-v7") },
		func() string { return s.unlink("dangling", 22, idOf(t, "dangling")) },
		func() string { return s.mkdir("docker.io", 24, "made") },
		func() string { return s.rmdir("docker.io", 26, "made") },
	} {
		s.want(request(), "OK")
		s.next()
		s.want(request(), "OK")
	}
	s.want(s.unlink(other, 28, "newer"), "2=no such file or directory")
	s.want(s.symlink(repo, 30, "3.19", "latest"), "17=file exists")
	s.want(s.rename(repo, repo, 32, "nope", "x"), "2=no such file or directory")
	s.want(s.rename(repo, repo, 34, "latest", "stable"), "17=file exists")
	if changes := s.engine.changed(); len(changes) > 2*9 {
		t.Error(changes)
	}
	s.config.Connection = "2"
	s.next()
	if _, err := s.lstat(repo + "/3.19@linux-arm-v7"); err != nil {
		t.Error(err)
	}
}
