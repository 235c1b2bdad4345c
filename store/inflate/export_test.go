package inflate

import "io"

// Deflated decodes a DEFLATE stream without gzip's framing.
type Deflated struct {
	d   inflater
	err error
}

func NewDeflated(r io.Reader) *Deflated {
	f := &Deflated{}
	f.d.in.from = r
	f.d.begin()
	return f
}

func (f *Deflated) Read(p []byte) (int, error) {
	for len(f.d.out.pending()) == 0 {
		if f.err != nil {
			return 0, f.err
		}
		f.d.out.slide()
		f.err = f.d.decode()
	}
	n := copy(p, f.d.out.pending())
	f.d.out.read += n
	return n, nil
}
