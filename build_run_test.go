package imagefs

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/moby/buildkit/frontend/dockerfile/instructions"

	"github.com/imagefs/imagefs/registry"
	"github.com/imagefs/imagefs/store/storetest"
)

// newTestBuild is a build of a Dockerfile, and what its last stage begins with, which is scratch.
func newTestBuild(t *testing.T, e *Engine, text string) *buildStage {
	t.Helper()
	if e == nil {
		e = New(storetest.New(t), registry.New(registry.Options{}))
	}
	b, err := e.newBuild(BuildRequest{Text: []byte(text)}, silent{})
	if err != nil {
		t.Fatal(err)
	}
	if b.claim, err = e.store.Claim(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { b.claim.Close() })
	run := &stageRun{transcript: newTranscript(), stage: b.plan.Target()}
	s, err := b.from(t.Context(), run.stage, b.newStageReport(run))
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// runs are the stage's RUN instructions.
func (s *buildStage) runs(t *testing.T) (all []*instructions.RunCommand) {
	t.Helper()
	for _, command := range s.stage.Commands {
		if err := s.file.Expand(command, s.variables()); err != nil {
			t.Fatal(err)
		}
		if run, ok := command.(*instructions.RunCommand); ok {
			all = append(all, run)
		}
	}
	return all
}

// TestScriptStaysInside: a heredoc's name chooses no path on the host.
func TestScriptStaysInside(t *testing.T) {
	s := newTestBuild(t, nil, "FROM scratch\nRUN <<one\n#!/bin/a\none\nRUN <<two\n#!/bin/a\ntwo\n")
	keys := map[string]bool{}
	for _, command := range s.runs(t) {
		line, m, err := commandOf(command)
		if err != nil || len(line) != 1 || line[0] != m.target {
			t.Fatalf("%q, %v, %v", line, m, err)
		}
		dir := t.TempDir()
		made, err := m.make(t.Context(), dir)
		if err != nil || made.Source != filepath.Join(dir, "script") || made.Destination != m.target {
			t.Errorf("%+v, %v", made, err)
		}
		keys[m.key] = true
	}
	if len(keys) != 2 {
		t.Errorf("two targets have the keys %v", keys)
	}
	evil := filepath.Join(t.TempDir(), "evil")
	for _, name := range []string{"../../../../../../../../.." + evil, "a/b", "..", "."} {
		s := newTestBuild(t, nil, "FROM scratch\nRUN <<"+name+"\n#!/bin/a\n"+name+"\n")
		_, m, err := commandOf(s.runs(t)[0])
		if KindOf(err) != Invalid || !strings.Contains(err.Error(), "invalid heredoc name") {
			t.Errorf("%s: %+v, %v", name, m, err)
		}
	}
	if _, err := os.Lstat(evil); err == nil {
		t.Error("a heredoc was written to the host")
	}
}
