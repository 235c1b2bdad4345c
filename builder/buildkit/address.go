package buildkit

import (
	"context"
	"fmt"
	"net"
	"net/url"
	"os"
	"time"
)

// Address is where the daemon is: where the user says, or where BUILDKIT_HOST does, or at buildctl's default.
func Address(asked string) string {
	for _, address := range []string{asked, os.Getenv("BUILDKIT_HOST")} {
		if address != "" {
			return address
		}
	}
	return "unix:///run/buildkit/buildkitd.sock"
}

// AddressError is an address that cannot be one of a daemon.
type AddressError struct{ Address string }

func (e *AddressError) Error() string {
	return fmt.Sprintf("invalid address of a BuildKit daemon: %q", e.Address)
}

// UnreachableError is a daemon that does not answer. Its cause is the system's.
type UnreachableError struct {
	Address string
	Err     error
}

func (e *UnreachableError) Error() string {
	return fmt.Sprintf("no BuildKit daemon answers at %s: %v", e.Address, e.Err)
}

func (e *UnreachableError) Unwrap() error { return e.Err }

// reachTimeout is buildctl's own.
const reachTimeout = 5 * time.Second

// reach tells whether something listens at an address. One that another program connects to (docker-container://, ssh://) is
// not tried.
func reach(ctx context.Context, address string) error {
	u, err := url.Parse(address)
	if err != nil || u.Scheme == "" {
		return &AddressError{address}
	}
	network, place := u.Scheme, u.Host
	switch network {
	case "tcp":
	case "unix":
		place = u.Host + u.Path
	default:
		return nil
	}
	if place == "" {
		return &AddressError{address}
	}
	dialer := net.Dialer{Timeout: reachTimeout}
	conn, err := dialer.DialContext(ctx, network, place)
	if err != nil {
		return &UnreachableError{address, err}
	}
	return conn.Close()
}
