package container

import (
	"archive/tar"
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/imagefs/imagefs/store/storetest"
)

// base has something of each kind.
const base = `
	mkdir -p etc bin dir/sub/deep gone/below old
	echo conf > etc/conf; echo keep > etc/keep; echo two > etc/two; chmod 600 etc/two
	echo tool > bin/tool; chmod 4755 bin/tool; ln bin/tool bin/same; ln -s tool bin/link
	echo a > dir/a; echo b > dir/sub/b; echo c > dir/sub/deep/c; echo x > gone/below/x; echo y > old/y; echo z > old/z
	find . -exec touch -h -d '2020-01-02 03:04:05.678901234' {} +`

// edits are what is done in a container, and what docker's diff says of it.
var edits = []struct{ name, script, want string }{
	{"nothing", "cat etc/conf >/dev/null; ls -lR . >/dev/null", ""},
	{"change", "echo more >> etc/conf", "C /etc\nC /etc/conf"},
	{"add", "echo new > etc/new; mkdir -p a/b; echo n > a/b/n", "A /a\nA /a/b\nA /a/b/n\nC /etc\nA /etc/new"},
	{"delete", "rm etc/conf; rm -r gone", "C /etc\nD /etc/conf\nD /gone"},
	{"mode", "chmod 700 dir; chmod 644 etc/two", "C /dir\nC /etc\nC /etc/two"},
	{"times of a directory", "touch dir; touch -d 2020-01-02 dir/sub", ""},
	{"time of a file", "touch dir/a", "C /dir\nC /dir/a"},
	{"replace a directory", "rm -r old; mkdir old; echo y2 > old/y; echo w > old/w", "C /old\nA /old/w\nC /old/y\nD /old/z"},
	{"a directory becomes a file", "rm -r dir; echo file > dir", "C /dir"},
	{"a file becomes a directory", "rm etc/conf; mkdir etc/conf; echo x > etc/conf/x", "C /etc\nC /etc/conf\nA /etc/conf/x"},
	{"a link becomes a file", "rm bin/link; echo x > bin/link", "C /bin\nC /bin/link"},
	{"move", "mv etc/conf etc/moved; mv dir/sub moved", "C /dir\nD /dir/sub\nC /etc\nD /etc/conf\nA /etc/moved\nA /moved\nA /moved/b\nA /moved/deep\nA /moved/deep/c"},
	{"added and removed", "echo x > x; rm x; mkdir d; rmdir d", ""},
	{"link to what was there", "ln etc/conf etc/hard", "C /etc\nA /etc/hard"},
	{"special files", "mkfifo fifo; mknod null c 1 3; mknod disk b 7 300; ln -s /etc/conf abs", "A /abs\nA /disk\nA /fifo\nA /null"},
	{"capability", "setcap cap_net_raw+ep bin/tool", "C /bin\nC /bin/tool"},
	{"xattr", "setfattr -n user.a -v b etc/keep; setfattr -n user.dir -v d etc", ""},
	{"owner", "chown 70000:80000 etc/two; chown -h 1:2 bin/link", "C /bin\nC /bin/link\nC /etc\nC /etc/two"},
	{"odd names", "echo 1 > $'new\\nline'; echo 2 > " + `"$(printf 'latin\351')"` + "; echo 3 > " + longName, "A /latin\xe9\nA /new\nline\nA /" + longName},
}

var longName = strings.Repeat("x", 200)

