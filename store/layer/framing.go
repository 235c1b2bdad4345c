package layer

import "path/filepath"

// framing writes tar-split. In a layer InBlob there is none, and file is nil.
type framing struct {
	output
	buf  []byte
	sums blockSums
}

func (f *framing) create(dir string, sums *section) error {
	f.buf = make([]byte, 0, bufferSize)
	f.sums.out = sums
	return f.output.create(filepath.Join(dir, tarSplitName))
}

// offset is where the next byte goes.
func (f *framing) offset() int64 { return f.size + int64(len(f.buf)) }

func (f *framing) write(p []byte) error {
	if f.file == nil {
		return nil
	}
	f.sums.write(p)
	f.buf = append(f.buf, p...)
	if len(f.buf) < bufferSize {
		return nil
	}
	return f.writeOut()
}

func (f *framing) writeOut() error {
	_, err := f.Write(f.buf)
	f.buf = f.buf[:0]
	return err
}

// flush ends the file.
func (f *framing) flush() error {
	if f.file == nil {
		return nil
	}
	f.sums.end()
	return f.writeOut()
}
