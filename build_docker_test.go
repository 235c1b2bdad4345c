package imagefs_test

import (
	"archive/tar"
	"bytes"
	"context"
	"fmt"
	"io"
	"maps"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/imagefs/imagefs"
	"github.com/imagefs/imagefs/scripts/peers"
)

// dockerfiles are built by docker's classic builder and by us: the same config and the same files, or both fail. {tar} is
// the article's base: a file system with directories, symlinks and accounts.
var dockerfiles = []struct {
	name, text string
	req        imagefs.BuildRequest
	fails      bool
}{
	{name: "env", text: "FROM scratch\nCOPY empty /\nENV A=b C=\"d e\" F=${A}x\nENV old style value\nENV A=${A:-z} G=${H:-h} I=${A:+i} J=\\$A K='$A'\n"},
	{name: "labels", text: "FROM scratch\nCOPY empty /\nLABEL a=b \"c d\"=\"e f\"\nLABEL multi=\"line \\\nmore\"\nENV X=y\nLABEL x=$X\n"},
	{name: "args", text: "ARG G=global\nFROM scratch\nCOPY empty /\nARG G\nARG A=default\nARG B\nARG C=${A}c\nENV a=$A b=$B c=$C g=$G\n", req: imagefs.BuildRequest{Args: []string{"A=given"}}},
	{name: "arg and env", text: "FROM scratch\nCOPY empty /\nENV A=env\nARG A=arg\nENV b=$A\n"},
	{name: "arg of a path", text: "FROM scratch\nARG F=a.txt\nARG D=/d/\nCOPY $F ${D}\n"},
	{name: "cmd", text: "FROM scratch\nCOPY empty /\nCMD echo hi\n"},
	{name: "cmd exec", text: "FROM scratch\nCOPY empty /\nCMD [\"a\", \"b c\"]\n"},
	{name: "entrypoint", text: "FROM scratch\nCOPY empty /\nCMD x\nENTRYPOINT [\"/e\"]\n"},
	{name: "entrypoint shell", text: "FROM scratch\nCOPY empty /\nENTRYPOINT exec top\n"},
	{name: "shell", text: "FROM scratch\nCOPY empty /\nSHELL [\"/bin/bash\", \"-c\"]\nCMD echo\nENTRYPOINT x\n"},
	{name: "expose", text: "FROM scratch\nCOPY empty /\nENV P=99\nEXPOSE 80 443/tcp 53/udp $P 1000-1003\n"},
	{name: "volume", text: "FROM scratch\nCOPY empty /\nVOLUME /a /b\nVOLUME [\"/c d\"]\n"},
	{name: "user", text: "FROM scratch\nCOPY empty /\nUSER web:www\n"},
	{name: "workdir", text: "FROM scratch\nCOPY empty /\nWORKDIR /a\nWORKDIR b/../c\nENV D=/d\nWORKDIR $D/e\n"},
	{name: "workdir and copy", text: "FROM scratch\nWORKDIR /a/b\nCOPY a.txt .\nCOPY b.txt ./x/\nCOPY c.md ../y\n"},
	{name: "stopsignal", text: "FROM scratch\nCOPY empty /\nSTOPSIGNAL SIGQUIT\n"},
	{name: "healthcheck", text: "FROM scratch\nCOPY empty /\nHEALTHCHECK --interval=5m --timeout=3s --retries=4 --start-period=1s CMD curl -f localhost\n"},
	{name: "healthcheck exec", text: "FROM scratch\nCOPY empty /\nHEALTHCHECK CMD [\"a\",\"b\"]\n"},
	{name: "no healthcheck", text: "FROM scratch\nCOPY empty /\nHEALTHCHECK CMD x\nHEALTHCHECK NONE\n"},
	{name: "maintainer", text: "FROM scratch\nCOPY empty /\nMAINTAINER me <a@b>\n"},
	{name: "onbuild", text: "FROM scratch\nCOPY empty /\nONBUILD COPY x /y\nONBUILD ENV A=$B\n"},
	{name: "comments", text: "# escape=`\n# comment\nFROM scratch\n# another\nCOPY `\n  a.txt `\n  # inside\n  b.txt /d/\n"},
	{name: "case", text: "from scratch\ncopy a.txt /\nenv A b\n"},
	{name: "target", text: "FROM scratch AS one\nCOPY a.txt /\nFROM scratch AS two\nCOPY b.txt /\n", req: imagefs.BuildRequest{Target: "one"}},
	{name: "label option", text: "FROM scratch\nCOPY empty /\n", req: imagefs.BuildRequest{Labels: []string{"a=b c", "d="}}},

	{name: "file", text: "FROM scratch\nCOPY a.txt /x\n"},
	{name: "file into a directory", text: "FROM scratch\nCOPY a.txt /x/y/\n"},
	{name: "file to the root", text: "FROM scratch\nCOPY a.txt /\n"},
	{name: "files", text: "FROM scratch\nCOPY a.txt b.txt /d/\n"},
	{name: "spaces", text: "FROM scratch\nCOPY [\"a file\", \"/the dir/\"]\n"},
	{name: "directory", text: "FROM scratch\nCOPY dir /d\n"},
	{name: "directory with a slash", text: "FROM scratch\nCOPY dir/ /d/\n"},
	{name: "everything", text: "FROM scratch\nCOPY . /all/\n"},
	{name: "modes", text: "FROM scratch\nCOPY modes /m/\nCOPY script.sh /bin/\n"},
	{name: "wildcard", text: "FROM scratch\nCOPY *.txt /w/\n"},
	{name: "wildcard of one", text: "FROM scratch\nCOPY *.md /w\n"},
	{name: "wildcard of directories", text: "FROM scratch\nCOPY */one /w/\nCOPY ?.txt /q/\nCOPY [ab].txt /c/\n"},
	{name: "directories", text: "FROM scratch\nCOPY dir other /d/\n"},
	{name: "over a directory", text: "FROM scratch\nCOPY dir /d/\nCOPY other /d/\nCOPY a.txt /d/sub/two\n"},
	{name: "file over a file", text: "FROM scratch\nCOPY a.txt /f\nCOPY b.txt /f\n"},
	{name: "file over a link", text: "FROM scratch\nCOPY dir /d/\nCOPY b.txt /d/link\n"},
	{name: "followed link", text: "FROM scratch\nCOPY filelink /f\nCOPY dirlink /d/\n"},
	{name: "below a link", text: "FROM scratch\nCOPY dirlink/sub /d/\n"},
	{name: "leading slash", text: "FROM scratch\nCOPY /a.txt /f\n"},
	{name: "chown", text: "FROM scratch\nCOPY --chown=12:34 dir /d/\nCOPY --chown=56 a.txt /n/e/w/\n"},
	{name: "chown by name", text: "FROM scratch\nCOPY passwd group /etc/\nCOPY --chown=web:www dir /d/\n"},
	{name: "from", text: "FROM scratch AS one\nCOPY dir /d/\nFROM scratch\nCOPY --from=one /d/sub /s/\nCOPY --from=0 d/one /\n"},
	{name: "from a stage", text: "FROM scratch AS one\nCOPY dir /d/\nENV A=b\nFROM one AS two\nCOPY a.txt /\nFROM two\nENV C=$A\n"},
	{name: "add", text: "FROM scratch\nADD a.txt /x\nADD dir /d/\n"},
	{name: "add tar", text: "FROM scratch\nADD t.tar /t/\n"},
	{name: "add compressed tars", text: "FROM scratch\nADD t.tar.gz /gz/\nADD t.tar.bz2 /bz2/\nADD t.tar.xz /xz\n"},
	{name: "copy tar", text: "FROM scratch\nCOPY t.tar /t/\n"},
	{name: "add tar over", text: "FROM scratch\nCOPY dir /d/\nADD t.tar /d/\n"},

	{name: "onbuild of a stage", text: "FROM scratch AS one\nONBUILD COPY a.txt /on/\nONBUILD ENV A=b\nCOPY empty /\nFROM one\nCOPY b.txt /on/\n"},
	{name: "config of a stage", text: "FROM scratch AS one\nCOPY empty /\nCMD x\nEXPOSE 1\nLABEL a=b\nVOLUME /v\nFROM one\nENTRYPOINT [\"e\"]\nEXPOSE 2\nLABEL c=d\nVOLUME /w\n"},

	{name: "no such file", text: "FROM scratch\nCOPY nope /\n", fails: true},
	{name: "no match", text: "FROM scratch\nCOPY nope* /\n", fails: true},
	{name: "several to a file", text: "FROM scratch\nCOPY a.txt b.txt /f\n", fails: true},
	{name: "directory over a file", text: "FROM scratch\nCOPY a.txt /f\nCOPY dir /f\n", fails: true},
	{name: "unknown instruction", text: "FROM scratch\nNOPE\n", fails: true},
	{name: "unknown flag", text: "FROM scratch\nCOPY --nope a.txt /\n", fails: true},
	{name: "no from", text: "ENV A=b\n", fails: true},
	{name: "no such stage", text: "FROM scratch\nCOPY --from=7 a /\n", fails: true},
	{name: "no such target", text: "FROM scratch\nCOPY empty /\n", req: imagefs.BuildRequest{Target: "x"}, fails: true},
	{name: "bad port", text: "FROM scratch\nEXPOSE http\n", fails: true},
	{name: "bad signal", text: "FROM scratch\nCOPY empty /\nSTOPSIGNAL NOPE\n", fails: true},
	{name: "bad env", text: "FROM scratch\nENV A\n", fails: true},
	{name: "bad trigger", text: "FROM scratch\nONBUILD ONBUILD ENV A=b\n", fails: true},
	{name: "no such user", text: "FROM scratch\nCOPY --chown=nobody a.txt /\n", fails: true},
}

