package dockerfile

import (
	"slices"
	"strings"

	"github.com/moby/buildkit/frontend/dockerfile/instructions"
	"github.com/moby/buildkit/frontend/dockerfile/shell"
)

// Variables are what words may name, in the order in which they came.
type Variables []string // NAME=VALUE

// Get returns a variable's value.
func (v Variables) Get(name string) (string, bool) {
	for _, pair := range slices.Backward(v) {
		if key, value, _ := strings.Cut(pair, "="); key == name {
			return value, true
		}
	}
	return "", false
}

// Set gives a variable a value.
func (v *Variables) Set(name, value string) {
	*v = append(slices.DeleteFunc(*v, func(pair string) bool { return strings.HasPrefix(pair, name+"=") }), name+"="+value)
}

// Keys are the variables' names.
func (v Variables) Keys() []string {
	var keys []string
	for _, pair := range v {
		key, _, _ := strings.Cut(pair, "=")
		keys = append(keys, key)
	}
	return keys
}

// Proxies are the arguments that RUN sees without an ARG, in both cases of letters.
var Proxies = []string{"HTTP_PROXY", "HTTPS_PROXY", "FTP_PROXY", "NO_PROXY", "ALL_PROXY"}

// IsProxy tells whether an argument is one of [Proxies].
func IsProxy(name string) bool {
	return slices.Contains(Proxies, strings.ToUpper(name)) && (name == strings.ToUpper(name) || name == strings.ToLower(name))
}

// Expand replaces variables in an instruction's words, where the instruction has them replaced.
func (f *File) Expand(command instructions.Command, env Variables) error {
	if c, ok := command.(instructions.SupportsSingleWordExpansion); ok {
		if err := c.Expand(f.expander(env, shell.NewLex(f.Escape))); err != nil {
			return err
		}
	}
	if c, ok := command.(instructions.SupportsSingleWordExpansionRaw); ok {
		lex := shell.NewLex(f.Escape)
		lex.SkipProcessQuotes = true
		return c.ExpandRaw(f.expander(env, lex))
	}
	return nil
}

func (f *File) expander(env Variables, lex *shell.Lex) instructions.SingleWordExpander {
	return func(word string) (string, error) {
		expanded, _, err := lex.ProcessWord(word, env)
		return expanded, err
	}
}

// Declare adds what an ARG names: the value that the build was given, or else the instruction's own, or else the one that
// defaults knows. One that has none is left out. It returns the names.
func Declare(to *Variables, command *instructions.ArgCommand, given, defaults Variables) []string {
	var names []string
	for _, arg := range command.Args {
		names = append(names, arg.Key)
		if value, ok := given.Get(arg.Key); ok {
			to.Set(arg.Key, value)
		} else if arg.Value != nil {
			to.Set(arg.Key, *arg.Value)
		} else if value, ok := defaults.Get(arg.Key); ok {
			to.Set(arg.Key, value)
		}
	}
	return names
}
