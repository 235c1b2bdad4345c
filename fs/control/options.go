package control

import (
	"strconv"
	"strings"
)

// options are the flags that a verb's line may have, by their names with dashes, as docker's command line takes them:
// --name VALUE, --name=VALUE, --flag, --flag=BOOL, -f, before and after other words; "--" ends them.
type options struct {
	flags  map[string]*bool
	values map[string]*string
	lists  map[string]*[]string // that may come several times
}

// parse sets what the words say and returns those that are no options.
func (o options) parse(words []string) (rest []string, err error) {
	for len(words) > 0 {
		word := words[0]
		words = words[1:]
		if word == "--" {
			return append(rest, words...), nil
		}
		if !strings.HasPrefix(word, "-") || word == "-" {
			rest = append(rest, word)
			continue
		}
		if words, err = o.set(word, words); err != nil {
			return nil, err
		}
	}
	return rest, nil
}

// set takes one option, and returns the words after it.
func (o options) set(word string, words []string) ([]string, error) {
	name, value, hasValue := strings.Cut(word, "=")
	if flag, ok := o.flags[name]; ok {
		*flag = true
		if hasValue {
			on, err := strconv.ParseBool(value)
			if err != nil {
				return nil, invalid(word, "", "%s is on or off: true or false, not %q", name, value)
			}
			*flag = on
		}
		return words, nil
	}
	to, isValue := o.values[name]
	list, isList := o.lists[name]
	switch {
	case !isValue && !isList && isDetach(name):
		return nil, invalid(word, "", "%s must be the first word", name)
	case !isValue && !isList:
		return nil, invalid(word, "", "unknown option: %s", name)
	case !hasValue && len(words) == 0:
		return nil, invalid(word, "", "%s needs an argument", name)
	case !hasValue:
		value, words = words[0], words[1:]
	}
	if isList {
		*list = append(*list, value)
	} else {
		*to = value
	}
	return words, nil
}
