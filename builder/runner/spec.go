package runner

import (
	"fmt"
	"io"
	"os"

	specs "github.com/opencontainers/runtime-spec/specs-go"
)

// Spec is a process that is to run. Paths are absolute.
type Spec struct {
	ID     string // of runc's container and its cgroups; unique on this machine
	Dir    string // exists, and is the runner's while the process runs; it is reused
	Rootfs string // the process's root, a directory, which is written to

	Args     []string
	Env      []string // PATH, HOSTNAME and, with a terminal, TERM have docker's values where they are not said
	Cwd      string   // "" for /; it is made if there is none
	User     string   // NAME|UID[:GROUP|GID], looked up in the root filesystem; "" for root
	Hostname string
	Mounts   []specs.Mount // beyond docker's own, and in the place of those with the same destination
	Network  Network
	Ports    []Port // published by Pasta alone
	Terminal bool

	// With a terminal, if Stdout is one (an *os.File), it is used; if not, the process gets one whose output is
	// Stdout's. Where they are *os.Files the process gets them as they are.
	Stdin          io.Reader `json:"-"` // nil for /dev/null
	Stdout, Stderr io.Writer `json:"-"` // nil for nowhere

	Signals <-chan os.Signal `json:"-"` // are sent to the process; may be nil
	Started func()           `json:"-"` // is called when the process runs; may be nil
	Hold    *os.File         `json:"-"` // stays open until the process has ended, also if the caller is killed; may be nil
}

// Network is what a process sees of the network.
type Network string

const (
	Pasta Network = "pasta" // a network namespace that pasta(1) connects with the outside
	Host  Network = "host"  // the host's own
	None  Network = "none"  // a network namespace with nothing but a loopback device
)

// Port is a port of the process's network that is published on the host.
type Port struct {
	HostIP    string `json:",omitempty"` // "" for all addresses
	Host      int
	HostLast  int `json:",omitempty"` // for [Run] 0; before, the last of those from Host on of which any will do
	Container int
	Protocol  string // "tcp" or "udp"
}

// Bind mounts a path of the host.
func Bind(source, destination string, readOnly bool) specs.Mount {
	mode := "rw"
	if readOnly {
		mode = "ro"
	}
	return specs.Mount{Type: "bind", Source: source, Destination: destination, Options: []string{"rbind", "rprivate", mode}}
}

// Exit statuses of a process that did not run, as docker has them.
const (
	ExitFailed   = 125 // it could not be tried
	ExitDenied   = 126 // the command cannot be invoked
	ExitNotFound = 127 // there is no such command
)

// Error is that the process did not run.
type Error struct {
	Code    int  // an exit status from above
	Invalid bool // the Spec asks for what cannot be: a user who does not exist, a relative directory, a port that is taken
	Message string
}

func (e *Error) Error() string { return e.Message }

func invalid(format string, args ...any) *Error {
	return &Error{ExitFailed, true, fmt.Sprintf(format, args...)}
}
