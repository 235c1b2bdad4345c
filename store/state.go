package store

import (
	"errors"
	"io/fs"
	"os"
	"syscall"
)

// fileState tells one state of a file from another, without reading it. The zero value is an absent file.
type fileState struct {
	dev, ino     uint64
	size         int64
	mtime, ctime syscall.Timespec
}

func (s fileState) sameFile(o fileState) bool { return s.dev == o.dev && s.ino == o.ino }

func stateOf(f *os.File) (fileState, error) {
	info, err := f.Stat()
	if err != nil {
		return fileState{}, err
	}
	return stateOfInfo(info), nil
}

func stateOfPath(path string) (fileState, error) {
	info, err := os.Lstat(path)
	if errors.Is(err, fs.ErrNotExist) {
		return fileState{}, nil
	}
	if err != nil {
		return fileState{}, err
	}
	return stateOfInfo(info), nil
}

func stateOfInfo(info os.FileInfo) fileState {
	st := info.Sys().(*syscall.Stat_t)
	return fileState{dev: uint64(st.Dev), ino: st.Ino, size: st.Size, mtime: st.Mtim, ctime: st.Ctim}
}
