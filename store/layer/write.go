package layer

import (
	"bufio"
	"encoding/binary"
	"io"
	"os"
	"path/filepath"

	"golang.org/x/sync/errgroup"
)

// writeIndex joins the sections into the index, resolves the hard links in it, and syncs everything.
func (u *unpacking) writeIndex(dir string) error {
	f, err := os.OpenFile(filepath.Join(dir, indexName), os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o644)
	if err != nil {
		return err
	}
	defer f.Close()
	h := u.header()
	if err := u.writeSections(f, &h); err != nil {
		return err
	}
	if err := seal(f, &h); err != nil {
		return err
	}
	var g errgroup.Group
	for _, file := range []*os.File{f, u.payload.file, u.archive.framing.file} {
		if file != nil {
			g.Go(file.Sync)
		}
	}
	if err := g.Wait(); err != nil {
		return err
	}
	return syncDir(dir)
}

func syncDir(path string) error {
	d, err := os.Open(path)
	if err != nil {
		return err
	}
	defer d.Close()
	return d.Sync()
}

func (u *unpacking) sections() [sectionCount]*section {
	return [sectionCount]*section{
		sectionEntries:  &u.hasher.records,
		sectionDigests:  &u.hasher.digests,
		sectionStrings:  &u.archive.table.strings,
		sectionXattrs:   &u.archive.table.xattrs,
		sectionSums:     &u.hasher.sums,
		sectionExtents:  &u.archive.extents,
		sectionSegments: &u.archive.segments,
		sectionTarSums:  &u.tarSums,
	}
}

func (u *unpacking) header() header {
	h := header{
		diffID:   u.diffID,
		entries:  u.archive.table.count,
		payloads: int64(u.archive.payloads),
		tar:      u.tarSize,
		pack:     u.payload.size,
		tarSplit: u.archive.framing.size,
	}
	if u.options.InBlob {
		h.flags |= flagInBlob
	}
	for i, s := range u.sections() {
		h.lengths[i] = s.size
	}
	return h
}

// writeSections writes the blocks, with the header as far as it is known.
func (u *unpacking) writeSections(f *os.File, h *header) error {
	w := bufio.NewWriterSize(f, bufferSize)
	w.Write(h.encode())
	at := int64(headerSize)
	starts, end := h.offsets()
	for i, s := range u.sections() {
		if err := pad(w, starts[i]-at); err != nil {
			return err
		}
		if err := s.copyTo(w); err != nil {
			return err
		}
		at = starts[i] + s.size
	}
	if err := pad(w, end-at); err != nil {
		return err
	}
	return w.Flush()
}

func pad(w io.Writer, n int64) error {
	_, err := w.Write(make([]byte, n))
	return err
}

// seal resolves what depends on all entries, and adds the checksums of the blocks.
func seal(f *os.File, h *header) error {
	_, end := h.offsets()
	if err := resolveLinks(f, h); err != nil {
		return err
	}
	if _, err := f.WriteAt(h.encode(), 0); err != nil {
		return err
	}
	w := bufio.NewWriter(io.NewOffsetWriter(f, end))
	r := bufio.NewReaderSize(io.NewSectionReader(f, 0, end), bufferSize)
	block := make([]byte, indexBlock)
	for {
		if _, err := io.ReadFull(r, block); err == io.EOF {
			return w.Flush()
		} else if err != nil {
			return err
		}
		if err := binary.Write(w, binary.LittleEndian, checksum(block)); err != nil {
			return err
		}
	}
}
