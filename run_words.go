package imagefs

import (
	"errors"
	"fmt"
	"net"
	"os"
	"path"
	"path/filepath"
	"strconv"
	"strings"

	specs "github.com/opencontainers/runtime-spec/specs-go"
	"golang.org/x/sys/unix"

	"github.com/imagefs/imagefs/builder/runner"
)

// ParseVolume reads HOST:CONTAINER[:ro|rw] as docker's --volume has it. What is missing on the host becomes a directory.
// The error is of kind Invalid.
func ParseVolume(word string) (specs.Mount, error) {
	parts := strings.Split(word, ":")
	if len(parts) < 2 || len(parts) > 3 {
		return specs.Mount{}, &Error{
			Kind: Invalid, Subject: word, Err: fmt.Errorf("invalid volume specification: '%s'", word), Hint: "HOST:CONTAINER[:ro]",
		}
	}
	if len(parts) == 3 && parts[2] != "ro" && parts[2] != "rw" {
		return specs.Mount{}, invalid(word, "invalid mode: %s", parts[2])
	}
	source, destination := parts[0], parts[1]
	if !path.IsAbs(destination) {
		return specs.Mount{}, invalid(word, "invalid volume specification: '%s': mount path must be absolute", word)
	}
	if path.Clean(destination) == "/" {
		return specs.Mount{}, invalid(word, "invalid volume specification: '%s': destination can't be '/'", word)
	}
	if !strings.ContainsAny(source, "/.") {
		return specs.Mount{}, &Error{
			Kind: Invalid, Subject: word, Err: fmt.Errorf("there are no volumes with a name: %q", source), Hint: "name a directory of the host: ./" + source,
		}
	}
	source, err := filepath.Abs(source)
	if err != nil {
		return specs.Mount{}, err
	}
	if err := os.MkdirAll(source, 0o755); err != nil && !errors.Is(err, unix.ENOTDIR) {
		return specs.Mount{}, fmt.Errorf("error while creating mount source path '%s': %w", source, err)
	}
	return runner.Bind(source, path.Clean(destination), len(parts) == 3 && parts[2] == "ro"), nil
}

// ParsePort reads [[IP:]HOST:]CONTAINER[/tcp|udp] as docker's --publish has it; HOST may be empty. The error is of kind
// Invalid.
func ParsePort(word string) (runner.Port, error) {
	ports, protocol, ok := strings.Cut(word, "/")
	if !ok {
		protocol = "tcp"
	}
	if protocol != "tcp" && protocol != "udp" {
		return runner.Port{}, invalid(word, "invalid proto: %s", protocol)
	}
	rest, container := cutLast(ports)
	ip, host := cutLast(rest)
	ip = strings.Trim(ip, "[]")
	if ip != "" && net.ParseIP(ip) == nil {
		return runner.Port{}, invalid(word, "invalid IP address: %s", ip)
	}
	p := runner.Port{HostIP: ip, Protocol: protocol}
	var err error
	if p.Container, err = portNumber(container); err != nil || p.Container == 0 {
		return p, invalid(word, "invalid containerPort: %s", container)
	}
	if p.Host, err = portNumber(host); host != "" && err != nil {
		return p, invalid(word, "invalid hostPort: %s", host)
	}
	if ip == "0.0.0.0" {
		p.HostIP = ""
	}
	return p, nil
}

func cutLast(word string) (before, after string) {
	i := strings.LastIndexByte(word, ':')
	if i < 0 {
		return "", word
	}
	return word[:i], word[i+1:]
}

func portNumber(word string) (int, error) {
	n, err := strconv.ParseUint(word, 10, 16)
	return int(n), err
}

// freePorts chooses ports where any will do, and sees whether the others are free, which pasta would tell only in part.
func freePorts(ports []runner.Port) ([]runner.Port, error) {
	var all []runner.Port
	for _, p := range ports {
		address := net.JoinHostPort(p.HostIP, strconv.Itoa(p.Host))
		var err error
		if p.Host, err = tryPort(p.Protocol, address); err != nil {
			if p.HostIP == "" {
				address = "0.0.0.0" + address
			}
			return nil, &Error{
				Kind: InUse, Subject: address, Err: fmt.Errorf("Bind for %s failed: port is already allocated", address),
				Hint: "see who has it: ss -lp",
			}
		}
		all = append(all, p)
	}
	return all, nil
}

func tryPort(protocol, address string) (int, error) {
	if protocol == "udp" {
		c, err := net.ListenPacket("udp", address)
		if err != nil {
			return 0, err
		}
		defer c.Close()
		return c.LocalAddr().(*net.UDPAddr).Port, nil
	}
	l, err := net.Listen("tcp", address)
	if err != nil {
		return 0, err
	}
	defer l.Close()
	return l.Addr().(*net.TCPAddr).Port, nil
}