// TestBuildAsDocker compares with a real dockerd's classic builder.
func TestBuildAsDocker(t *testing.T) {
	if missing := peers.Missing("dockerd", "docker", "runc", "bzip2", "xz"); len(missing) > 0 || os.Geteuid() != 0 {
		t.Skipf("needs root and what docker.io, bzip2 and xz-utils bring; missing: %v", missing)
	}
	dir, err := os.MkdirTemp("", "docker")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	docker, err := peers.StartDocker(dir, "127.0.0.1:1")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(docker.Close)
	b := newBench(t)
	files := newContext(t, "")
	var built []string
	type answer struct {
		said string
		err  error
	}
	answers := make([]answer, len(dockerfiles))
	var workers sync.WaitGroup
	for worker := range 2 {
		files := newContext(t, "")
		workers.Go(func() {
			for i := worker; i < len(dockerfiles); i += 2 {
				if err := os.WriteFile(filepath.Join(files, "Dockerfile"), []byte(dockerfiles[i].text), 0o644); err != nil {
					answers[i].err = err
					continue
				}
				answers[i].said, answers[i].err = docker.Run(t.Context(), dockerBuildArgs(dockerfiles[i].req, fmt.Sprint("t", i), files)...)
			}
		})
	}
	workers.Wait()
	for i, d := range dockerfiles {
		writeFile(t, filepath.Join(files, "Dockerfile"), d.text)
		tag := fmt.Sprint("t", i)
		d.req.Tags = []string{tag}
		_, _, ours := b.tryBuild(files, d.req)
		said, theirs := answers[i].said, answers[i].err
		if (ours != nil) != d.fails || (theirs != nil) != d.fails {
			t.Errorf("%s: ours %v\ndocker's %v %s", d.name, ours, theirs, said)
			continue
		}
		if !d.fails {
			built = append(built, tag)
		}
	}
	theirs := dockerSaves(t, docker, built)
	ours := weSave(t, b, built)
	for i, d := range dockerfiles {
		tag := fmt.Sprint("t", i)
		if !slices.Contains(built, tag) {
			continue
		}
		if diff := cmp.Diff(theirs[tag], ours[tag]); diff != "" {
			t.Errorf("%s (-docker +ours):\n%s", d.name, diff)
		}
	}
}

