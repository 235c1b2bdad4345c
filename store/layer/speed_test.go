package layer_test

import (
	"fmt"
	"io"
	"math"
	"math/rand/v2"
	"runtime"
	"sync"
	"testing"

	"github.com/imagefs/imagefs/store/layer"
	"github.com/imagefs/imagefs/store/layer/layertest"
)

func TestNoAllocation(t *testing.T) {
	b := everything(t)
	forms(t, b, func(t *testing.T, l *layer.Layer) {
		files := entries(t, l)
		p := make([]byte, 128<<10)
		calls := map[string]func() error{
			"Attr": func() error { _, err := l.Attr(files["etc/small"]); return err },
			"Type": func() error { _, err := l.Type(files["etc/small"]); return err },
		}
		for _, name := range []string{"etc/small", "etc/blocks", "lib/large", "var/sparse"} {
			calls["ReadAt of "+name] = func() error { return notEOF(l.ReadAt(files[name], p, 5)) }
		}
		calls["ReadTarAt"] = func() error { return notEOF(l.ReadTarAt(p, 12345)) }
		for name, call := range calls {
			if n := fewestAllocations(t, call); n > 0 {
				t.Errorf("%s allocates %v times", name, n)
			}
		}
	})
}

// fewestAllocations is the least of several runs: the pool of scratch blocks may lose one now and then.
func fewestAllocations(t *testing.T, call func() error) float64 {
	t.Helper()
	fewest := math.Inf(1)
	for range 20 {
		n := testing.AllocsPerRun(1, func() {
			if err := call(); err != nil {
				t.Fatal(err)
			}
		})
		fewest = min(fewest, n)
	}
	return fewest
}

func notEOF(_ int, err error) error {
	if err == io.EOF {
		return nil
	}
	return err
}

// TestManyLargeFiles reads more large files than are kept open, from many goroutines.
func TestManyLargeFiles(t *testing.T) {
	const files = 66
	var list []layertest.Entry
	for i := range files {
		list = append(list, layertest.File(fmt.Sprint(i), fmt.Sprintf("%08d", i)+text(1, layer.LargeSize)))
	}
	l := layertest.Unpack(t, layertest.Tar(t, list...))
	var wg sync.WaitGroup
	for range 2 * runtime.GOMAXPROCS(0) {
		wg.Go(func() {
			for range 500 {
				i := rand.IntN(files)
				p := make([]byte, 8)
				if _, err := l.ReadAt(i, p, 0); err != nil || string(p) != fmt.Sprintf("%08d", i) {
					t.Errorf("file %d: %q, %v", i, p, err)
					return
				}
			}
		})
	}
	wg.Wait()
}
