package imagefs_test

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/imagefs/imagefs"
	"github.com/imagefs/imagefs/store/layer/layertest"
)

func TestImport(t *testing.T) {
	b := newBench(t)
	tar := layertest.Tar(t, layertest.File("hello", "world"))
	var r record
	img, err := b.Import(t.Context(), imagefs.ImportRequest{
		Source: bytes.NewReader(tar), Ref: "web", Message: "by hand", Platform: "linux/arm/v7",
		Changes: []string{
			"CMD echo $HOME", `ENTRYPOINT ["/bin/sh"]`, "ENV A=b C=d", "ENV A=$C", "EXPOSE 80 7000-7001/udp", "LABEL a=$A",
			"ONBUILD RUN true", "STOPSIGNAL SIGINT", "USER me", "VOLUME /data /cache", "WORKDIR /srv", "WORKDIR www",
			"HEALTHCHECK --interval=5s CMD true",
		},
	}, &r)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{img.ID.String()}, r.lines); diff != "" {
		t.Error(diff)
	}
	text, err := imagefs.Inspect(b.Store(), b.Store().Snapshot(), img)
	if err != nil {
		t.Fatal(err)
	}
	var inspected []imagefs.ImageInspect
	if err := json.Unmarshal(text, &inspected); err != nil {
		t.Fatal(err)
	}
	got := inspected[0]
	want := imagefs.ContainerConfig{
		User: "me", Env: []string{"A=d", "C=d"}, Cmd: []string{"/bin/sh", "-c", "echo $HOME"}, WorkingDir: "/srv/www",
		Entrypoint: []string{"/bin/sh"}, OnBuild: []string{"RUN true"}, Labels: map[string]string{"a": "d"}, StopSignal: "SIGINT",
		ExposedPorts: map[string]struct{}{"80/tcp": {}, "7000/udp": {}, "7001/udp": {}},
		Volumes:      map[string]struct{}{"/data": {}, "/cache": {}},
		Healthcheck:  &imagefs.Healthcheck{Test: []string{"CMD-SHELL", "true"}, Interval: 5e9},
	}
	if diff := cmp.Diff(want, *got.Config); diff != "" {
		t.Error(diff)
	}
	if got.Comment != "by hand" || got.Architecture+got.Variant != "armv7" || got.RepoTags[0] != "web:latest" {
		t.Errorf("got %+v", got)
	}
	tree, err := b.Store().Tree(img)
	if err != nil {
		t.Fatal(err)
	}
	if _, ok, err := tree.Walk("hello"); !ok || err != nil {
		t.Errorf("hello: %v, %v", ok, err)
	}
}

func TestImportFails(t *testing.T) {
	b := newBench(t)
	tar := string(layertest.Tar(t, layertest.File("hello", "world")))
	load := func(source string, req imagefs.ImportRequest) error {
		req.Source = strings.NewReader(source)
		_, err := b.Import(t.Context(), req, &record{})
		return err
	}
	checkFailures(t, "import", []failure{
		{"bad name", imagefs.Invalid, "must be lowercase", load(tar, imagefs.ImportRequest{Ref: "UP"})},
		{"bad platform", imagefs.Invalid, "a/b/c/d", load(tar, imagefs.ImportRequest{Platform: "a/b/c/d"})},
		{"not a change", imagefs.Invalid, "run is not a valid change command", load(tar, imagefs.ImportRequest{Changes: []string{"RUN true"}})},
		{"bad port", imagefs.Invalid, "invalid containerPort: http", load(tar, imagefs.ImportRequest{Changes: []string{"EXPOSE http"}})},
		{"no tar", imagefs.Corrupt, "not a valid layer", load(strings.Repeat("no tar", 1000), imagefs.ImportRequest{})},
	})
	if snap := b.Store().Snapshot(); len(snap.Images) > 0 {
		t.Errorf("left %v", snap.Images)
	}
}
