package content

import (
	"errors"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/imagefs/imagefs/store/storetest"
)

// BenchmarkArchive copies image.tar and a stored file of its size, alternately. The image is made of directories of this
// machine.
func BenchmarkArchive(b *testing.B) {
	tar, err := exec.Command("tar", "-C", "/", "-cf", "-", "usr/bin", "usr/share/doc").Output()
	if err != nil {
		b.Skip(err)
	}
	st := storetest.New(b)
	im := storetest.NewImage(b, storetest.Gzip(b, tar)).Publish(b, st, "docker.io/library/big:1")
	dir, server := mount(b, New(st, nil, b.Logf))
	shown := filepath.Join(dir, im.ID.Encoded(), "image.tar")
	info, err := os.Stat(shown)
	if err != nil {
		b.Fatal(err)
	}
	stored, to := filepath.Join(b.TempDir(), "stored"), filepath.Join(b.TempDir(), "to")
	copied := func(from string) time.Duration {
		os.Remove(to)
		start := time.Now()
		if out, err := exec.Command("cp", from, to).CombinedOutput(); err != nil {
			b.Fatalf("%v: %s", err, out)
		}
		return time.Since(start)
	}
	if err := exec.Command("cp", shown, stored).Run(); err != nil {
		b.Fatal(err)
	}
	forget := func() {
		if err := server.InodeNotify(nodeID(im.Number, imageTarFile), 0, 0); err != nil {
			b.Fatal(err)
		}
	}
	for name, prepare := range map[string]func(){
		"cached": func() {},
		"first":  forget, // what it is made of is in the page cache
		"cold":   func() { forget(); dropCached(b, stored); dropCached(b, st.Dir()) },
	} {
		b.Run(name, func(b *testing.B) {
			var ours, theirs time.Duration
			for b.Loop() {
				prepare()
				ours += copied(shown)
				theirs += copied(stored)
			}
			b.ReportMetric(float64(info.Size())*float64(b.N)/1e6/ours.Seconds(), "MB/s")
			b.ReportMetric(theirs.Seconds()/ours.Seconds(), "of-stored")
		})
	}
}

// dropCached takes files out of the page cache.
func dropCached(b *testing.B, root string) {
	err := filepath.WalkDir(root, func(path string, e fs.DirEntry, err error) error {
		if err != nil || !e.Type().IsRegular() {
			return err
		}
		f, err := os.Open(path)
		if err != nil {
			return err
		}
		defer f.Close()
		return errors.Join(f.Sync(), unix.Fadvise(int(f.Fd()), 0, 0, unix.FADV_DONTNEED))
	})
	if err != nil {
		b.Fatal(err)
	}
}
