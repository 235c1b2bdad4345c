package layer

import "fmt"

// CorruptError says that a stored file does not hold what was once written there.
type CorruptError struct {
	Path   string
	Detail string
}

func (e *CorruptError) Error() string { return fmt.Sprintf("%s is damaged: %s", e.Path, e.Detail) }

// FormatError says that a tar stream cannot be a layer: a broken header, a name with "..", an id out of range.
type FormatError struct {
	Entry  string // the name of the entry at fault, as far as it is known
	Detail string
}

func (e *FormatError) Error() string {
	if e.Entry == "" {
		return "not a valid layer: " + e.Detail
	}
	return fmt.Sprintf("not a valid layer: entry %q: %s", e.Entry, e.Detail)
}
