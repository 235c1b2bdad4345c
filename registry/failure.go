package registry

import (
	"errors"
	"fmt"
)

// failure is a sentence, and errors that it wraps and already tells in its own words.
type failure struct {
	text   string
	causes []error
}

func (f *failure) Error() string   { return f.text }
func (f *failure) Unwrap() []error { return f.causes }

// fail makes an error of a kind; errors among args are wrapped too.
func fail(kind error, format string, args ...any) error {
	causes := []error{kind}
	for _, arg := range args {
		if err, ok := arg.(error); ok && !errors.Is(kind, err) {
			causes = append(causes, err)
		}
	}
	return &failure{text: fmt.Sprintf(format, args...), causes: causes}
}
