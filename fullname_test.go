package imagefs

import (
	"strings"
	"testing"

	"github.com/distribution/reference"
)

func TestFullName(t *testing.T) {
	digest := "@sha256:" + strings.Repeat("0123456789abcdef", 4)
	for _, word := range []string{
		"alpine", "alpine:3.19", "alpine" + digest, "library/alpine", "me/app:1", "library/a/b:1", "a/library/b", "localhost/x",
		"localhost:5000/x:y", "127.0.0.1:5000/a/b/c" + digest, "[::1]:5000/x:1", "quay.io/library/x", "docker.io/a/b",
		"index.docker.io/x:1", "registry.example/library/x:1",
	} {
		named, err := reference.ParseDockerRef(word)
		if err != nil {
			t.Fatal(err)
		}
		got, ok := parseFullName(named.String())
		if !ok || got.String() != reference.FamiliarString(named) || got.repository != named.Name() || got.familiar() != reference.FamiliarName(named) {
			t.Errorf("%s: %+v, %s; want %s", named, got, got, reference.FamiliarString(named))
		}
	}
	if _, ok := parseFullName(""); ok {
		t.Error("the empty name is one")
	}
}