func dockerBuildArgs(req imagefs.BuildRequest, tag, dir string) []string {
	args := []string{"build", "-t", tag}
	for _, arg := range req.Args {
		args = append(args, "--build-arg", arg)
	}
	for _, label := range req.Labels {
		args = append(args, "--label", label)
	}
	if req.Target != "" {
		args = append(args, "--target", req.Target)
	}
	return append(args, dir)
}

// saved is what is compared of an image.
type saved struct {
	Config map[string]any
	Author string
	Files  []string
}

func dockerSaves(t *testing.T, docker *peers.Docker, tags []string) map[string]saved {
	t.Helper()
	cmd := docker.Command(t.Context(), append([]string{"save"}, tags...)...)
	out, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	return readSaved(t, out)
}

func weSave(t *testing.T, b *bench, tags []string) map[string]saved {
	t.Helper()
	var out bytes.Buffer
	if err := b.Save(context.Background(), imagefs.SaveRequest{Refs: tags}, &out); err != nil {
		t.Fatal(err)
	}
	return readSaved(t, out.Bytes())
}

// readSaved reads a docker archive.
func readSaved(t *testing.T, archive []byte) map[string]saved {
	t.Helper()
	files, links := map[string][]byte{}, map[string]string{}
	for r := tar.NewReader(bytes.NewReader(archive)); ; {
		h, err := r.Next()
		if err == io.EOF {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		if files[h.Name], err = io.ReadAll(r); err != nil {
			t.Fatal(err)
		}
		if h.Typeflag == tar.TypeSymlink {
			links[h.Name] = path.Join(path.Dir(h.Name), h.Linkname)
		}
	}
	for name, to := range links {
		files[name] = files[to]
	}
	var manifest []struct {
		Config           string
		RepoTags, Layers []string
	}
	unmarshal(t, files["manifest.json"], &manifest)
	all := map[string]saved{}
	for _, m := range manifest {
		var c struct {
			Config map[string]any
			Author string
		}
		unmarshal(t, files[m.Config], &c)
		for _, own := range []string{"Hostname", "Domainname", "Image"} { // of the container of the last step
			delete(c.Config, own)
		}
		merged := map[string]string{}
		for _, layer := range m.Layers {
			merge(t, merged, files[layer])
		}
		for _, tag := range m.RepoTags {
			tag, _, _ = strings.Cut(tag, ":")
			all[tag] = saved{c.Config, c.Author, slices.Sorted(maps.Values(merged))}
		}
	}
	return all
}

// merge applies a layer that has no whiteouts.
func merge(t *testing.T, files map[string]string, layer []byte) {
	t.Helper()
	for r := tar.NewReader(bytes.NewReader(layer)); ; {
		h, err := r.Next()
		if err == io.EOF {
			return
		}
		if err != nil {
			t.Fatal(err)
		}
		content, _ := io.ReadAll(r)
		name := strings.Trim(h.Name, "/")
		if strings.HasPrefix(path.Base(name), ".wh.") {
			t.Errorf("%s is not expected", name)
		}
		mode := h.Mode & 0o1777 // the classic builder loses setuid, BuildKit and we do not
		if h.Typeflag == tar.TypeSymlink {
			mode = 0o777
		}
		files[name] = fmt.Sprintf("%s %c %o %d:%d %s %.20q", name, h.Typeflag, mode, h.Uid, h.Gid, h.Linkname, content)
	}
}
