package runner

import (
	"bytes"
	"encoding/json"
	"os"
	"os/exec"
	"testing"

	"golang.org/x/sys/unix"
)

// TestShortProcess: what ends as soon as it has started has started, and that is reported before anything else is.
func TestShortProcess(t *testing.T) {
	for range 20 {
		var life [2]int // whose end would end this process
		if err := unix.Pipe2(life[:], unix.O_CLOEXEC); err != nil {
			t.Fatal(err)
		}
		var out bytes.Buffer
		h := helper{dir: t.TempDir(), life: os.NewFile(uintptr(life[0]), "life"), out: json.NewEncoder(&out)}
		if err := h.follow(exec.Command("sh", "-c", "printf 1 > $0/new; mv $0/new $0/pid", h.dir)); err != nil {
			t.Fatal(err)
		}
		if got := out.String(); got != "{\"Started\":true}\n" {
			t.Fatalf("reported %q", got)
		}
	}
}
