package content

import (
	"bytes"
	"errors"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/imagefs/imagefs/fs/conn"
	"github.com/imagefs/imagefs/store"
	"github.com/imagefs/imagefs/store/storetest"
)

// mount serves f until the test ends.
func mount(t testing.TB, f *FS) (dir string, server *conn.Server) {
	t.Helper()
	dir = t.TempDir()
	o := MountOptions()
	slots, err := conn.NewSlots(4, o.MaxWrite+4096)
	if err != nil {
		t.Fatal(err)
	}
	dev, err := conn.Mount(dir, conn.MountOptions{
		FSName: "imagefs", Subtype: "imagefs-test", ReadOnly: true, AllowOther: true, MaxRead: o.MaxWrite,
	})
	if err != nil {
		t.Fatal(err)
	}
	server, err = conn.NewServer(dev, slots, f, conn.Options{Fuse: o, Workers: 4})
	if err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- server.Serve() }()
	t.Cleanup(func() {
		if err := conn.Unmount(dir, false); err != nil {
			t.Errorf("unmount: %v", err)
			conn.Unmount(dir, true)
		}
		if err := <-ended; err != nil {
			t.Errorf("serve: %v", err)
		}
		dev.Close()
		slots.Close()
	})
	return dir, server
}

// shell runs a script, with $1 and so on, and returns what it prints.
func shell(t testing.TB, script string, args ...string) string {
	t.Helper()
	cmd := exec.Command("bash", append([]string{"-euc", script, "bash"}, args...)...)
	cmd.Dir = t.TempDir()
	cmd.Env = append(os.Environ(), "LC_ALL=C.UTF-8", "TMPDIR="+cmd.Dir)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Errorf("%s\n%v: %s", script, err, stderr.Bytes())
	}
	return string(out)
}

func needs(t testing.TB, programs ...string) {
	t.Helper()
	for _, p := range programs {
		if _, err := exec.LookPath(p); err != nil {
			t.Skipf("%s is not installed", p)
		}
	}
}

func TestToolsSeeTheImage(t *testing.T) {
	needs(t, "getfattr", "getcap")
	s := stock(t)
	dir, _ := mount(t, s.fs)
	app := filepath.Join(dir, s.app.ID.Encoded())
	for script, want := range map[string]string{
		`stat -c '%a %u %g %s' $1/rootfs/etc/shadow`:                                                  "0 70000 80000 7\n",
		`stat -c '%A' $1/rootfs/bin/tool`:                                                             "-rwsr-xr-x\n",
		`stat -c '%F %t:%T' $1/rootfs/disk $1/rootfs/null`:                                            "block special file 103:11170\ncharacter special file 1:3\n",
		`TZ=UTC stat -c '%y' $1/rootfs/bin/kept`:                                                      "1960-01-02 03:04:05.000000006 +0000\n",
		`TZ=UTC stat -c '%y %a' $1 $1/digest`:                                                         strings.Repeat("2024-05-06 07:08:09.123450000 +0000 555\n", 1) + "2024-05-06 07:08:09.123450000 +0000 444\n",
		`find $1/rootfs/bin | wc -l; find $1/rootfs/bin -samefile $1/rootfs/bin/kept | wc -l`:         "6\n3\n",
		`tar --compare -f $1/layers/00-*/layer.tar -C $1/layers/00-*/diff`:                            "",
		`readlink $1/rootfs/bin/link; cat $1/rootfs/bin/link`:                                         "../etc/hostname\nbox\n",
		`cmp $1/rootfs/large $1/layers/00-*/diff/large; cat $1/rootfs/data/*`:                         "new",
		`getcap $1/rootfs/bin/tool | sed 's/.* //'`:                                                   "cap_net_raw=ep\n",
		`getfattr --only-values -n user.imagefs.layer $1/rootfs/two`:                                  "01 " + s.app.Chains[1].DiffID.String(),
		`getfattr -d -m - --absolute-names $1/rootfs/two; getfattr -d $1/rootfs/etc 2>&1 | grep user`: "user.note=\"configuration\"\n",
		`getfattr -n user.imagefs.layer $1/digest 2>&1 | sed 's/.*: //'`:                              "No such attribute\n",
		`cd $1/../${1: -64:12}; cat digest`:                                                           s.app.Manifest.Digest.String() + "\n",
		`touch $1/x 2>&1 | sed 's/.*: //'; lsattr $1/digest 2>&1 | cut -c1-8`:                         "Read-only file system\nlsattr: \n",
		`stat -f -c '%b %c' $1 | grep -c '^[1-9][0-9]* [1-9]'`:                                        "1\n",
		`for f in bin/tool etc/hostname; do [ -x $1/rootfs/$f ] && echo $f; done; true`:               "bin/tool\n",
	} {
		diff(t, script, shell(t, script, app), want)
	}
	if len(s.log.lines) > 0 {
		t.Errorf("log: %q", s.log.lines)
	}
}

