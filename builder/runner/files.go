package runner

import (
	"bytes"
	"errors"
	"io/fs"
	"net/netip"
	"os"
	"strings"
)

// etcFiles are the files of /etc that a container has from its runner.
var etcFiles = []string{"hosts", "hostname", "resolv.conf"}

// writeFiles writes them as docker does.
func (h *helper) writeFiles() error {
	hosts := []byte(localHosts)
	switch h.Network {
	case Host:
		text, err := os.ReadFile("/etc/hosts")
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
		hosts = text
	case Pasta:
		hosts = append(hosts, "127.0.1.1\t"+h.Hostname+"\n"...)
	}
	resolv, err := os.ReadFile("/etc/resolv.conf")
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if h.Network == Pasta {
		resolv = reachable(resolv)
	}
	for name, text := range map[string][]byte{"hosts": hosts, "hostname": []byte(h.Hostname + "\n"), "resolv.conf": resolv} {
		if err := os.WriteFile(h.path(name), text, 0o644); err != nil {
			return err
		}
		if err := os.Chmod(h.path(name), 0o644); err != nil {
			return err
		}
	}
	return nil
}

const localHosts = `127.0.0.1	localhost
::1	localhost ip6-localhost ip6-loopback
fe00::0	ip6-localnet
ff00::0	ip6-mcastprefix
ff02::1	ip6-allnodes
ff02::2	ip6-allrouters
`

// nameserver is where pasta answers for name servers of the host that a network namespace cannot reach.
const nameserver = "169.254.1.1"

// reachable replaces name servers on the host's loopback device.
func reachable(resolv []byte) []byte {
	var out bytes.Buffer
	replaced := false
	for line := range strings.Lines(string(resolv)) {
		words := strings.Fields(line)
		if len(words) > 1 && words[0] == "nameserver" {
			address, err := netip.ParseAddr(words[1])
			if err == nil && address.IsLoopback() {
				if replaced {
					continue
				}
				line, replaced = "nameserver "+nameserver+"\n", true
			}
		}
		out.WriteString(line)
	}
	return out.Bytes()
}
