package layer_test

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"testing"

	"github.com/imagefs/imagefs/store/layer"
	"github.com/imagefs/imagefs/store/layer/layertest"
)

func Example() {
	stream := bytes.NewReader(layertest.Tar(&testing.T{},
		layertest.Dir("etc"),
		layertest.File("etc/hostname", "box\n"),
		layertest.Whiteout("etc/motd")))
	if err := list(stream); err != nil {
		fmt.Println(err)
	}
	// Output:
	// etc
	// etc/hostname 4 bytes
	// etc/motd is removed
}

func list(stream *bytes.Reader) error {
	dir, err := os.MkdirTemp("", "layer")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	large := &layertest.Store{Dir: dir}
	diffID, err := layer.Unpack(context.Background(), dir, stream, layer.UnpackOptions{Large: large})
	if err != nil {
		return err
	}
	l, err := layer.Open(dir, diffID, large)
	if err != nil {
		return err
	}
	defer l.Close()
	for i := range l.Len() {
		e, err := l.Entry(i)
		if err != nil {
			return err
		}
		switch e.Type {
		case layer.Regular:
			fmt.Println(e.Name, e.Attr.Size, "bytes")
		case layer.Whiteout:
			fmt.Println(e.Name, "is removed")
		default:
			fmt.Println(e.Name)
		}
	}
	return nil
}