// TestCopiesCarryNothingOfOurs copies a rootfs with what keeps xattrs.
func TestCopiesCarryNothingOfOurs(t *testing.T) {
	needs(t, "getfattr", "rsync", "tar")
	s := stock(t)
	dir, _ := mount(t, s.fs)
	rootfs := filepath.Join(dir, s.app.ID.Encoded(), "rootfs")
	for _, script := range []string{
		`cp -a $1 copy`,
		`rsync -aXH $1/ copy`,
		`mkdir copy; tar --xattrs --xattrs-include='*' -C $1 -cf - . | tar --xattrs --xattrs-include='*' -C copy -xf -`,
	} {
		got := shell(t, script+`
			diff -r --no-dereference --exclude null --exclude disk --exclude run.pipe $1 copy
			getfattr -R -h -d -m - copy | grep -v -e '^#' -e '^$'`, rootfs)
		want := []string{`user.note="configuration"`}
		if os.Geteuid() == 0 {
			want = append(want, "security.capability=0sAQAAAgAgAAAAAAAAAAAAAAAAAAA=")
		}
		for _, line := range strings.Fields(got) {
			if !strings.Contains(strings.Join(want, "\n"), line) {
				t.Errorf("%s\ncarries %s", script, line)
			}
		}
		if len(strings.Fields(got)) != len(want) {
			t.Errorf("%s\ncarries %q, not %q", script, got, want)
		}
	}
}

func TestOthersReadTheLayout(t *testing.T) {
	needs(t, "skopeo", "umoci")
	s := stock(t)
	dir, _ := mount(t, s.fs)
	oci := filepath.Join(dir, s.app.ID.Encoded(), "oci")
	script := `skopeo inspect --format '{{.Digest}}' oci:$1
		skopeo inspect --format '{{.Digest}}' oci:$1:latest
		umoci stat --image $1 >/dev/null
		umoci unpack --rootless --image $1:latest bundle 2>/dev/null
		diff $1/../rootfs/bin/kept bundle/rootfs/bin/third
		skopeo copy -q oci:$1 oci:copy
		diff -r $1/blobs copy/blobs`
	want := s.app.Manifest.Digest.String() + "\n"
	diff(t, "skopeo", shell(t, script, oci), want+want)
}

// TestKernelForgetsWhatChanged lists and reads before and after a pull and a tag.
func TestKernelForgetsWhatChanged(t *testing.T) {
	s := stock(t)
	dir, server := mount(t, s.fs)
	inspect := filepath.Join(dir, s.app.ID.Encoded(), "inspect.json")
	before := s.store.Snapshot()
	if got := names(t, dir); len(got) != 3 {
		t.Errorf("the root lists %q", got)
	}
	if data, err := os.ReadFile(inspect); err != nil || strings.Contains(string(data), "renamed") {
		t.Errorf("inspect.json: %v, %s", err, data)
	}
	tag := store.Publication{Name: "docker.io/library/renamed:1", Target: s.app.Manifest}
	tag.Manifests = append(tag.Manifests, s.app.Manifest)
	if _, err := s.store.Publish(t.Context(), tag); err != nil {
		t.Fatal(err)
	}
	image := storetest.NewImage(t, baseLayer(t))
	fresh := filepath.Join(dir, image.ID.Encoded(), "digest")
	if _, err := os.Stat(fresh); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("before the pull: %v", err)
	}
	image.Publish(t, s.store, "docker.io/library/fresh:1")
	if _, err := os.Stat(fresh); err != nil {
		t.Error(err)
	}
	s.fs.Changed(server, before, s.store.Snapshot())
	if got := names(t, dir); len(got) != 4 {
		t.Errorf("the root lists %q", got)
	}
	data, err := os.ReadFile(inspect)
	if err != nil || !strings.Contains(string(data), "renamed") || !strings.HasSuffix(string(data), "]\n") {
		t.Errorf("inspect.json: %v, %s", err, data)
	}
}

func names(t testing.TB, dir string) (all []string) {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		all = append(all, e.Name())
	}
	return all
}
