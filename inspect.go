package imagefs

import "github.com/imagefs/imagefs/store"

// Inspect returns what `docker image inspect` prints for the image: a JSON array of one object, indented by four
// spaces, with a final newline.
func Inspect(s *store.Store, snap *store.Snapshot, img *store.Image) ([]byte, error) {
	panic("unwritten")
}
