package imagefs

import (
	"context"
	"errors"
	"testing"
	"time"
)

// mounted is a process for each RUN of a Dockerfile.
func mounted(t *testing.T, text string) (all []*process) {
	t.Helper()
	s := newTestBuild(t, nil, text)
	for _, command := range s.runs(t) {
		mounts, err := s.mounts(t.Context(), command)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, &process{buildStage: s, mounts: mounts})
	}
	return all
}

// TestCacheMountIsLocked: with sharing=locked, and private, nobody else who says so has the directory.
func TestCacheMountIsLocked(t *testing.T) {
	all := mounted(t, `FROM scratch
RUN --mount=type=cache,target=/a,id=x,sharing=locked --mount=type=cache,target=/b,id=x,sharing=private true
RUN --mount=type=cache,target=/a,id=x,sharing=private true
RUN --mount=type=cache,target=/a,id=x,sharing=shared --mount=type=cache,target=/b,id=y,sharing=locked true
`)
	unlock, err := all[0].lockMounts(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	short, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	if _, err := all[1].lockMounts(short); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("a cache that is locked: %v", err)
	}
	if other, err := all[2].lockMounts(t.Context()); err != nil {
		t.Errorf("one that is shared, and another: %v", err)
	} else {
		other()
	}
	time.AfterFunc(20*time.Millisecond, unlock)
	if unlock, err = all[1].lockMounts(t.Context()); err != nil {
		t.Fatalf("one that was unlocked: %v", err)
	}
	unlock()
}

// TestSecretKeys: a secret's value is no part of a step, but where it is seen is.
func TestSecretKeys(t *testing.T) {
	s := newTestBuild(t, nil, `FROM scratch
RUN --mount=type=secret,id=x,env=A true
RUN --mount=type=secret,id=x,env=B true
RUN --mount=type=secret,id=x true
`)
	keys := map[string]bool{}
	for _, value := range []string{"one", "two"} {
		s.req.Secrets = map[string][]byte{"x": []byte(value)}
		for _, command := range s.runs(t) {
			mounts, err := s.mounts(t.Context(), command)
			if err != nil {
				t.Fatal(err)
			}
			keys[mounts[0].key] = true
		}
	}
	if len(keys) != 3 {
		t.Errorf("%v", keys)
	}
}
