package imagefs

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

// layouts are the forms of a time that docker reads, beside a duration and seconds since the epoch (moby
// api/types/time/timestamp.go). Those without a zone are local.
var layouts = []string{
	time.RFC3339Nano, "2006-01-02T15:04:05", "2006-01-02T15:04", "2006-01-02T15", "2006-01-02",
	"2006-01-02Z07:00", "2006-01-02T15Z07:00", "2006-01-02T15:04Z07:00",
}

// ParseTime reads a time as docker's options do: 10m is ten minutes before now; 1136073845.000000001 is in seconds since
// the epoch; 2006-01-02T15:04:05 may be cut short and have a zone. The error is of kind Invalid.
func ParseTime(word string, now time.Time) (time.Time, error) {
	if d, err := time.ParseDuration(word); err == nil {
		return now.Add(-d), nil
	}
	for _, layout := range layouts {
		if t, err := time.ParseInLocation(layout, word, time.Local); err == nil {
			return t, nil
		}
	}
	seconds, fraction, _ := strings.Cut(word, ".")
	s, err := strconv.ParseInt(seconds, 10, 64)
	if err == nil && fraction != "" {
		fraction = (fraction + "000000000")[:9]
	}
	n, bad := strconv.ParseInt("0"+fraction, 10, 64)
	if err != nil || bad != nil {
		return time.Time{}, &Error{
			Kind: Invalid, Subject: word, Err: fmt.Errorf("failed to parse value as time or duration: %q", word),
			Hint: "write it as 24h, 2006-01-02T15:04:05 or seconds since 1970",
		}
	}
	return time.Unix(s, n), nil
}
