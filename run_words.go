package imagefs

import (
	"cmp"
	"errors"
	"fmt"
	"net"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	specs "github.com/opencontainers/runtime-spec/specs-go"
	"golang.org/x/sys/unix"

	"github.com/imagefs/imagefs/builder/runner"
)

// ParseVolume reads HOST:CONTAINER[:ro|rw] as docker's --volume has it. What is missing on the host becomes a
// directory. The error is of kind Invalid.
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

// ParsePorts reads [[IP:]HOST:]CONTAINER[/tcp|udp] as docker's --publish has it; HOST may be empty. Both may be ranges,
// 80-90, of the same length; for one CONTAINER, one of HOST's ports is chosen later. The error is of kind Invalid.
func ParsePorts(word string) ([]runner.Port, error) {
	ports, protocol, ok := strings.Cut(word, "/")
	if !ok {
		protocol = "tcp"
	}
	if protocol != "tcp" && protocol != "udp" {
		return nil, invalid(word, "invalid proto: %s", protocol)
	}
	rest, container := cutLast(ports)
	ip, host := cutLast(rest)
	ip = strings.Trim(ip, "[]")
	if ip != "" && net.ParseIP(ip) == nil {
		return nil, invalid(word, "invalid IP address: %s", ip)
	}
	if ip == "0.0.0.0" {
		ip = ""
	}
	first, last, err := portRange(container)
	if err != nil || first == 0 {
		return nil, invalid(word, "invalid containerPort: %s", container)
	}
	hostFirst, hostLast, err := portRange(host)
	if host != "" && err != nil {
		return nil, invalid(word, "invalid hostPort: %s", host)
	}
	if first == last {
		p := runner.Port{HostIP: ip, Host: hostFirst, Container: first, Protocol: protocol}
		if hostLast > hostFirst {
			p.HostLast = hostLast
		}
		return []runner.Port{p}, nil
	}
	if host != "" && hostLast-hostFirst != last-first {
		return nil, invalid(word, "invalid ranges specified for container and host Ports: %s and %s", container, host)
	}
	var all []runner.Port
	for i := range last - first + 1 {
		p := runner.Port{HostIP: ip, Container: first + i, Protocol: protocol}
		if host != "" {
			p.Host = hostFirst + i
		}
		all = append(all, p)
	}
	return all, nil
}

func cutLast(word string) (before, after string) {
	i := strings.LastIndexByte(word, ':')
	if i < 0 {
		return "", word
	}
	return word[:i], word[i+1:]
}

// portRange reads 80 or 80-90.
func portRange(word string) (first, last int, err error) {
	from, to, isRange := strings.Cut(word, "-")
	if first, err = portNumber(from); err != nil || !isRange {
		return first, first, err
	}
	if last, err = portNumber(to); err == nil && last < first {
		err = strconv.ErrRange
	}
	return first, last, err
}

func portNumber(word string) (int, error) {
	n, err := strconv.ParseUint(word, 10, 16)
	return int(n), err
}

// freePorts chooses ports where any will do, and sees whether the others are free, which pasta would tell only in part.
func freePorts(ports []runner.Port) ([]runner.Port, error) {
	var all []runner.Port
	for _, p := range ports {
		chosen, err := freePort(p, all)
		if err != nil {
			return nil, err
		}
		all = append(all, chosen)
	}
	return all, nil
}

// freePort chooses a port, of a range the first that is free and not among others.
func freePort(p runner.Port, others []runner.Port) (runner.Port, error) {
	isRange, last := p.HostLast > 0, max(p.Host, p.HostLast)
	p.HostLast = 0
	isChosen := func(o runner.Port) bool { return o.Host == p.Host && o.Protocol == p.Protocol }
	for ; ; p.Host++ {
		number, err := tryPort(p.Protocol, net.JoinHostPort(p.HostIP, strconv.Itoa(p.Host)))
		if err == nil && !(isRange && slices.ContainsFunc(others, isChosen)) {
			p.Host = number
			return p, nil
		}
		if p.Host == last {
			address := net.JoinHostPort(cmp.Or(p.HostIP, "0.0.0.0"), strconv.Itoa(p.Host))
			return p, &Error{
				Kind: InUse, Subject: address, Err: errors.New("Bind for " + address + " failed: port is already allocated"),
				Hint: "see who has it: ss -lp",
			}
		}
	}
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
