package layer

import (
	"errors"
	"fmt"
	"github.com/vbatts/tar-split/archive/tar"
	"io"
	"strings"
)

// refuse says what is wrong with the entry that is being read.
func refuse(format string, args ...any) error {
	return &FormatError{Detail: fmt.Sprintf(format, args...)}
}

// maxShown is how much of a name an error shows.
const maxShown = 200

// named adds the entry's name to a refusal.
func named(err error, name string) error {
	e, ok := errors.AsType[*FormatError](err)
	if !ok || e.Entry != "" {
		return err
	}
	e.Entry = name
	if len(name) > maxShown {
		e.Entry = name[:maxShown] + "…"
	}
	return e
}

func linkRefusal(err error) error {
	e, ok := errors.AsType[*FormatError](err)
	if !ok {
		return err
	}
	return refuse("the name that it is a hard link to: %s", e.Detail)
}

// truncated makes the end of the stream within a payload an error of ours.
func (a *archive) truncated(err error) error {
	if a.source.failure != nil {
		return a.source.failure
	}
	if err == io.EOF || err == io.ErrUnexpectedEOF {
		return refuse("the archive ends in the middle of it, after %d bytes", a.source.pos)
	}
	return err
}

// explain makes an error of the tar reader one of ours.
func (a *archive) explain(err error) error {
	switch {
	case a.source.failure != nil:
		return a.source.failure
	case err == io.ErrUnexpectedEOF:
		return refuse("the archive ends in the middle of a header, after %d bytes", a.source.pos)
	case errors.Is(err, tar.ErrHeader):
		return refuse("there is a damaged header before byte %d", a.source.pos)
	}
	return refuse("%s, before byte %d", strings.TrimPrefix(err.Error(), "archive/tar: "), a.source.pos)
}
