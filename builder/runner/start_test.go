package runner

import (
	"errors"
	"os"
	"path/filepath"
	"testing"

	"golang.org/x/sys/unix"
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

// TestOverlay runs in an overlay that is mounted for the process alone, and in one that cannot be.
func TestOverlay(t *testing.T) {
	lower, dir := busybox(t, ""), t.TempDir()
	for _, name := range []string{"upper", "work", "merged", "run"} {
		if err := os.Mkdir(filepath.Join(dir, name), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	merged := filepath.Join(dir, "merged")
	s := Spec{
		ID: "overlay", Dir: filepath.Join(dir, "run"), Rootfs: merged, Network: None,
		Overlay: "lowerdir=" + lower + ",upperdir=" + filepath.Join(dir, "upper") + ",workdir=" + filepath.Join(dir, "work"),
		Args:    []string{"/bin/busybox", "touch", "/made"},
	}
	if code, err := Run(t.Context(), s); code != 0 || err != nil {
		t.Fatalf("%d, %v", code, err)
	}
	if _, err := os.Stat(filepath.Join(dir, "upper", "made")); err != nil {
		t.Error(err)
	}
	if left, err := os.ReadDir(merged); err != nil || len(left) != 0 {
		t.Errorf("it is mounted here, too: %v, %v", left, err)
	}
	s.Overlay = "nonsense"
	var failed *Error
	if code, err := Run(t.Context(), s); code != ExitFailed || !errors.As(err, &failed) || failed.Mount != unix.EINVAL {
		t.Errorf("%d, %v", code, err)
	}
}
