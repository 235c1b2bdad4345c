package runner

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"slices"

	"golang.org/x/sys/unix"
)

// HasPasta tells whether this machine has pasta(1).
func HasPasta() bool {
	_, err := exec.LookPath("pasta")
	return err == nil
}

// startPasta makes a network namespace, and has pasta connect it. When that returns, it is connected; it ends with the
// helper. It forwards nothing but what is published: neither the host's loopback device nor the ports of either side.
func (h *helper) startPasta() error {
	if err := h.newNetwork(); err != nil {
		return fmt.Errorf("make a network namespace: %w", err)
	}
	args := []string{"--config-net", "--runas", "0", "--quiet", "--no-map-gw", "--dns-forward", nameserver, "-T", "none", "-U", "none"}
	args = append(args, h.publish("-t", "tcp")...)
	args = append(args, h.publish("-u", "udp")...)
	args = append(args, "--netns", h.path("netns"), "--netns-only")
	output, err := exec.Command("pasta", args...).CombinedOutput()
	if errors.Is(err, exec.ErrNotFound) {
		return &Error{Code: ExitFailed, Message: "there is no pasta, which connects a network namespace with the outside"}
	}
	if err != nil {
		return say("pasta cannot connect the network", output, err)
	}
	return nil
}

// publish spells the ports of a protocol as pasta's options.
func (h *helper) publish(option, protocol string) (args []string) {
	for _, p := range h.Ports {
		if p.Protocol != protocol {
			continue
		}
		word := fmt.Sprintf("%d:%d", p.Host, p.Container)
		if p.HostIP != "" {
			word = p.HostIP + "/" + word
		}
		if !slices.Contains(args, word) {
			args = append(args, option, word)
		}
	}
	if args == nil {
		return []string{option, "none"}
	}
	return args
}

// newNetwork makes a network namespace, which DIR/netns keeps in this mount namespace.
func (h *helper) newNetwork() error {
	if err := os.WriteFile(h.path("netns"), nil, 0o600); err != nil {
		return err
	}
	made := make(chan error)
	go func() {
		runtime.LockOSThread() // for good: the thread ends with the goroutine
		err := unix.Unshare(unix.CLONE_NEWNET)
		if err == nil {
			err = unix.Mount("/proc/thread-self/ns/net", h.path("netns"), "", unix.MS_BIND, "")
		}
		made <- err
	}()
	return <-made
}
