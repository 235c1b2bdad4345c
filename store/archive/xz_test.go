package archive_test

import (
	"bytes"
	"encoding/binary"
	"hash/crc32"
	"io"
	"strings"
	"testing"

	"github.com/imagefs/imagefs/store/archive"
)

// TestDictionary reads xz streams whose dictionary is as large as may be, and larger.
func TestDictionary(t *testing.T) {
	whole, err := io.ReadAll(compressed(t, []byte("imagefs")))
	if err != nil {
		t.Fatal(err)
	}
	const block = 12 // where the header of the first block begins
	size := (int(whole[block]) + 1) * 4
	at := bytes.Index(whole[block:block+size], []byte{0x21, 1})
	if at < 0 {
		t.Fatal("no LZMA2 filter")
	}
	for code, allowed := range map[byte]bool{30: true, 31: false, 40: false} { // 128 MiB, 192 MiB, 4 GiB
		header := whole[block : block+size]
		header[at+2] = code
		binary.LittleEndian.PutUint32(header[size-4:], crc32.ChecksumIEEE(header[:size-4]))
		if code == 40 {
			header[size-1]++ // not whole, so that nothing is allocated if it is not refused
		}
		r, end, err := archive.Decompress(bytes.NewReader(whole))
		if err == nil && allowed {
			_, err = io.ReadAll(r)
			end()
		}
		if refused := err != nil && strings.Contains(err.Error(), "dictionary has"); refused == allowed {
			t.Errorf("dictionary %d: %v", code, err)
		}
	}
}
