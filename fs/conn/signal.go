package conn

import (
	"fmt"
	"os"
	"strconv"
	"strings"
	"syscall"
)

// harmless are the signals that are no wish to stop, if the program has a handler for them.
const harmless = 1<<(syscall.SIGCHLD-1) | 1<<(syscall.SIGCONT-1) | 1<<(syscall.SIGWINCH-1) | 1<<(syscall.SIGURG-1) |
	1<<(syscall.SIGIO-1) | 1<<(syscall.SIGPROF-1) | 1<<(syscall.SIGVTALRM-1)

// isToStop tells whether a signal waits for the thread that is meant to stop what it does. Of a thread that cannot be
// seen this is assumed.
func isToStop(thread uint32) bool {
	if thread == 0 { // of another PID namespace, or the kernel
		return true
	}
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", thread))
	return err != nil || stops(string(status))
}

// stops is isToStop for the text of proc_pid_status(5).
func stops(status string) bool {
	masks := map[string]uint64{}
	for line := range strings.Lines(status) {
		name, value, _ := strings.Cut(line, ":")
		switch name {
		case "SigPnd", "ShdPnd", "SigBlk", "SigIgn", "SigCgt":
			mask, err := strconv.ParseUint(strings.TrimSpace(value), 16, 64)
			if err != nil {
				return true
			}
			masks[name] = mask
		}
	}
	waiting := (masks["SigPnd"] | masks["ShdPnd"]) &^ (masks["SigBlk"] | masks["SigIgn"])
	return waiting&^(harmless&masks["SigCgt"]) != 0
}
