package imagefs

import (
	"errors"
	"fmt"
	"io"
	"strings"
)

// readWords sets what the words of --build-arg and --secret mean.
func (req *BuildRequest) readWords(p BuildPaths) error {
	for _, word := range p.Args {
		if strings.Contains(word, "=") {
			req.Args = append(req.Args, word)
			continue
		}
		value, ok, err := p.environment(word)
		if err != nil {
			return err
		}
		if ok {
			req.Args = append(req.Args, word+"="+value)
		}
	}
	for _, word := range p.Secrets {
		s, err := parseSecret(word)
		if err == nil {
			err = req.readSecret(s, p)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// environment is the value of a variable.
func (p BuildPaths) environment(name string) (string, bool, error) {
	if p.Env == nil {
		return "", false, &Error{
			Kind: Invalid, Subject: name, Err: fmt.Errorf("there is no environment here to take %s from", name),
			Hint: "write the value itself, or, of a secret, src=FILE",
		}
	}
	value, ok := p.Env(name)
	return value, ok, nil
}

// buildSecret is what --secret says, with docker's words.
type buildSecret struct{ id, kind, file, env string }

func parseSecret(word string) (s buildSecret, err error) {
	for _, field := range strings.Split(word, ",") {
		key, value, ok := strings.Cut(field, "=")
		if !ok {
			return s, invalid(word, "invalid field '%s' must be a key=value pair", field)
		}
		switch strings.ToLower(key) {
		case "id":
			s.id = value
		case "type":
			s.kind = value
		case "src", "source":
			s.file = value
		case "env":
			s.env = value
		default:
			return s, invalid(word, "unexpected key '%s' in '%s'", key, field)
		}
	}
	switch {
	case s.id == "":
		return s, invalid(word, "invalid secret %q: it has no id", word)
	case s.kind != "" && s.kind != "file" && s.kind != "env":
		return s, invalid(word, "unsupported secret type %q", s.kind)
	case s.kind == "env" && s.env == "": // then src is a variable's name
		s.env, s.file = s.file, ""
	}
	return s, nil
}

// maxSecret is how many bytes a secret may have, as in BuildKit.
const maxSecret = 500 << 10

// readSecret reads a secret: a variable, a file, or that of both which has the ID for its name.
func (req *BuildRequest) readSecret(s buildSecret, p BuildPaths) error {
	if s.file == "" && s.env == "" && s.kind != "file" && p.Env != nil {
		if _, ok := p.Env(s.id); ok || s.kind == "env" {
			s.env = s.id
		}
	}
	var value []byte
	switch {
	case s.env != "" || s.kind == "env":
		text, _, err := p.environment(s.env)
		if err != nil {
			return err
		}
		value = []byte(text)
	default:
		if s.file == "" {
			s.file = s.id
		}
		f, err := p.Open(s.file)
		if err != nil {
			return &Error{
				Kind: KindOf(err), Subject: s.file, Err: fmt.Errorf("secret %s: open %s: %w", s.id, s.file, cause(err)),
				Hint: "--secret id=" + s.id + ",src=FILE",
			}
		}
		value, err = io.ReadAll(io.LimitReader(f, maxSecret+1))
		if err = errors.Join(err, f.Close()); err != nil {
			return err
		}
	}
	if len(value) > maxSecret {
		return invalid(s.id, "invalid secret size: %s has more than %d bytes", s.id, maxSecret)
	}
	if req.Secrets == nil {
		req.Secrets = map[string][]byte{}
	}
	req.Secrets[s.id] = value
	return nil
}
