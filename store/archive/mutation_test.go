package archive_test

import (
	"bytes"
	"errors"
	"math/rand/v2"
	"path/filepath"
	"strings"
	"testing"

	"github.com/imagefs/imagefs/store"
	"github.com/imagefs/imagefs/store/archive"
	"github.com/imagefs/imagefs/store/layer/layertest"
	"github.com/imagefs/imagefs/store/storetest"
)

// TestMutations changes a byte or two of archives: what is read of them is the image, or an error that says that the archive
// is at fault.
func TestMutations(t *testing.T) {
	s := storetest.New(t)
	img := storetest.NewImage(t,
		storetest.Gzip(t, layertest.Tar(t, layertest.File("a", strings.Repeat("a", 1000)))),
		storetest.Tar(layertest.Tar(t, layertest.File("etc/hostname", "box"))),
		storetest.Tar(layertest.Tar(t)))
	random := rand.New(rand.NewPCG(3, 4))
	for _, form := range forms {
		whole := layertest.Tar(t, form.entries(t, img, tars(t, img))...)
		for range 8 {
			changed := bytes.Clone(whole)
			for range 1 + random.IntN(2) {
				changed[random.IntN(len(changed))] ^= 1 << random.IntN(8)
			}
			path := write(t, filepath.Join(t.TempDir(), "x.tar"), changed)
			c, err := archive.Read(t.Context(), s, bytes.NewReader(changed), nil)
			if err == nil {
				err = c.Close()
			}
			if err != nil && !atFault(err) {
				t.Errorf("%s: %v", form.name, err)
			}
			if c, err = readFile(t, s, path); err == nil {
				err = c.Close()
			}
			if err != nil && !atFault(err) {
				t.Errorf("%s, as a file: %v", form.name, err)
			}
		}
	}
}

// atFault tells whether an error says that the archive is at fault.
func atFault(err error) bool {
	var (
		unknown     *archive.UnknownError
		damaged     *archive.DamagedError
		missing     *archive.MissingError
		unsupported *store.UnsupportedError
	)
	return errors.As(err, &unknown) || errors.As(err, &damaged) || errors.As(err, &missing) || errors.As(err, &unsupported)
}
