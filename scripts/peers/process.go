package peers

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"
)

// process is a server that runs until it is closed.
type process struct {
	cmd  *exec.Cmd
	done chan struct{}
	log  string
}

// start runs a command with its output in dir/NAME.log, and waits until ready succeeds.
func start(dir string, cmd *exec.Cmd, ready func() error) (*process, error) {
	p := &process{cmd: cmd, done: make(chan struct{}), log: filepath.Join(dir, filepath.Base(cmd.Path)+".log")}
	out, err := os.Create(p.log)
	if err != nil {
		return nil, err
	}
	defer out.Close()
	cmd.Stdout, cmd.Stderr = out, out
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	go func() {
		defer close(p.done)
		_ = cmd.Wait() // how it ended shows in its log
	}()
	if err := p.await(ready); err != nil {
		p.close()
		text, _ := os.ReadFile(p.log)
		return nil, fmt.Errorf("%s: %w\n%s", cmd.Path, err, bytes.TrimSpace(text))
	}
	return p, nil
}

// await tries ready until it succeeds, the process ends, or a minute has passed.
func (p *process) await(ready func() error) error {
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	deadline := time.After(time.Minute)
	for {
		err := ready()
		if err == nil {
			return nil
		}
		select {
		case <-p.done:
			return errors.New("ended before it was ready")
		case <-deadline:
			return fmt.Errorf("not ready: %w", err)
		case <-tick.C:
		}
	}
}

// close ends the process and waits for its end: politely, and after ten seconds for good.
func (p *process) close() {
	_ = p.cmd.Process.Signal(syscall.SIGTERM)
	select {
	case <-p.done:
	case <-time.After(10 * time.Second):
		_ = p.cmd.Process.Kill()
		<-p.done
	}
}

// freePort returns a loopback address that nothing listened at a moment ago.
func freePort() (string, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	defer l.Close()
	return l.Addr().String(), nil
}

// Run runs a command and returns what it printed to stdout; its stderr is in the error.
func Run(ctx context.Context, name string, args ...string) (string, error) {
	return run(exec.CommandContext(ctx, name, args...))
}

func run(cmd *exec.Cmd) (string, error) {
	var out, diag bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &diag
	if err := cmd.Run(); err != nil {
		return out.String(), fmt.Errorf("%s: %w\n%s", strings.Join(cmd.Args, " "), err, bytes.TrimSpace(diag.Bytes()))
	}
	return out.String(), nil
}

// Missing returns the programs that are not installed, of those named.
func Missing(names ...string) []string {
	var missing []string
	for _, name := range names {
		if _, err := exec.LookPath(name); err != nil {
			missing = append(missing, name)
		}
	}
	return missing
}
