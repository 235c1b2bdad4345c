package runner

import (
	"os"
	"testing"
)

// TestStartAndClose starts a runner that is not to run anything.
func TestStartAndClose(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("needs root: namespaces")
	}
	dir := t.TempDir()
	for range 3 {
		r, err := Start(Spec{Dir: dir})
		if err != nil {
			t.Fatal(err)
		}
		r.Close()
		if r.cmd.ProcessState == nil {
			t.Error("it has not ended")
		}
	}
	left, err := os.ReadDir(dir)
	if err != nil || len(left) != 0 {
		t.Errorf("%v, %v", left, err)
	}
}