func TestChanges(t *testing.T) {
	img := newImage(t, base)
	for _, edit := range edits {
		t.Run(edit.name, func(t *testing.T) {
			c := img.mounted(strings.ReplaceAll(edit.name, " ", "-"))
			sh(t, c.Rootfs(), edit.script)
			if diff := cmp.Diff(edit.want, img.changes(c)); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// TestLayer has umoci put layers over the base, and compares what that gives with what the container showed.
func TestLayer(t *testing.T) {
	if _, err := exec.LookPath("umoci"); err != nil {
		t.Skip("umoci is not installed")
	}
	img := newImage(t, base)
	for i, group := range []string{
		"link-to-what-was-there capability xattr owner odd-names add delete mode",
		"replace-a-directory a-directory-becomes-a-file a-file-becomes-a-directory a-link-becomes-a-file",
		"move special-files",
	} {
		c := img.mounted(fmt.Sprint("layer", i))
		for _, name := range strings.Fields(group) {
			for _, edit := range edits {
				if strings.ReplaceAll(edit.name, " ", "-") == name {
					sh(t, c.Rootfs(), edit.script)
				}
			}
		}
		if diff := cmp.Diff(walk(t, c.Rootfs()), walk(t, unpack(t, img, layerOf(t, c)))); diff != "" {
			t.Error(group, diff)
		}
	}
}

// walk tells of each file but the root what find and getfattr do, times to the second: umoci keeps no more.
func walk(t *testing.T, dir string) []string {
	t.Helper()
	text := sh(t, dir, `
		find . -mindepth 1 ! -type s -printf '%p %y %m %U %G %Ts %l\0' | sed -z 's/\n/\\n/g' | tr '\0' '\n' | sort
		find . -type f -exec md5sum {} + | sort
		find . -mindepth 1 -exec stat -c '%n %t %T %h' {} + | grep -v -e '^[^ ]* 0 0 [0-9]*$' | sort || true
		getfattr -R -h -d -m '^(user\.|security\.capability)' . 2>/dev/null | sort`)
	return strings.Split(text, "\n")
}

// unpack has umoci unpack the base and a layer above it.
func unpack(t *testing.T, img *image, layer []byte) (rootfs string) {
	t.Helper()
	dir := t.TempDir()
	s := storetest.Open(t, filepath.Join(dir, "layout"))
	storetest.NewImage(t, img.layer, storetest.Tar(layer)).Publish(t, s, "docker.io/library/x:1")
	sh(t, dir, "umoci unpack --image layout:docker.io/library/x:1 bundle 2>&1 || umoci unpack --image layout:x bundle")
	return filepath.Join(dir, "bundle", "rootfs")
}

func TestLayerIsDeterministic(t *testing.T) {
	img := newImage(t, base)
	c := img.mounted("web")
	sh(t, c.Rootfs(), "rm -r gone old; mkdir old; echo new > old/new; ln old/new old/again; for i in $(seq 100); do echo $i > dir/$i; done")
	one := layerOf(t, c)
	if !bytes.Equal(one, layerOf(t, c)) {
		t.Error("two layers of one upper directory differ")
	}
	names := sh(t, "/", "tar -tf $1 | sed 's/^dir.*/dir/' | uniq", write(t, one))
	if want := "dir\n.wh.gone\nold/\nold/.wh..wh..opq\nold/again\nold/new\n"; names != want {
		t.Errorf("got %q", names)
	}
}

func write(t *testing.T, data []byte) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(path, data, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// TestLayerCarries looks at what umoci does not keep, and at what must not be there.
func TestLayerCarries(t *testing.T) {
	img := newImage(t, base)
	c := img.mounted("web")
	sh(t, c.Rootfs(), `
		echo x > file; touch -d '2021-02-03 04:05:06.123456789' file
		setfattr -n user.a -v b file; setfattr -n trusted.t -v u file; setfattr -n user.overlay.opaque -v y dir
		python3 -c 'import socket; socket.socket(socket.AF_UNIX).bind("socket")' 2>/dev/null || true
		rm bin/tool bin/same bin/link`)
	all := headers(t, layerOf(t, c))
	file := all["file"]
	if file == nil || file.ModTime.Nanosecond() != 123456789 || file.Uname != "" {
		t.Errorf("file: %+v", file)
	}
	var kept []string
	for _, h := range all {
		for key := range h.PAXRecords {
			if strings.HasPrefix(key, "SCHILY.xattr.") {
				kept = append(kept, h.Name+" "+key)
			}
		}
	}
	slices.Sort(kept)
	if diff := cmp.Diff([]string{"file SCHILY.xattr.trusted.t", "file SCHILY.xattr.user.a"}, kept); diff != "" {
		t.Error(diff)
	}
	if all["socket"] != nil || all["dir/.wh..wh..opq"] != nil {
		t.Error("a socket, or a mark that overlayfs did not make, is in the layer")
	}
	for _, name := range []string{"bin/.wh.tool", "bin/.wh.same", "bin/.wh.link"} { // one inode, as overlayfs has it
		if h := all[name]; h == nil || h.Typeflag != tar.TypeReg || h.Size != 0 {
			t.Errorf("%s: %+v", name, h)
		}
	}
}

func TestLayerFails(t *testing.T) {
	img := newImage(t, base)
	c := img.create("web")
	sh(t, c.upper(), "mkdir dir; echo x > dir/.wh.x")
	var name *NameError
	if err := c.WriteLayer(t.Context(), new(bytes.Buffer)); !errors.As(err, &name) || name.Path != "/dir/.wh.x" {
		t.Errorf("%v", err)
	}
}

// TestUserNamespace runs other tests where trusted.* attributes are out of reach.
func TestUserNamespace(t *testing.T) {
	if err := exec.Command("unshare", "-Urm", "true").Run(); err != nil {
		t.Skip("no user namespaces: ", err)
	}
	const tests = "^Test(Mount|Changes|LayerIsDeterministic)$/^(change|delete|replace_a_directory|a_directory_becomes_a_file|move|)$"
	out, err := exec.Command("unshare", "-Urm", os.Args[0], "-test.run", tests, "-test.v").CombinedOutput()
	if err != nil || bytes.Contains(out, []byte("--- SKIP")) || !bytes.Contains(out, []byte("--- PASS: TestChanges/move")) {
		t.Errorf("%v: %s", err, out)
	}
}
