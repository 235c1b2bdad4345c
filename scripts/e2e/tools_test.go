package e2e

import (
	"archive/tar"
	"bytes"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/imagefs/imagefs/registry/registrytest"
)

// TestPeersReadTheTrees: skopeo reads the store, skopeo and umoci read TAG/oci through the mount, and the digests agree.
func TestPeersReadTheTrees(t *testing.T) {
	need(t, "skopeo", "umoci")
	m := newMount(t)
	// skopeo finds nothing by name in a layout, and umoci unpacks nothing, of docker's own media types.
	name := strings.Replace(busybox(t), "/busybox:", "/oci-busybox:", 1)
	sh(t, "skopeo copy -q --format oci --src-tls-verify=false --dest-tls-verify=false docker://"+busybox(t)+" docker://"+name)
	m.pull(name)
	// skopeo and umoci take what follows a colon for a tag, and the names tree has one in the registry's port.
	image, err := filepath.EvalSymlinks(m.tag(name))
	if err != nil {
		t.Fatal(err)
	}
	want := strings.TrimSpace(sh(t, "skopeo inspect --tls-verify=false --format '{{.Digest}}' docker://"+name))
	for what, got := range map[string]string{
		"cat TAG/digest":             sh(t, "cat "+image+"/digest"),
		"skopeo inspect oci:TAG/oci": sh(t, "skopeo inspect --format '{{.Digest}}' oci:"+image+"/oci"),
		"skopeo inspect oci:ROOT":    sh(t, "skopeo inspect --format '{{.Digest}}' oci:"+m.root+":"+name),
		"sha256sum manifest.json":    "sha256:" + sh(t, "sha256sum < "+image+"/manifest.json | cut -d' ' -f1"),
	} {
		if strings.TrimSpace(got) != want {
			t.Errorf("%s: %s, want %s", what, strings.TrimSpace(got), want)
		}
	}
	id := strings.TrimSpace(sh(t, "sha256sum < "+image+"/config.json | cut -d' ' -f1"))
	if filepath.Base(image) != id {
		t.Errorf("the tag leads to %s; the config's digest is %s", image, id)
	}

	dir := tempDir(t)
	sh(t, "umoci unpack --image "+image+"/oci:latest "+dir+"/bundle")
	compare(t, walkTree(t, dir+"/bundle/rootfs"), walkTree(t, image+"/rootfs"))
}

// TestForeignLayout: a layout that skopeo wrote is a store.
func TestForeignLayout(t *testing.T) {
	need(t, "skopeo")
	name := busybox(t)
	root := tempDir(t) + "/layout"
	sh(t, "skopeo copy -q --src-tls-verify=false docker://"+name+" oci:"+root+":example.org/box:1")
	m := mountStore(t, root)
	m.eventually("the image is unpacked", func() bool {
		_, err := os.Stat(m.path("example.org", "box", "1", "rootfs", "bin", "busybox"))
		return err == nil
	})
	if out := sh(t, "skopeo inspect --format '{{.Digest}}' oci:"+root+":example.org/box:1; cat "+m.path("example.org", "box", "1", "digest")); strings.Count(out, strings.Fields(out)[0]) != 2 {
		t.Errorf("the digests differ: %s", out)
	}
}

// TestLayerTar: layer.tar hashes to its diffID, from the start and in pieces at any offset.
func TestLayerTar(t *testing.T) {
	m := newMount(t)
	name := debian(t)
	m.pull(name)
	layers, err := filepath.Glob(m.tag(name, "layers", "*"))
	if err != nil || len(layers) != 4 {
		t.Fatalf("layers: %q, %v", layers, err)
	}
	for _, layer := range layers {
		want := strings.TrimSpace(sh(t, "jq -r .diffID "+layer+"/layer.json"))
		if got := "sha256:" + strings.TrimSpace(sh(t, "sha256sum < "+layer+"/layer.tar | cut -d' ' -f1")); got != want {
			t.Errorf("%s/layer.tar: %s, want %s", layer, got, want)
		}
		// Backwards, in pieces of an odd size, with cold caches.
		const piece = 1<<20 + 4097
		script := fmt.Sprintf(`echo 3 > /proc/sys/vm/drop_caches; size=$(stat -Lc %%s %[1]s); i=$(( (size + %[2]d - 1) / %[2]d ))
			while [ $i -gt 0 ]; do i=$((i-1)); dd if=%[1]s bs=%[2]d skip=$i count=1 iflag=fullblock status=none | sha256sum; done`, layer+"/layer.tar", piece)
		plain := filepath.Join(tempDir(t), "tar")
		sh(t, "cp "+layer+"/layer.tar "+plain)
		if got, want := sh(t, script), sh(t, strings.ReplaceAll(script, layer+"/layer.tar", plain)); got != want {
			t.Errorf("%s/layer.tar differs when it is read in pieces", layer)
		}
	}
}

