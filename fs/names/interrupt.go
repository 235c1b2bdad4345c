package names

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// interruptible returns a context that ends when the calling thread must go on: FUSE_INTERRUPT closes cancel for any
// signal, also for those that no caller expects to end a system call (a child of the shell ended, the terminal's window
// changed its size, the Go runtime preempts), and for a freezer. So what is pending is looked up. The kernel sends one
// interrupt for each request, and a predecessor may have got it; so it is looked up again from time to time. A caller
// that cannot be seen is believed.
func interruptible(cancel <-chan struct{}, thread uint32) (context.Context, func()) {
	ctx, end := context.WithCancel(context.Background())
	go func() {
		defer end()
		every := time.NewTicker(time.Second)
		defer every.Stop()
		for {
			select {
			case <-ctx.Done():
				return
			case <-cancel:
				cancel = nil
				every.Reset(100 * time.Millisecond)
				if mustGoOn(thread) {
					return
				}
			case <-every.C:
				if thread != 0 && mustGoOn(thread) {
					return
				}
			}
		}
	}()
	return ctx, end
}

// harmless are the signals that end nothing.
const harmless = 1<<(syscall.SIGCHLD-1) | 1<<(syscall.SIGCONT-1) | 1<<(syscall.SIGURG-1) | 1<<(syscall.SIGWINCH-1)

// mustGoOn tells whether a signal waits for the thread, or it is gone or not to be seen.
func mustGoOn(thread uint32) bool {
	if thread == 0 {
		return true
	}
	file, err := os.Open(fmt.Sprintf("/proc/%d/status", thread))
	if err != nil {
		return true
	}
	defer file.Close()
	var pending, blocked uint64
	for lines := bufio.NewScanner(file); lines.Scan(); {
		name, value, _ := strings.Cut(lines.Text(), ":")
		switch name {
		case "SigPnd", "ShdPnd":
			pending |= parseMask(value)
		case "SigBlk":
			blocked = parseMask(value)
		}
	}
	return pending&^blocked&^harmless != 0
}

// parseMask reads a set of signals as proc(5) writes it.
func parseMask(value string) uint64 {
	mask, err := strconv.ParseUint(strings.TrimSpace(value), 16, 64)
	if err != nil {
		return 0
	}
	return mask
}
