package store

import (
	"strings"

	"github.com/distribution/reference"
	digest "github.com/opencontainers/go-digest"
)

// nameOf returns the first of names that is one, normalised, or "".
func nameOf(names ...string) string {
	for _, name := range names {
		if isNormalised(name) {
			return name
		}
		if named, err := reference.ParseDockerRef(name); err == nil {
			return named.String()
		}
	}
	return ""
}

// SplitName takes the name of a reference apart: its repository, with its host, and a tag, or else a digest. Names in a
// store are full and normalised, so that takes no more than looking for the marks in them. Of what is no name, all are "".
func SplitName(name string) (repository, tag string, d digest.Digest) {
	if repository, d, ok := strings.Cut(name, "@"); ok {
		return repository, "", digest.Digest(d)
	}
	i := strings.LastIndexByte(name, ':')
	if i < 0 {
		return "", "", ""
	}
	return name[:i], name[i+1:], ""
}

// isNormalised tells, of the usual names that need no normalising, that they are that: package reference takes a hundred
// times as long to find out. FuzzNormalised compares the two.
func isNormalised(name string) bool {
	host, rest, ok := strings.Cut(name, "/")
	if !ok || !isUsualHost(host) {
		return false
	}
	repository, sum, hasDigest := strings.Cut(rest, "@")
	tag, hasTag := "", false
	if !hasDigest {
		repository, tag, hasTag = strings.Cut(rest, ":")
	}
	switch {
	case len(host)+1+len(repository) > 255:
		return false
	case host == "docker.io" && !strings.Contains(repository, "/"):
		return false
	case !isUsualPath(repository):
		return false
	case hasDigest:
		hex, ok := strings.CutPrefix(sum, "sha256:")
		return ok && isHex(hex)
	}
	return hasTag && isUsualTag(tag)
}

// isUsualHost knows names with a dot, in lower case, and localhost, with a port or not.
func isUsualHost(host string) bool {
	name, port, hasPort := strings.Cut(host, ":")
	if hasPort && (port == "" || strings.Trim(port, "0123456789") != "") {
		return false
	}
	if name == "index.docker.io" || name != "localhost" && !strings.Contains(name, ".") {
		return false
	}
	for label := range strings.SplitSeq(name, ".") {
		if label == "" || label[0] == '-' || label[len(label)-1] == '-' || !isUsualWord(strings.ReplaceAll(label, "-", "0")) {
			return false
		}
	}
	return true
}

// isUsualPath knows words of small letters and digits with a dash, a dot or an underscore between them.
func isUsualPath(path string) bool {
	for component := range strings.SplitSeq(path, "/") {
		start := 0
		for i := range len(component) {
			if c := component[i]; c != '-' && c != '.' && c != '_' {
				continue
			}
			if !isUsualWord(component[start:i]) {
				return false
			}
			start = i + 1
		}
		if !isUsualWord(component[start:]) {
			return false
		}
	}
	return true
}

// isUsualWord knows small letters and digits.
func isUsualWord(word string) bool {
	for i := range len(word) {
		if c := word[i]; (c < 'a' || c > 'z') && !isDigit(c) {
			return false
		}
	}
	return word != ""
}

func isUsualTag(tag string) bool {
	for i := range len(tag) {
		c := tag[i]
		letter := c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || isDigit(c) || c == '_'
		if !letter && (i == 0 || c != '.' && c != '-') {
			return false
		}
	}
	return tag != "" && len(tag) <= 128
}