// TestCopiesCarryNothingOfOurs: our own xattrs answer, and are never listed or copied.
func TestCopiesCarryNothingOfOurs(t *testing.T) {
	need(t, "rsync", "getfattr")
	m := newMount(t)
	name := busybox(t)
	m.pull(name)
	rootfs := m.tag(name, "rootfs")
	if got := sh(t, "getfattr --only-values -n user.imagefs.created_by "+rootfs+"/www/index.html"); !strings.Contains(got, "COPY") {
		t.Errorf("created_by: %q", got)
	}
	sum := strings.Fields(sh(t, "sha256sum < "+rootfs+"/bin/busybox"))[0]
	if got := sh(t, "getfattr --only-values -n user.imagefs.sha256 "+rootfs+"/bin/busybox"); got != sum {
		t.Errorf("sha256: %q, want %q", got, sum)
	}
	dir := tempDir(t)
	for tool, command := range map[string]string{
		"cp":    "cp -a " + rootfs + "/. " + dir + "/cp",
		"rsync": "rsync -aX " + rootfs + "/ " + dir + "/rsync/",
		"tar":   "mkdir " + dir + "/tar && tar -C " + rootfs + " --xattrs --xattrs-include='*' -cf - . | tar -C " + dir + "/tar --xattrs --xattrs-include='*' -xpf -",
	} {
		sh(t, command)
		if out := sh(t, "getfattr -R -d -m - -h "+dir+"/"+tool+" 2>/dev/null | grep imagefs || true"); out != "" {
			t.Errorf("%s carried:\n%s", tool, out)
		}
	}
	compare(t, walkTree(t, dir+"/cp"), walkTree(t, rootfs))
}

// TestLookingChangesNothing: find and grep over everything reach no network, block on nothing and change nothing.
func TestLookingChangesNothing(t *testing.T) {
	need(t)
	m := newMount(t)
	s := registrytest.New(t)
	line := simple(s)
	m.pull(line)
	requests := s.Count("")
	before := published(t, m.root)
	sh(t, "timeout 60 find "+m.dir+" >/dev/null")
	sh(t, "timeout 60 grep -r . "+m.path("ctl")+" >/dev/null")
	sh(t, "timeout 60 grep -rs . "+m.path()+"/ >/dev/null")
	if n := s.Count(""); n != requests {
		t.Errorf("%d requests to the registry", n-requests)
	}
	if after := published(t, m.root); after != before {
		t.Errorf("the store changed:\n%s", after)
	}
	for _, name := range []string{"ctl/events", "ctl/jobs/1/wait", ".accesslog"} {
		if out := sh(t, "ls -a "+filepath.Dir(m.path(name))); strings.Contains(out, filepath.Base(name)+"\n") {
			t.Errorf("%s is listed, and blocks", name)
		}
		if _, err := os.Stat(m.path(name)); err != nil {
			t.Error(err)
		}
	}
}

// TestSharedInodes: what two images have from the same layers is one inode, and diff -r and du see it.
func TestSharedInodes(t *testing.T) {
	m := newMount(t)
	one, two := busybox(t), busyboxWith(t, 1<<20)
	m.pull(one)
	m.pull(two)
	a, b := m.tag(one, "rootfs"), m.tag(two, "rootfs")
	var sa, sb syscall.Stat_t
	for _, name := range []string{"www/index.html", "usr/share/doc/c", "bin/yes"} {
		if err := syscall.Lstat(filepath.Join(a, name), &sa); err != nil {
			t.Fatal(err)
		}
		if err := syscall.Lstat(filepath.Join(b, name), &sb); err != nil {
			t.Fatal(err)
		}
		if sa.Ino != sb.Ino || sa.Dev != sb.Dev {
			t.Errorf("%s: inodes %d and %d", name, sa.Ino, sb.Ino)
		}
	}
	if out, _ := shell(t, "diff -r --no-dereference "+a+" "+b); !strings.Contains(out, "Only in "+b+": noise") || strings.Count(out, "\n") != 1 {
		t.Errorf("diff -r: %s", out)
	}
}

