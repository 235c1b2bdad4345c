package registry

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestParseChallenges(t *testing.T) {
	for value, want := range map[string][]challenge{
		``:                         nil,
		`Basic`:                    {{"basic", map[string]string{}}},
		`Basic realm="a b, \"c\""`: {{"basic", map[string]string{"realm": `a b, "c"`}}},
		`Bearer realm="https://x/token",service=x,scope="repository:a:pull,push"`: {
			{"bearer", map[string]string{"realm": "https://x/token", "service": "x", "scope": "repository:a:pull,push"}},
		},
		`Negotiate, Basic REALM = x , Bearer realm="y"`: {
			{"negotiate", map[string]string{}},
			{"basic", map[string]string{"realm": "x"}},
			{"bearer", map[string]string{"realm": "y"}},
		},
		`NTLM TlRMTVNTUAAB==, Basic realm="x"`: {
			{"ntlm", map[string]string{"tlrmtvntuaab": ""}},
			{"basic", map[string]string{"realm": "x"}},
		},
		`Bearer realm="open`: {{"bearer", map[string]string{"realm": "open"}}},
		`="x"`:               nil,
	} {
		if diff := cmp.Diff(want, parseChallenges([]string{value}), cmp.AllowUnexported(challenge{})); diff != "" {
			t.Errorf("%s: %s", value, diff)
		}
	}
}

func FuzzParseChallenges(f *testing.F) {
	f.Add(`Bearer realm="https://x/token",service=x,scope="repository:a:pull,push", Basic realm=x`)
	f.Add(`NTLM a==, "=`)
	f.Fuzz(func(t *testing.T, value string) {
		for _, c := range parseChallenges([]string{value}) {
			if c.scheme == "" || c.params == nil {
				t.Errorf("%q: %v", value, c)
			}
		}
	})
}
