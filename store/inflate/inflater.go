package inflate

import "io"

// inflater decodes a DEFLATE stream, from input to window.
type inflater struct {
	in  input
	out window

	litlens   [litlenSize]entry
	distances [distanceSize]entry
	pre       [preSize]entry // of the code that the code lengths are in

	step   func(*inflater) error // what comes next: it decodes as long as the window has room
	final  bool                  // the block under way is the last
	stored int                   // how many bytes of a stored block are left

	lengths [maxLitlens + maxDistances]uint8
	code    code
}

// begin prepares for the next stream.
func (d *inflater) begin() {
	d.out.forget()
	d.step, d.final = (*inflater).header, false
}

// decode goes on until the window is full, which is nil, or the stream ends, which is io.EOF. What was decoded before an
// error is in the window.
func (d *inflater) decode() error {
	for d.out.hasRoom() {
		if err := d.step(d); err != nil {
			return err
		}
	}
	return nil
}

// header reads what a block begins with (RFC 1951, 3.2.3).
func (d *inflater) header() error {
	if d.final {
		return io.EOF
	}
	bits, err := d.in.take(3)
	if err != nil {
		return err
	}
	d.final = bits&1 != 0
	switch bits >> 1 {
	case 0:
		return d.storedHeader()
	case 1:
		return d.fixedCodes()
	case 2:
		return d.dynamicCodes()
	}
	return invalid("reserved block type")
}

// storedHeader reads the length of a stored block, and the same inverted (3.2.4).
func (d *inflater) storedHeader() error {
	d.in.align()
	var b [4]byte
	if err := d.in.readFull(b[:]); err != nil {
		return truncated(err)
	}
	length := int(b[0]) | int(b[1])<<8
	if inverted := int(b[2]) | int(b[3])<<8; length != inverted^0xffff {
		return invalid("wrong length of a stored block")
	}
	d.step, d.stored = (*inflater).copyStored, length
	return nil
}

func (d *inflater) copyStored() error {
	for d.stored > 0 && d.out.hasRoom() {
		b := d.in.bytes(min(d.stored, windowSize-d.out.end))
		if len(b) == 0 {
			return truncated(d.in.err)
		}
		d.out.end += copy(d.out.data[d.out.end:], b)
		d.stored -= len(b)
	}
	if d.stored == 0 {
		d.step = (*inflater).header
	}
	return nil
}

// symbols decodes a block that has codes.
func (d *inflater) symbols() error {
	for d.out.hasRoom() {
		ended, err := d.round()
		if err != nil {
			return err
		}
		if ended {
			d.step = (*inflater).header
			return nil
		}
	}
	return nil
}

// round decodes many symbols, or, near the end of the input, one.
func (d *inflater) round() (ended bool, err error) {
	if d.in.fill(fastInput); d.in.ahead() >= fastInput {
		return d.fast()
	}
	return d.careful()
}
