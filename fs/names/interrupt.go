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

// interruptible returns a context that ends when cancel is closed, save for a signal that no caller expects to end a
// system call. FUSE_INTERRUPT comes for any: a child of the shell ended, the terminal's window changed its size, the Go
// runtime preempts. Such a signal stays pending while its thread waits for us, where it can be seen; once something else
// is pending too, or nothing is any more, the thread must go on, or does already.
func interruptible(cancel <-chan struct{}, thread uint32) (context.Context, func()) {
	ctx, end := context.WithCancel(context.Background())
	go func() {
		select {
		case <-ctx.Done():
			return
		case <-cancel:
		}
		defer end()
		again := time.NewTicker(100 * time.Millisecond)
		defer again.Stop()
		for onlyHarmless(thread) {
			select {
			case <-ctx.Done():
			case <-again.C:
			}
			if ctx.Err() != nil {
				return
			}
		}
	}()
	return ctx, end
}

// harmless are the signals that end nothing.
const harmless = 1<<(syscall.SIGCHLD-1) | 1<<(syscall.SIGCONT-1) | 1<<(syscall.SIGURG-1) | 1<<(syscall.SIGWINCH-1)

// onlyHarmless tells whether a thread is seen to have harmless signals pending, and no others.
func onlyHarmless(thread uint32) bool {
	file, err := os.Open(fmt.Sprintf("/proc/%d/status", thread))
	if err != nil {
		return false
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
	pending &^= blocked
	return pending != 0 && pending&^harmless == 0
}

// parseMask reads a set of signals as proc(5) writes it.
func parseMask(value string) uint64 {
	mask, err := strconv.ParseUint(strings.TrimSpace(value), 16, 64)
	if err != nil {
		return 0
	}
	return mask
}
