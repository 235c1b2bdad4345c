package e2e

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestBuildAndServe builds a site on httpd:2.4 twice, by the command and by ctl/build, and serves both.
func TestBuildAndServe(t *testing.T) {
	need(t, "busybox", "runc", "pasta")
	t.Setenv("GORACE", "atexit_sleep_ms=0") // or each process, helpers too, takes a second more
	m := newMount(t)
	dir := tempDir(t)
	site := &site{m, dir}
	site.base()
	first := site.build("web:v1")
	if got := strings.Join(stepLines(first), "; "); got != "Step 1/2 : FROM httpd:2.4; Step 2/2 : COPY ./public_html /usr/local/apache2/htdocs/" {
		t.Errorf("it shows %s", got)
	}
	site.put("public_html/index.html", "<h1>two</h1>\n")
	if second := site.build("web:v2"); strings.Contains(second, "Using cache") {
		t.Errorf("the changed page came from the cache:\n%s", second)
	}
	if again := site.build("web:again"); strings.Count(again, "Using cache") != 1 {
		t.Errorf("what is unchanged was built again:\n%s", again)
	}

	ports := map[string]string{"one": freePort(t), "two": freePort(t)}
	for name, args := range map[string][]string{"one": {"web1", "web:v1"}, "two": {"web2", "web:v2"}} {
		must(t)(m.run("run", "-itd", "--name", args[0], "-p", ports[name]+":80", args[1]))
	}
	for page, port := range ports {
		var got string
		m.eventually("a page on port "+port, func() bool { return get(port, &got) == nil })
		if got != "<h1>"+page+"</h1>\n" {
			t.Errorf("port %s has %q", port, got)
		}
	}
	ps := must(t)(m.run("ps", "--format", "{{.Names}} {{.Image}} {{.Ports}}"))
	for _, want := range []string{"web1 web:v1 0.0.0.0:" + ports["one"] + "->80/tcp", "web2 web:v2 0.0.0.0:" + ports["two"] + "->80/tcp"} {
		if !strings.Contains(ps, want) {
			t.Errorf("ps has no %q:\n%s", want, ps)
		}
	}
	if got := m.read("containers", "web1", "status"); got != "running\n" {
		t.Errorf("status: %s", got)
	}

	must(t)(m.run("stop", "-t", "1", "web1", "web2"))
	must(t)(m.run("rm", "web1", "web2"))
	for _, port := range ports {
		if err := get(port, new(string)); err == nil {
			t.Errorf("port %s is still served", port)
		}
	}
	if got := must(t)(m.run("ps", "-aq")); got != "" {
		t.Errorf("ps -aq: %s", got)
	}
	for _, of := range []string{"containers", "building/containers"} {
		if left, err := os.ReadDir(filepath.Join(m.root, of)); len(left) > 0 || err != nil && !os.IsNotExist(err) {
			t.Errorf("%s has %v, %v", of, left, err)
		}
	}
}

// TestBuildByFile builds the same by writing to ctl/build, from a working directory, and reads docker's lines back.
func TestBuildByFile(t *testing.T) {
	need(t, "busybox")
	t.Setenv("GORACE", "atexit_sleep_ms=0")
	m := newMount(t)
	dir := tempDir(t)
	site := &site{m, dir}
	site.base()
	write := func(tag string) string {
		return sh(t, fmt.Sprintf("cd %s && exec 3<>%s && echo '-t %s -f Dockerfile.httpd .' >&3 && cat <&3", dir, m.path("ctl", "build"), tag))
	}
	if got := write("web:v1"); strings.Contains(got, "Using cache") || !strings.Contains(got, "\nSuccessfully tagged web:v1\n") {
		t.Errorf("it says %s", got)
	}
	site.put("public_html/index.html", "<h1>two</h1>\n")
	write("web:v2")
	for tag, page := range map[string]string{"v1": "one", "v2": "two"} {
		if got := m.read("docker.io/library/web", tag, "rootfs/usr/local/apache2/htdocs/index.html"); got != "<h1>"+page+"</h1>\n" {
			t.Errorf("%s has %q", tag, got)
		}
	}
	// The command finds what the file has made, and the other way round.
	if again := site.build("web:again"); strings.Count(again, "Using cache") != 1 {
		t.Errorf("the command built again:\n%s", again)
	}
	if got := write("web:v2"); strings.Count(got, "Using cache") != 1 {
		t.Errorf("the file built again:\n%s", got)
	}
	if a, b := m.read("docker.io/library/web/again/digest"), m.read("docker.io/library/web/v2/digest"); a != b {
		t.Errorf("%s and %s", a, b)
	}
}

// site is a context with a page, a Dockerfile for it, and a base that serves it.
type site struct {
	*mount
	dir string
}

const siteDockerfile = "FROM httpd:2.4\nCOPY ./public_html /usr/local/apache2/htdocs/\n"

// base makes httpd:2.4 of busybox, and the context.
func (s *site) base() {
	s.t.Helper()
	s.put("base/Dockerfile", `FROM scratch
COPY busybox /bin/busybox
EXPOSE 80
CMD ["/bin/busybox", "httpd", "-f", "-p", "80", "-h", "/usr/local/apache2/htdocs"]
`)
	sh(s.t, "cp $(command -v busybox) "+s.dir+"/base/busybox")
	must(s.t)(s.run("build", "-q", "-t", "httpd:2.4", s.dir+"/base"))
	s.put("Dockerfile.httpd", siteDockerfile)
	s.put("public_html/index.html", "<h1>one</h1>\n")
}

func (s *site) put(name, text string) {
	s.t.Helper()
	path := filepath.Join(s.dir, name)
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		s.t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		s.t.Fatal(err)
	}
}

// build builds the site as somebody in its directory does, and returns what that says.
func (s *site) build(tag string) string {
	s.t.Helper()
	return sh(s.t, fmt.Sprintf("cd %s && IMAGEFS_ROOT=%s %s build -t %s -f Dockerfile.httpd .", s.dir, s.root, binary, tag))
}

// stepLines are the lines that say which instruction comes.
func stepLines(said string) (lines []string) {
	for line := range strings.Lines(said) {
		if strings.HasPrefix(line, "Step ") {
			lines = append(lines, strings.TrimSpace(line))
		}
	}
	return lines
}

// freePort is one that nothing listened at a moment ago.
func freePort(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", ":0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	_, port, err := net.SplitHostPort(l.Addr().String())
	return must(t)(port, err)
}

// get fetches the page at a port of this machine.
func get(port string, page *string) error {
	client := http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	resp, err := client.Get("http://127.0.0.1:" + port + "/")
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	*page = string(text)
	return err
}
