package conn

import (
	"os/exec"
	"slices"
	"testing"
	"time"

	"github.com/hanwen/go-fuse/v2/fuse"
)

// benchToy is a toy of 10,000 files whose content costs nothing to make.
type benchToy struct {
	*toy
	bytes []byte
}

func newBenchToy() benchToy {
	f := newToy()
	f.cached, f.dirs, f.files, f.size = true, 50, 200, 60_000
	return benchToy{f, make([]byte, f.size)}
}

func (f benchToy) Init(*fuse.Server) {}

func (f benchToy) Read(_ <-chan struct{}, in *fuse.ReadIn, buf []byte) (fuse.ReadResult, fuse.Status) {
	n := 0
	if in.Offset < uint64(len(f.bytes)) {
		n = copy(buf, f.bytes[in.Offset:])
	}
	return fuse.ReadResultData(buf[:n]), fuse.OK
}

// BenchmarkColdTar reads a mount that the kernel knows nothing of yet, by this package and by go-fuse's own server, in
// turn. Its ratio is this package's median time over go-fuse's.
func BenchmarkColdTar(b *testing.B) {
	var ours, theirs []float64
	for b.Loop() {
		ours = append(ours, timed(func() { benchConn(b, b.TempDir()) }))
		theirs = append(theirs, timed(func() { benchGoFuse(b, b.TempDir()) }))
	}
	slices.Sort(ours)
	slices.Sort(theirs)
	b.ReportMetric(ours[len(ours)/2], "s/conn")
	b.ReportMetric(theirs[len(theirs)/2], "s/go-fuse")
	b.ReportMetric(ours[len(ours)/2]/theirs[len(theirs)/2], "ratio")
}

func timed(f func()) float64 {
	start := time.Now()
	f()
	return time.Since(start).Seconds()
}

func benchConn(b *testing.B, dir string) {
	dev, err := Mount(dir, MountOptions{FSName: fsName, Subtype: "toy", ReadOnly: true, MaxRead: 128 << 10})
	if err != nil {
		b.Fatal(err)
	}
	defer dev.Close()
	slots, err := NewSlots(4, 132<<10)
	if err != nil {
		b.Fatal(err)
	}
	defer slots.Close()
	s, err := NewServer(dev, slots, newBenchToy(), Options{Fuse: benchOptions(), Workers: 4})
	if err != nil {
		b.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- s.Serve() }()
	tar(b, dir)
	Unmount(dir, true)
	if err := <-ended; err != nil {
		b.Error(err)
	}
}

func benchGoFuse(b *testing.B, dir string) {
	o := benchOptions()
	o.FsName, o.Options, o.DirectMount = fsName, []string{"ro"}, true
	s, err := fuse.NewServer(newBenchToy(), dir, o)
	if err != nil {
		b.Fatal(err)
	}
	go s.Serve()
	tar(b, dir)
	if err := s.Unmount(); err != nil {
		b.Error(err)
	}
}

func benchOptions() *fuse.MountOptions {
	return &fuse.MountOptions{MaxWrite: 128 << 10, IgnoreSecurityLabels: true}
}

func tar(b *testing.B, dir string) {
	if out, err := exec.Command("sh", "-c", `tar -cf - -C "$0" . | cat > /dev/null`, dir).CombinedOutput(); err != nil {
		b.Errorf("%v: %s", err, out)
	}
}
