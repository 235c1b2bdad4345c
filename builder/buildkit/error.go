package buildkit

import (
	"regexp"
	"strconv"
	"strings"
)

// Error is why a build failed, in BuildKit's words.
type Error struct {
	Line    int    // of the Dockerfile; 0 if it is of none
	Step    string // that failed, as "[2/3] RUN make"; "" if none did
	Message string
}

func (e *Error) Error() string {
	if e.Step == "" {
		return e.Message
	}
	return e.Step + ": " + e.Message
}

// place is how buildctl begins an excerpt of the Dockerfile: the name and the number of a line.
var place = regexp.MustCompile(`^.+:(\d+)$`)

// parseError reads what buildctl has said beside its progress: an excerpt of the Dockerfile, of which only the first line
// counts, and at the end the error, which may have several lines.
func parseError(said []string) *Error {
	e := &Error{Message: "buildctl failed and does not say why"}
	for i, line := range said {
		if m := place.FindStringSubmatch(line); m != nil && i+1 < len(said) && strings.HasPrefix(said[i+1], "-----") {
			e.Line, _ = strconv.Atoi(m[1])
		}
		if message, ok := strings.CutPrefix(line, "error: "); ok {
			message = strings.Join(append([]string{message}, said[i+1:]...), "\n")
			e.Message = strings.TrimPrefix(message, "failed to solve: ")
			break
		}
	}
	return e
}
