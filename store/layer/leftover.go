package layer

import "io"

// leaveOut makes a payload part of the framing, because no entry shows it.
func (a *archive) leaveOut(size int64) error {
	for size > 0 {
		b, err := a.source.next(int(min(size, bufferSize)))
		if err != nil {
			return a.truncated(err)
		}
		size -= int64(len(b))
		if err := a.framing.write(b); err != nil {
			return err
		}
	}
	return a.padding()
}

// padding reads on to the next header. Where the archive ends instead, that is where it ends.
func (a *archive) padding() error {
	var block [512]byte
	_, err := io.ReadFull(&a.source, block[:-a.source.pos&511])
	if err == io.EOF || err == io.ErrUnexpectedEOF {
		return nil
	}
	return err
}

func (a *archive) takeHeaders() error {
	err := a.framing.write(a.source.headers)
	a.source.headers = a.source.headers[:0]
	return err
}

// trailer is everything from the end marker on.
func (a *archive) trailer() error {
	if err := a.takeHeaders(); err != nil {
		return err
	}
	for {
		b, err := a.source.next(bufferSize)
		if err == io.EOF {
			return a.framing.flush()
		}
		if err != nil {
			return err
		}
		if err := a.framing.write(b); err != nil {
			return err
		}
	}
}