// TestDamage flips a byte in each stored file, and reads everything: a read gives the right bytes or EIO.
func TestDamage(t *testing.T) {
	need(t, "docker-registry")
	m := newMount(t)
	large := bytes.Repeat([]byte("large and compressible\n"), 1<<20/16)
	name := push(t, imageOf(t,
		tarLayer(t, &tar.Header{Name: "etc/small", Mode: 0o644, Size: 6}, []byte("small\n")),
		tarLayer(t, &tar.Header{Name: "large", Mode: 0o644, Size: int64(len(large))}, large),
	), "demo/damage:1")
	m.pull(name)
	image := m.tag(name)
	want := contents(t, image)
	m.stop()
	var files []string
	err := filepath.WalkDir(m.root, func(path string, d fs.DirEntry, err error) error {
		if err == nil && d.Type().IsRegular() && !strings.HasSuffix(path, "/lock") && size(d) > 0 {
			files = append(files, path)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	met := 0
	for _, path := range files {
		rel, _ := filepath.Rel(m.root, path)
		switch strings.Split(rel, "/")[0] {
		case "index.json", "oci-layout", "numbers", "ingest", "events", "reserve":
			continue // texts, whose damage is told apart by the tests of package store
		}
		restore := flip(t, path)
		m.start()
		got := contents(t, image)
		for file, sum := range got {
			if sum != want[file] && sum != syscall.EIO.Error() {
				t.Errorf("with %s damaged, %s reads as %s", rel, file, sum)
			}
			if sum == syscall.EIO.Error() {
				met++
			}
		}
		m.stop()
		restore()
	}
	if met < len(files) {
		t.Errorf("%d files were damaged, and only %d reads met it", len(files), met)
	}
}

// contents maps each regular file of an image to the hash of what can be read, or to the error.
func contents(t *testing.T, image string) map[string]string {
	t.Helper()
	sums := map[string]string{}
	filepath.WalkDir(image+"/", func(path string, d fs.DirEntry, err error) error {
		name := strings.TrimPrefix(path, image)
		if err != nil {
			sums[name] = errnoOf(err)
			return nil
		}
		if d.Type().IsRegular() {
			data, err := os.ReadFile(path)
			if sums[name] = fmt.Sprintf("%d bytes, %x", len(data), hash(data)); err != nil {
				sums[name] = errnoOf(err)
			}
		}
		return nil
	})
	return sums
}

func size(d fs.DirEntry) int64 {
	info, err := d.Info()
	if err != nil {
		return 0
	}
	return info.Size()
}

// flip inverts a byte in the middle of a file, and returns what undoes it.
func flip(t *testing.T, path string) func() {
	t.Helper()
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	st, err := f.Stat()
	if err != nil {
		t.Fatal(err)
	}
	b := make([]byte, 1)
	turn := func() {
		if _, err := f.ReadAt(b, st.Size()/2); err != nil {
			t.Fatal(err)
		}
		b[0] ^= 0x10
		if _, err := f.WriteAt(b, st.Size()/2); err != nil {
			t.Fatal(err)
		}
	}
	turn()
	return func() {
		turn()
		f.Close()
	}
}

// TestUnprivileged: an ordinary user mounts, pulls and reads.
func TestUnprivileged(t *testing.T) {
	need(t, "fusermount3")
	if st, err := os.Stat("/dev/fuse"); err != nil || st.Mode().Perm()&0o006 != 0o006 {
		t.Skip("/dev/fuse is not open to ordinary users here (chmod 0666 /dev/fuse)")
	}
	s := registrytest.New(t)
	line := simple(s)
	dir := tempDir(t)
	const nobody = 65534
	if err := os.Chown(dir, nobody, nobody); err != nil {
		t.Fatal(err)
	}
	script := `set -eu; cd ` + dir + `; mkdir images run; export XDG_RUNTIME_DIR=$PWD/run IMAGEFS_ROOT=$PWD/store
		` + binary + ` mount -d images; trap '` + binary + ` umount images' EXIT
		echo ` + line + ` > images/ctl/pull; sha256sum < images/` + strings.TrimSuffix(line, ":1") + `/1/rootfs/hello; id -u`
	cmd := exec.Command("bash", "-c", script)
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: nobody, Gid: nobody}}
	cmd.Env = []string{"PATH=" + os.Getenv("PATH")}
	out, err := cmd.CombinedOutput()
	if err != nil || !strings.Contains(string(out), "65534\n") {
		t.Errorf("%v\n%s", err, out)
	}
}
