package registry

import (
	"encoding/json"
	"fmt"
	"io"
	"mime"
	"net/http"
	"strconv"
	"strings"
	"time"
	"unicode"
)

// deniedWords are docker's, and the distribution specification's, for a token that does not allow what was asked.
const deniedWords = "denied: requested access to the resource is denied"

// answer is a status that is no success, with the words that came with it.
type answer struct {
	host       string
	status     int
	code       string // of the distribution specification, such as "MANIFEST_UNKNOWN"; "" if the server gave none
	words      string // "" if the server gave none
	retryAfter time.Duration
	noPassword bool // it asked for a password, and there was none
}

func (a *answer) Error() string {
	text := fmt.Sprintf("HTTP %d %s", a.status, http.StatusText(a.status))
	if a.words != "" {
		text += ": " + a.words
	}
	return text
}

func (a *answer) Unwrap() error {
	switch {
	case a.status == http.StatusNotFound:
		return ErrNotFound
	case a.status == http.StatusUnauthorized:
		return ErrUnauthorized
	case a.status == http.StatusForbidden:
		return ErrDenied
	case a.busy():
		return ErrUnavailable
	}
	return ErrProtocol
}

// busy tells whether the same question may be answered later.
func (a *answer) busy() bool {
	switch a.status {
	case http.StatusRequestTimeout, http.StatusTooEarly, http.StatusTooManyRequests:
		return true
	case http.StatusNotImplemented, http.StatusHTTPVersionNotSupported:
		return false
	}
	return a.status >= 500
}

// readAnswer reads and closes a response that is no success.
func readAnswer(resp *http.Response) *answer {
	a := &answer{
		host:       resp.Request.URL.Host,
		status:     resp.StatusCode,
		retryAfter: parseRetryAfter(resp.Header.Get("Retry-After"), time.Now()),
	}
	defer drain(resp.Body)
	if bearer, _ := find(parseChallenges(resp.Header.Values("WWW-Authenticate")), "bearer"); bearer.params["error"] == "insufficient_scope" {
		a.code, a.words = "DENIED", deniedWords
		return a
	}
	media, _, _ := mime.ParseMediaType(resp.Header.Get("Content-Type"))
	if media == "text/html" {
		return a
	}
	body, _ := io.ReadAll(io.LimitReader(resp.Body, 64<<10))
	a.code, a.words = parseWords(body)
	return a
}

// parseWords reads the body of an error: that of the distribution specification ("Error Codes"), and what token
// services send.
func parseWords(body []byte) (code, words string) {
	var doc struct {
		Errors []struct {
			Code    string `json:"code"`
			Message string `json:"message"`
		} `json:"errors"`
		Details     string `json:"details"`
		Description string `json:"error_description"`
		Message     string `json:"message"`
	}
	if json.Unmarshal(body, &doc) != nil {
		return "", ""
	}
	if len(doc.Errors) == 0 {
		for _, words := range []string{doc.Details, doc.Description, doc.Message} {
			if words != "" {
				return "", plain(words)
			}
		}
		return "", ""
	}
	first := doc.Errors[0]
	words = strings.ToLower(strings.ReplaceAll(first.Code, "_", " "))
	if first.Message != "" && !strings.EqualFold(first.Message, words) {
		words = strings.TrimPrefix(words+": "+first.Message, ": ")
	}
	return first.Code, plain(words)
}

// plain makes a server's words fit for one line of a terminal.
func plain(words string) string {
	const limit = 300
	words = strings.Map(func(r rune) rune {
		if !unicode.IsPrint(r) {
			return ' '
		}
		return r
	}, words)
	if runes := []rune(words); len(runes) > limit {
		words = string(runes[:limit]) + "…"
	}
	return strings.TrimSpace(words)
}

// parseRetryAfter reads RFC 9110, section 10.2.3; 0 if there is nothing to wait for.
func parseRetryAfter(value string, now time.Time) time.Duration {
	if seconds, err := strconv.ParseUint(value, 10, 31); err == nil {
		return time.Duration(seconds) * time.Second
	}
	when, err := http.ParseTime(value)
	if err != nil {
		return 0
	}
	return max(0, when.Sub(now))
}
