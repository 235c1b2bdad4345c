package runner

import (
	"errors"
	"strings"
	"testing"
)

func TestJudge(t *testing.T) {
	for version, want := range map[string]string{
		"1.0.3":             "too old",
		"1.0.0~rc93+ds1":    "too old",
		"1.1.0":             "(CVE-2024-21626, CVE-2025-31133)",
		"1.1.11":            "CVE-2025-31133",
		"1.1.15":            "containers (CVE-2025-31133)",
		"1.2.7":             "CVE-2025-31133",
		"1.2.8":             "",
		"1.3.2":             "CVE-2025-31133",
		"1.3.0-rc.1":        "CVE-2025-31133",
		"1.3.3":             "",
		"1.4.0":             "",
		"1.5.1":             "",
		"2.0.0":             "",
		"1.1.5+ds1":         "", // Debian's
		"1.1.4-0ubuntu1~22": "",
		"unknown":           "",
	} {
		warning, err := judge("runc version " + version + "\ncommit: x\n")
		var failed *Error
		if errors.As(err, &failed) {
			warning = failed.Message
		}
		if want == "" && (warning != "" || err != nil) || !strings.Contains(warning, want) {
			t.Errorf("%s: %q, %v", version, warning, err)
		}
	}
}
