package tree

import (
	"errors"
	"fmt"

	"github.com/imagefs/imagefs/store/layer"
)

// invalid is what is wrong with an entry of a layer, where the entry is not known.
type invalid string

func (e invalid) Error() string { return string(e) }

func invalidf(format string, args ...any) error { return invalid(fmt.Sprintf(format, args...)) }

// atEntry makes a [*layer.FormatError] of an invalid error, and passes on any other.
func atEntry(k int, name string, err error) error {
	var detail invalid
	if !errors.As(err, &detail) {
		return err
	}
	return &layer.FormatError{Entry: name, Detail: fmt.Sprintf("in layer %d: %s", k, detail)}
}
