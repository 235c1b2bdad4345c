package control

import (
	"fmt"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// errorLimit is how many failures ctl/errors keeps.
const errorLimit = 16

// errorLog is the last failures, oldest first, in the manner of tracefs' error_log:
//
//	[2026-01-02T15:04:05Z] pull: error: manifest unknown
//	  Command: alpine:nope
//	           ^
//	  Errno: ENOENT
//	  Hint: …
func (t *jobs) errorLog() []byte {
	t.mu.Lock()
	defer t.mu.Unlock()
	var text []byte
	for _, j := range t.failures {
		e := j.ended()
		text = fmt.Appendf(text, "[%s] %s: error: %s\n", e.Ended.UTC().Format(time.RFC3339), j.Verb, e.Cause)
		text = fmt.Appendf(text, "  Command: %s\n", j.Command)
		if at := strings.Index(j.Command, e.Subject); e.Subject != "" && at >= 0 {
			text = fmt.Appendf(text, "           %s^\n", blank(j.Command[:at]))
		}
		text = fmt.Appendf(text, "  Errno: %s\n", unix.ErrnoName(e.Errno))
		if e.Hint != "" {
			text = fmt.Appendf(text, "  Hint: %s\n", e.Hint)
		}
	}
	return text
}

// blank is as wide as text.
func blank(text string) string {
	return strings.Map(func(r rune) rune {
		if r == '\t' {
			return r
		}
		return ' '
	}, text)
}
