package store_test

import (
	"context"
	"encoding/json"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/imagefs/imagefs/store"
	"github.com/imagefs/imagefs/store/storetest"
)

// churnRoot, in the environment, makes this test binary a program that pulls the image in the file killImage, removes it
// and collects, until it is killed.
const churnRoot = "IMAGEFS_TEST_CHURN_ROOT"

func churn(root string) error {
	var img storetest.Image
	data, err := os.ReadFile(os.Getenv(killImage))
	if err != nil {
		return err
	}
	if err := json.Unmarshal(data, &img); err != nil {
		return err
	}
	ctx := context.Background()
	s, err := store.Open(root)
	if err != nil {
		return err
	}
	for {
		if err := pullClaimed(ctx, s, img, killName); err != nil {
			return err
		}
		if _, err := s.Update(ctx, removal(img.ID)); err != nil {
			return err
		}
		if _, err := s.Collect(ctx); err != nil {
			return err
		}
	}
}

// TestKilledCollection pulls and removes images while another process, which is killed and started again, does so with an
// image that shares their layers, and collects.
func TestKilledCollection(t *testing.T) {
	s := storetest.New(t)
	all := shapes(t)
	file := filepath.Join(t.TempDir(), "image")
	if err := os.WriteFile(file, marshal(t, all["gzip"]), 0o644); err != nil {
		t.Fatal(err)
	}
	t.Setenv(killImage, file)
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() {
		defer close(done)
		for ctx.Err() == nil {
			killChurn(t, s.Dir())
		}
	}()
	for range 3 {
		for _, name := range []string{"base", "tar", "zstd", "scratch"} {
			img := all[name]
			if err := pullClaimed(t.Context(), s, img, box+":"+name); err != nil {
				t.Fatalf("%s: %v", name, err)
			}
			other := storetest.Open(t, s.Dir())
			if published := other.Snapshot().Image(img.ID); published == nil {
				t.Errorf("%s is not there", name)
			} else {
				checkImage(t, other, published)
			}
			update(t, s, store.Change{Remove: img.ID})
		}
	}
	cancel()
	<-done
	for _, img := range all {
		if err := pullClaimed(t.Context(), s, img, box+":last"); err != nil {
			t.Fatal(err)
		}
		checkImage(t, s, s.Snapshot().Image(img.ID))
		update(t, s, store.Change{Remove: img.ID})
	}
	collect(t, storetest.Open(t, s.Dir()))
	if left := files(t, s.Dir()); len(left) != 5 {
		t.Errorf("left over: %q", left)
	}
	if claims, err := filepath.Glob(filepath.Join(s.Dir(), "ingest", "claim-*")); err != nil || len(claims) > 0 {
		t.Errorf("left over: %q, %v", claims, err)
	}
}

// killChurn runs the program and kills it after a while.
func killChurn(t *testing.T, root string) {
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), churnRoot+"="+root, "GORACE=atexit_sleep_ms=0")
	cmd.Stderr = os.Stderr
	if err := cmd.Start(); err != nil {
		t.Error(err)
		return
	}
	timer := time.AfterFunc(time.Duration(50+rand.IntN(250))*time.Millisecond, func() { cmd.Process.Kill() })
	if err := cmd.Wait(); timer.Stop() {
		t.Errorf("the program failed: %v", err)
	}
}
