package store

import (
	"errors"
	"os"

	"golang.org/x/sys/unix"
)

// reserveSize is how many bytes of the disk are kept for removing: more than the index.json of a thousand images has.
const reserveSize = 1 << 20

// keepReserve makes ROOT/reserve, unless it is there: room that is given up when images are removed from a disk that is
// full, which takes a new index.json. Where it cannot be made, a read-only root or a full disk, there is none.
func (s *Store) keepReserve() {
	if isRegular(s.path("reserve")) {
		return
	}
	f, err := s.scratch.file()
	if err != nil {
		return
	}
	defer f.Close()
	err = unix.Fallocate(int(f.Fd()), 0, 0, reserveSize)
	if err == nil {
		err = os.Rename(f.Name(), s.path("reserve"))
	}
	if err != nil {
		os.Remove(f.Name())
	}
}

// withReserve calls write again, once, with the reserve's room, if the disk is full.
func (s *Store) withReserve(write func() error) error {
	err := write()
	full := errors.Is(err, unix.ENOSPC) || errors.Is(err, unix.EDQUOT)
	if full && os.Remove(s.path("reserve")) == nil {
		return write()
	}
	return err
}
