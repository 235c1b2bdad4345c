package store

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"time"

	digest "github.com/opencontainers/go-digest"
	"golang.org/x/sys/unix"
)

// firstNumber is the first that a new store gives; 0 and 1 are kept free.
const firstNumber = 2

// numbers is what ROOT/numbers says: which numbers are whose. The file only grows, under ROOT/lock; a last line without
// its newline is one that was being written when the machine stopped, and counts for nothing.
//
// A number that was given once must not be given again, or a mount that outlives the file would take one image's files
// for another's. So where the file is lost (it is made with the store) or a line is damaged, numbers go on from
// [seed], which is above all that were ever given as long as a store gives fewer than four a second, on average, since
// 2026.
type numbers struct {
	state   fileState
	read    int64 // bytes of whole lines
	damaged bool
	next    uint64 // the lowest that is certainly free; above math.MaxUint32 if none is

	images     map[digest.Digest]*imageRecord // by ID: what each was first
	byManifest map[digest.Digest]*imageRecord // an image may have several
	chains     map[digest.Digest]*chainRecord // by chainID
	byNumber   map[uint32]*chainRecord
}

var errNumbers = errors.New("this store has no numbers left for new images")

// seed is the number from which a store goes on that does not know which ones it gave.
func seed(now time.Time) uint64 {
	start := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	return firstNumber + 4*uint64(max(0, int64(now.Sub(start)/time.Second)))
}

// refresh reads what was added to the file since the last call.
func (n *numbers) refresh(path string) error {
	f, size, err := openRegular(path)
	if errors.Is(err, fs.ErrNotExist) {
		n.reset()
		return nil
	}
	if err != nil {
		return err
	}
	defer f.Close()
	state, err := stateOf(f)
	if err != nil || state == n.state {
		return err
	}
	if !state.sameFile(n.state) || size < n.read {
		n.reset()
	}
	if err := n.readFrom(f, size); err != nil {
		return err
	}
	if n.damaged && n.state != (fileState{}) {
		// Perhaps what was read before is no longer there: an append that failed was taken back.
		n.reset()
		if err := n.readFrom(f, size); err != nil {
			return err
		}
	}
	n.state = state
	return nil
}

// recordSize is about that of an image's, in bytes.
const recordSize = 768

// grow makes room for images.
func (n *numbers) grow(images int) {
	n.images, n.byManifest = make(map[digest.Digest]*imageRecord, images), make(map[digest.Digest]*imageRecord, images)
}

// reset forgets the file, though not how far it had come.
func (n *numbers) reset() {
	*n = numbers{
		next:   max(n.next, firstNumber),
		images: map[digest.Digest]*imageRecord{}, byManifest: map[digest.Digest]*imageRecord{},
		chains: map[digest.Digest]*chainRecord{}, byNumber: map[uint32]*chainRecord{},
	}
}

func (n *numbers) readFrom(f *os.File, size int64) error {
	if n.read == 0 {
		n.grow(int(size / recordSize))
	}
	return n.parse(io.NewSectionReader(f, n.read, size-n.read))
}

func (n *numbers) parse(r io.Reader) error {
	lines := bufio.NewReaderSize(r, 64<<10)
	for {
		line, err := readLine(lines)
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return err
		}
		r, err := parseRecord(line)
		if err == nil && r.Format > formatVersion {
			return fmt.Errorf("the store has format %d, made by a later version of imagefs; this one knows %d", r.Format, formatVersion)
		}
		if err != nil || !n.add(r) {
			n.damaged = true
		}
		n.read += int64(len(line))
	}
}

// readLine reads a line with its newline; io.EOF where none is whole. The bytes are the reader's, until it reads on.
func readLine(r *bufio.Reader) ([]byte, error) {
	line, err := r.ReadSlice('\n')
	if err != bufio.ErrBufferFull {
		return line, err
	}
	line = bytes.Clone(line)
	rest, err := r.ReadBytes('\n')
	return append(line, rest...), err
}

// add takes a record in; false if it cannot be right.
func (n *numbers) add(r record) bool {
	switch {
	case r.Chain != nil:
		n.next = max(n.next, uint64(r.Chain.Number)+1)
		n.chains[r.Chain.ChainID], n.byNumber[r.Chain.Number] = r.Chain, r.Chain
	case r.Image != nil:
		n.next = max(n.next, uint64(r.Image.Number)+uint64(r.Image.Count))
		if len(r.Image.Chains) != len(r.Image.Layers) || uint64(r.Image.Count) != 1+uint64(len(r.Image.Layers)) {
			return false
		}
		for _, c := range r.Image.Chains {
			if n.byNumber[c] == nil {
				return false
			}
		}
		n.byManifest[r.Image.Manifest.Digest] = r.Image
		if n.images[r.Image.ID] == nil {
			n.images[r.Image.ID] = r.Image
		}
	}
	return true
}

// allocator gives new numbers; it does not write them down.
func (n *numbers) allocator(now time.Time) *allocator {
	next := n.next
	if n.damaged || n.read == 0 {
		next = max(next, seed(now))
	}
	return &allocator{next: next}
}

type allocator struct{ next uint64 }

// take gives count numbers in a row, and returns the first.
func (a *allocator) take(count int) (uint32, error) {
	first := a.next
	if first+uint64(count)-1 > math.MaxUint32 {
		return 0, errNumbers
	}
	a.next += uint64(count)
	return uint32(first), nil
}

// append writes records down, durably. The caller holds ROOT/lock, and has refreshed n since.
func (n *numbers) append(path string, records []record) error {
	if n.read == 0 {
		records = append([]record{{Format: formatVersion}}, records...)
	}
	var lines []byte
	for _, r := range records {
		line, err := r.marshal()
		if err != nil {
			return err
		}
		lines = append(lines, line...)
	}
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE|unix.O_NOFOLLOW|unix.O_NONBLOCK, 0o644)
	if err != nil {
		return err
	}
	defer f.Close()
	if err := replaceTail(f, n.read, lines); err != nil {
		return err
	}
	return syncDir(filepath.Dir(path))
}

// replaceTail writes data in place of what f has from off on, durably. If it fails, f ends at off.
func replaceTail(f *os.File, off int64, data []byte) error {
	err := f.Truncate(off)
	if err == nil {
		_, err = f.WriteAt(data, off)
	}
	if err == nil {
		err = f.Sync()
	}
	if err != nil {
		_ = f.Truncate(off) // if this fails too, what follows off is numbers that nothing uses
	}
	return err
}
