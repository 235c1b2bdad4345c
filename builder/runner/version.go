package runner

import (
	"fmt"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// CheckRunc tells what is wrong with this machine's runc: an [*Error] of one that is too old, a warning of one that
// lets processes break out, and "" otherwise. Of one that is not there [Run] tells.
func CheckRunc() (warning string, err error) {
	for _, dir := range filepath.SplitList(defaultPath) { // as the helper looks for it
		path, err := exec.LookPath(filepath.Join(dir, "runc"))
		if err != nil {
			continue
		}
		output, err := exec.Command(path, "--version").Output()
		if err != nil {
			return "", fmt.Errorf("%s --version: %w", path, err)
		}
		return judge(string(output))
	}
	return "", nil
}

// release is a version, major, minor and patch.
type release [3]int

func (r release) String() string { return fmt.Sprintf("%d.%d.%d", r[0], r[1], r[2]) }

func (r release) before(o release) bool { return slices.Compare(r[:], o[:]) < 0 }

// oldest is the first runc that works here.
var oldest = release{1, 1, 0}

// escapes are known ways out of a container, and the releases, a branch each, that were the first to close them.
var escapes = []struct {
	name  string
	fixed []release
}{
	{"CVE-2024-21626", []release{{1, 1, 12}, {1, 2, 0}}},
	{"CVE-2025-31133", []release{{1, 2, 8}, {1, 3, 3}, {1, 4, 0}}},
}

// isOpen tells whether a release is older than the first of its branch that has a fix. A branch without one has it if
// it is newer than all.
func isOpen(r release, fixed []release) bool {
	for _, first := range fixed {
		if r[0] == first[0] && r[1] == first[1] {
			return r.before(first)
		}
	}
	return r.before(fixed[len(fixed)-1])
}

// versionLine is the first line of runc --version: a release, and what is behind it.
var versionLine = regexp.MustCompile(`^runc version (\d+)\.(\d+)\.(\d+)(\S*)`)

// judge reads what runc --version says. What a distribution has built, which its version's end tells, may have fixes
// that the release lacks: of that there is no warning.
func judge(output string) (warning string, err error) {
	parts := versionLine.FindStringSubmatch(output)
	if parts == nil {
		return "", nil // another program
	}
	var r release
	for i := range r {
		r[i], _ = strconv.Atoi(parts[1+i]) // digits
	}
	if r.before(oldest) {
		return "", &Error{Code: ExitFailed, Message: fmt.Sprintf("runc %s is too old: it is to be %s or newer", r, oldest)}
	}
	if parts[4] != "" && !strings.HasPrefix(parts[4], "-rc") {
		return "", nil
	}
	var open []string
	for _, e := range escapes {
		if isOpen(r, e.fixed) {
			open = append(open, e.name)
		}
	}
	if len(open) == 0 {
		return "", nil
	}
	return fmt.Sprintf("runc %s lets processes break out of containers (%s): install a newer one", r, strings.Join(open, ", ")), nil
}
