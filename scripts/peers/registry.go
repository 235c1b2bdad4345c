package peers

import (
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
)

// Registry is a running docker-registry.
type Registry struct {
	Addr string // host:port on loopback
	proc *process
}

// StartRegistry runs a registry that keeps its data in dir.
func StartRegistry(dir string) (*Registry, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, err
	}
	addr, err := freePort()
	if err != nil {
		return nil, err
	}
	config := filepath.Join(dir, "config.yml")
	text := fmt.Sprintf(`version: 0.1
log: {level: error, accesslog: {disabled: true}}
storage: {filesystem: {rootdirectory: %q}, delete: {enabled: true}}
http: {addr: %q}
`, filepath.Join(dir, "data"), addr)
	if err := os.WriteFile(config, []byte(text), 0o600); err != nil {
		return nil, err
	}
	proc, err := start(dir, exec.Command("docker-registry", "serve", config), func() error {
		resp, err := http.Get("http://" + addr + "/v2/")
		if err != nil {
			return err
		}
		return resp.Body.Close()
	})
	if err != nil {
		return nil, err
	}
	return &Registry{Addr: addr, proc: proc}, nil
}

// Close ends the registry; its data stays.
func (r *Registry) Close() { r.proc.close() }
