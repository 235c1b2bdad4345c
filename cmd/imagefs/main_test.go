package main

import (
	"context"
	"fmt"
	"os"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"
	"golang.org/x/sys/unix"

	"github.com/imagefs/imagefs/builder/container"
)

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"imagefs": main})
}

// TestScripts runs testdata/script/*.txtar on the binary, with a registry at $REG that has the images of fillRegistry.
func TestScripts(t *testing.T) {
	reg := fillRegistry(t)
	testscript.Run(t, testscript.Params{
		Dir: "testdata/script",
		Condition: func(condition string) (bool, error) {
			if condition == "mounts" {
				return container.MayMount(), nil
			}
			return false, fmt.Errorf("unknown condition %s", condition)
		},
		Setup: func(env *testscript.Env) error {
			env.Setenv("REG", reg.Host)
			env.Setenv("IMAGEFS_ROOT", env.WorkDir+"/root")
			env.Setenv("DOCKER_CONFIG", env.WorkDir)
			env.Setenv("TZ", "UTC")
			env.Defer(func() { endContainers(t, env.WorkDir+"/root") })
			env.Setenv("GORACE", "atexit_sleep_ms=0") // or each command of a race-detecting test takes a second more
			return os.Mkdir(env.WorkDir+"/home", 0o755)
		},
	})
}

// endContainers ends what a script that failed has left running.
func endContainers(t *testing.T, root string) {
	all, err := container.List(root)
	if err != nil {
		t.Error(err)
	}
	for _, c := range all {
		if err := c.Signal(unix.SIGKILL); err != nil {
			continue // nothing runs in it
		}
		if err := c.Wait(context.Background()); err != nil {
			t.Error(err)
		}
	}
}
