package archive

import (
	"context"
	"errors"
	"io"
	"os"

	"github.com/imagefs/imagefs/store"
)

// Read reads an archive to its end. Layers are staged as they come; those that the store has, as far as their names tell,
// are passed over. The caller closes what it returns.
//
// An error is an *UnknownError, *DamagedError, *MissingError, *store.DigestError or *store.UnsupportedError where the
// archive is at fault; r's own are returned as they are.
func Read(ctx context.Context, s *store.Store, r io.Reader, progress Progress) (*Contents, error) {
	claim, err := s.Claim()
	if err != nil {
		return nil, err
	}
	stream := newStream(s, claim, progress)
	if err := readStream(ctx, stream, r); err != nil {
		return nil, errors.Join(err, stream.close(), claim.Close())
	}
	return newContents(ctx, s, claim, stream)
}

// readStream reads r to its end, also what comes after the end of the tar: whoever writes it is not cut off, and checksums
// are looked at.
func readStream(ctx context.Context, s *stream, r io.Reader) error {
	in := &input{r: r}
	err := s.decompress(ctx, in)
	if in.err != nil {
		return in.err
	}
	return err
}

// decompress reads the tar that in holds, and all that comes after it.
func (s *stream) decompress(ctx context.Context, in io.Reader) error {
	tar, end, err := Decompress(in)
	if err != nil {
		return unreadable(err)
	}
	defer end()
	plain := &input{r: tar}
	if err = s.read(ctx, plain); err == nil {
		_, err = io.Copy(io.Discard, plain)
	}
	if plain.err != nil {
		return unreadable(plain.err)
	}
	return err
}

// unreadable tells what an error of decompression means.
func unreadable(err error) error {
	var unknown *UnknownError
	switch {
	case errors.As(err, &unknown):
		return err
	case errors.Is(err, io.ErrUnexpectedEOF):
		return damaged("", "it is cut short")
	}
	return damaged("", "it cannot be decompressed: %w", err)
}

// ReadFile is Read of an open file, which stays its owner's, from where it is read next; of a directory it is the OCI image
// layout in it. A tar that is not compressed is read here and there: documents, and the layers that the store lacks.
func ReadFile(ctx context.Context, s *store.Store, f *os.File, progress Progress) (*Contents, error) {
	files, err := openFiles(ctx, f)
	if files == nil {
		if err != nil {
			return nil, err
		}
		return Read(ctx, s, f, progress)
	}
	claim, err := s.Claim()
	if err != nil {
		return nil, errors.Join(err, files.close())
	}
	return newContents(ctx, s, claim, &random{store: s, progress: progress, files: files})
}

// openFiles gives access to a file's in any order; nil if it must be read as a stream.
func openFiles(ctx context.Context, f *os.File) (files, error) {
	info, err := f.Stat()
	switch {
	case err != nil:
		return nil, err
	case info.IsDir():
		return openDirectory(f)
	case !info.Mode().IsRegular():
		return nil, nil
	}
	at, err := f.Seek(0, io.SeekCurrent)
	if err != nil {
		return nil, err
	}
	size := max(0, info.Size()-at)
	section := io.NewSectionReader(f, at, size)
	start := make([]byte, len(magicXz))
	if n, _ := section.ReadAt(start, 0); n == 0 || IsCompressed(start) {
		return nil, nil
	}
	t, err := openTar(ctx, section, size)
	if errors.Is(err, errSparse) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	return t, nil
}
