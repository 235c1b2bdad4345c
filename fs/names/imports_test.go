package names

import (
	"strings"
	"testing"

	"github.com/hanwen/go-fuse/v2/fuse"
	"golang.org/x/sys/unix"
)

func TestImports(t *testing.T) {
	m := mount(t)
	for _, c := range []struct{ script, output string }{
		{"echo good one > /tmp/imports-$$; cp /tmp/imports-$$ imports/a && echo yes; rm /tmp/imports-$$; ls imports", "yes\n"},
		{"cat ctl/jobs/1/{command,status,result}", "load \"imports/a\"\ndone\nLoaded image: good one\n"},
		{"(echo good; head -c 3000000 /dev/zero) | cat > imports/b && echo yes", "yes\n"},
		{"echo bad | dd of=imports/c status=none", "dd: closing output file 'imports/c': Invalid argument\nexit status 1\n"},
		{"(echo bad; head -c 3000000 /dev/zero) | dd of=imports/d bs=64k iflag=fullblock status=none 2>&1 | cut -d: -f1-2", "dd: error writing 'imports/d'\ndd: closing output file 'imports/d'\n"},
		{"cp -r ctl/jobs imports/x 2>&1 | head -1", "cp: cannot create directory 'imports/x': Operation not permitted\n"},
		{"echo good >imports/e & echo good > imports/f & wait; ls imports ctl/jobs | wc -l", "10\n"},
		{"echo x > exports/y", "bash: line 1: exports/y: Operation not permitted\nexit status 1\n"},
		{"cp README.md search/y", "cp: cannot create regular file 'search/y': Permission denied\nexit status 1\n"},
	} {
		m.want(c.script, c.output)
	}
	if log := m.sh("cat ctl/errors"); !strings.Contains(log, "load: error: not an archive\n  Command: \"imports/c\"\n") {
		t.Error(log)
	}
}

func TestExports(t *testing.T) {
	m := mount(t)
	for _, c := range []struct{ script, output string }{
		{"echo a.tar alpine > ctl/save; echo a.tgz alpine > ctl/save; ls exports", "a.tar\na.tgz\n"},
		{"test $(stat -c %s exports/a.tar) = $(cat exports/a.tar | wc -c) && tar -tf exports/a.tar | grep manifest", "manifest.json\n"},
		{"gunzip < exports/a.tgz | cmp - exports/a.tar && cmp <(tail -c 2000 exports/a.tar) <(cat exports/a.tar | tail -c 2000)", ""},
		{"stat -c %A exports/*; test exports/a.tar -nt images && echo new", "-r--r--r--\n-r--r--r--\nnew\n"},
		{"exec 3<exports/a.tar; rm exports/a.tar; ls exports; tar -t <&3 | grep manifest", "a.tgz\nmanifest.json\n"},
		{"echo b.tar nope > ctl/save; ls exports", "bash: line 1: echo: write error: No such file or directory\na.tgz\n"},
		{"mv exports/a.tgz exports/b", "mv: cannot move 'exports/a.tgz' to 'exports/b': Operation not permitted\nexit status 1\n"},
	} {
		m.want(c.script, c.output)
	}
}

// TestBrokenImport kills a server while an archive is written.
func TestBrokenImport(t *testing.T) {
	s := newSuccession(t)
	create := func(unique uint64, name string) (uint64, string) {
		var out fuse.CreateOut
		in := &fuse.CreateIn{InHeader: fuse.InHeader{NodeId: s.node("imports"), Unique: unique}}
		code := s.Create(make(chan struct{}), in, name, &out)
		return out.NodeId, code.String()
	}
	flush := func(node, handle uint64) string {
		return s.Flush(make(chan struct{}), &fuse.FlushIn{InHeader: fuse.InHeader{NodeId: node, Unique: 90}, Fh: handle}).String()
	}
	whole, code := create(10, "whole")
	s.want(code, "OK")
	s.want(s.write(whole, 10, 12, "good\n"), "5 OK")
	s.want(flush(whole, 10), "OK")
	half, code := create(20, "half")
	s.want(code, "OK")
	s.want(s.write(half, 20, 22, "goo"), "3 OK")
	s.next()
	s.want(s.write(half, 20, 24, "d\n"), "0 "+fuse.Status(unix.EIO).String())
	s.want(flush(half, 20), fuse.Status(unix.EIO).String())
	s.want(flush(whole, 10), "OK")
	_, code = create(20, "half")
	s.want(code, fuse.Status(unix.EIO).String())
	s.want(s.read(s.node("ctl/jobs/2/result"), 30, 32), "error: the server ended while the archive was written\n")
}

func TestSearchFiles(t *testing.T) {
	m := mount(t)
	m.want("ls -A search; find search; stat -c '%F %s' search/busybox search/localhost:5000 search/localhost:5000/x", "search\n"+
		"regular empty file 0\ndirectory 0\nregular empty file 0\n")
	m.sh("grep -r x search; ls -lR search; test -e search/.git")
	if changes := m.engine.changed(); len(changes) > 0 {
		t.Error(changes)
	}
	m.want("cat search/busybox", "cat: search/busybox: No route to host\nexit status 1\n")
	m.want("cat search/localhost:5000/x", "cat: 'search/localhost:5000/x': No route to host\nexit status 1\n")
	if got := strings.Join(m.engine.changed(), ","); got != "search busybox,search localhost:5000/x" {
		t.Error(got)
	}
}

// TestPaths loads what the writer of a line names.
func TestLinePaths(t *testing.T) {
	m := mount(t)
	dir := t.TempDir()
	invalid := "bash: line 1: echo: write error: Invalid argument\nexit status 1\n"
	for _, c := range []struct{ script, output string }{
		{"echo good > x.tar; exec 3<>$M/ctl/load; echo x.tar >&3; cat <&3", "Loaded image: good\n"},
		{"mkdir oci; exec 3<>$M/ctl/load; echo -i oci >&3; cat <&3", "Loaded a directory\n"},
		{"exec 3<>$M/ctl/import; echo \"-m 'a b' -c 'CMD x' -c 'ENV y' $PWD/x.tar web:v1\" >&3; cat <&3",
			"{Source:<nil> From: Ref:web:v1 Changes:[CMD x ENV y] Message:a b Platform:} \"good\\n\"\n"},
		{"mkfifo fifo; echo fifo > $M/ctl/load", invalid},
		{"echo /dev/null > $M/ctl/load", invalid},
		{"echo oci > $M/ctl/import", invalid},
		{"echo $M/README.md > $M/ctl/load", invalid},
		{"echo nope > $M/ctl/load", "bash: line 1: echo: write error: No such file or directory\nexit status 1\n"},
		{"bash -c 'echo -d x.tar > $M/ctl/load'; cat $M/ctl/jobs/latest/wait", "Loaded image: good\n"},
	} {
		m.want("M=$PWD; export M; cd "+dir+"; "+c.script, c.output)
	}
}
