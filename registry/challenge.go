package registry

import "strings"

// challenge is one of a WWW-Authenticate header (RFC 9110, section 11.6.1).
type challenge struct {
	scheme string            // in lower case: "basic", "bearer"
	params map[string]string // by name in lower case
}

// parseChallenges reads what can be read of the headers' values.
func parseChallenges(values []string) []challenge {
	var all []challenge
	for _, value := range values {
		all = append(all, parseChallengeList(value)...)
	}
	return all
}

// parseChallengeList reads one header. A comma separates challenges as well as their parameters; a word with an equals
// sign behind it is a parameter.
func parseChallengeList(s string) []challenge {
	var all []challenge
	for {
		s = strings.TrimLeft(s, ", \t=")
		word, rest := cutToken(s)
		if word == "" {
			return all
		}
		value, isParam := strings.CutPrefix(strings.TrimLeft(rest, " \t"), "=")
		if !isParam {
			all = append(all, challenge{scheme: strings.ToLower(word), params: map[string]string{}})
			s = rest
			continue
		}
		text, rest := cutValue(strings.TrimLeft(value, " \t"))
		if len(all) > 0 {
			all[len(all)-1].params[strings.ToLower(word)] = text
		}
		s = rest
	}
}

// cutToken cuts s behind its first word.
func cutToken(s string) (word, rest string) {
	end := strings.IndexAny(s, " \t,=\"")
	if end < 0 {
		return s, ""
	}
	return s[:end], s[end:]
}

// cutValue cuts s behind its first word or quoted string, which it unquotes.
func cutValue(s string) (value, rest string) {
	if !strings.HasPrefix(s, `"`) {
		return cutToken(s)
	}
	var b strings.Builder
	for i := 1; i < len(s); i++ {
		switch {
		case s[i] == '"':
			return b.String(), s[i+1:]
		case s[i] == '\\' && i+1 < len(s):
			i++
		}
		b.WriteByte(s[i])
	}
	return b.String(), ""
}
