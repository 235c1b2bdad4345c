package copying

import "testing"

func TestMode(t *testing.T) {
	for _, test := range []struct {
		text  string
		isDir bool
		from  uint32
		want  uint32
	}{
		{"755", false, 0o600, 0o755},
		{"4711", false, 0o600, 0o4711},
		{"u=rwX,go=rX", false, 0o600, 0o644},
		{"u=rwX,go=rX", false, 0o700, 0o755},
		{"u=rwX,go=rX", true, 0o600, 0o755},
		{"a+x", false, 0o644, 0o755},
		{"go-rwx", true, 0o777, 0o700},
		{"u+s,+t", false, 0o755, 0o5755},
		{"o=", false, 0o777, 0o770},
	} {
		m, err := ParseMode(test.text)
		if err != nil {
			t.Errorf("%s: %v", test.text, err)
			continue
		}
		if got := m.apply(test.from, test.isDir); got != test.want {
			t.Errorf("%s of %o: %o, not %o", test.text, test.from, got, test.want)
		}
	}
	for _, text := range []string{"", "rw", "8", "77777", "u=q", "x+r"} {
		if _, err := ParseMode(text); err == nil {
			t.Errorf("%q passes", text)
		}
	}
}
