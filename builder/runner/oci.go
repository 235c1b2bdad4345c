package runner

import (
	"os"
	"path"
	"slices"
	"strings"

	"github.com/moby/profiles/seccomp"
	specs "github.com/opencontainers/runtime-spec/specs-go"
)

const defaultPath = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

// ociSpec is docker's default one (moby daemon/pkg/oci/defaults.go) for the process.
func (h *helper) ociSpec() (*specs.Spec, error) {
	if len(h.Args) == 0 {
		return nil, invalid("no command specified")
	}
	cwd := h.Cwd
	if cwd == "" {
		cwd = "/"
	}
	if !path.IsAbs(cwd) {
		return nil, invalid("the working directory '%s' is invalid, it needs to be an absolute path", cwd)
	}
	user, err := lookUp(h.Rootfs, h.User)
	if err != nil {
		return nil, err
	}
	s := &specs.Spec{
		Version:  "1.0.2",
		Hostname: h.Hostname,
		Root:     &specs.Root{Path: h.Rootfs},
		Process: &specs.Process{
			Terminal: h.Terminal, User: user, Args: h.Args, Env: h.environment(), Cwd: path.Clean(cwd),
			Capabilities: capabilitiesOf(user),
		},
		Mounts: h.mounts(),
		Linux: &specs.Linux{
			CgroupsPath:   "/imagefs-" + h.ID,
			Resources:     &specs.LinuxResources{Devices: []specs.LinuxDeviceCgroup{{Allow: false, Access: "rwm"}}},
			MaskedPaths:   slices.Clone(maskedPaths),
			ReadonlyPaths: slices.Clone(readOnlyPaths),
			Namespaces:    h.namespaces(),
		},
	}
	if h.Network != Host {
		s.Linux.Sysctl = map[string]string{"net.ipv4.ip_unprivileged_port_start": "0", "net.ipv4.ping_group_range": "0 2147483647"}
	}
	s.Linux.Seccomp, err = seccomp.GetDefaultProfile(s)
	return s, err
}

// environment is docker's (moby container/env.go).
func (h *helper) environment() []string {
	env := []string{"PATH=" + defaultPath, "HOSTNAME=" + h.Hostname}
	if h.Terminal {
		env = append(env, "TERM=xterm")
	}
	for _, pair := range h.Env {
		key, _, _ := strings.Cut(pair, "=")
		same := func(other string) bool { return strings.HasPrefix(other, key+"=") }
		if i := slices.IndexFunc(env, same); i >= 0 {
			env[i] = pair
			continue
		}
		env = append(env, pair)
	}
	return env
}

func (h *helper) namespaces() []specs.LinuxNamespace {
	all := []specs.LinuxNamespace{
		{Type: specs.MountNamespace}, {Type: specs.UTSNamespace}, {Type: specs.PIDNamespace}, {Type: specs.IPCNamespace},
	}
	switch h.Network {
	case Pasta:
		all = append(all, specs.LinuxNamespace{Type: specs.NetworkNamespace, Path: h.path("netns")})
	case None:
		all = append(all, specs.LinuxNamespace{Type: specs.NetworkNamespace})
	}
	if _, err := os.Stat("/sys/fs/cgroup/cgroup.controllers"); err == nil {
		all = append(all, specs.LinuxNamespace{Type: specs.CgroupNamespace}) // docker's default with cgroups of version 2
	}
	return all
}

// capabilities are docker's default ones (moby daemon/pkg/oci/caps/defaults.go).
var capabilities = []string{
	"CAP_CHOWN", "CAP_DAC_OVERRIDE", "CAP_FSETID", "CAP_FOWNER", "CAP_MKNOD", "CAP_NET_RAW", "CAP_SETGID", "CAP_SETUID",
	"CAP_SETFCAP", "CAP_SETPCAP", "CAP_NET_BIND_SERVICE", "CAP_SYS_CHROOT", "CAP_KILL", "CAP_AUDIT_WRITE",
}

// capabilitiesOf gives a user other than root none but those that a file may give.
func capabilitiesOf(user specs.User) *specs.LinuxCapabilities {
	c := &specs.LinuxCapabilities{Bounding: capabilities}
	if user.UID == 0 {
		c.Permitted, c.Effective = capabilities, capabilities
	}
	return c
}

var maskedPaths = []string{
	"/proc/acpi", "/proc/asound", "/proc/interrupts", "/proc/kcore", "/proc/keys", "/proc/latency_stats", "/proc/sched_debug",
	"/proc/scsi", "/proc/timer_list", "/proc/timer_stats", "/sys/devices/virtual/powercap", "/sys/firmware",
}

var readOnlyPaths = []string{"/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys", "/proc/sysrq-trigger"}

// mounts are docker's and the Spec's, of which one may stand below another.
func (h *helper) mounts() []specs.Mount {
	all := []specs.Mount{
		{Destination: "/proc", Type: "proc", Source: "proc", Options: []string{"nosuid", "noexec", "nodev"}},
		{Destination: "/dev", Type: "tmpfs", Source: "tmpfs", Options: []string{"nosuid", "strictatime", "mode=755", "size=65536k"}},
		{
			Destination: "/dev/pts", Type: "devpts", Source: "devpts",
			Options: []string{"nosuid", "noexec", "newinstance", "ptmxmode=0666", "mode=0620", "gid=5"},
		},
		{Destination: "/sys", Type: "sysfs", Source: "sysfs", Options: []string{"nosuid", "noexec", "nodev", "ro"}},
		{Destination: "/sys/fs/cgroup", Type: "cgroup", Source: "cgroup", Options: []string{"ro", "nosuid", "noexec", "nodev"}},
		{Destination: "/dev/mqueue", Type: "mqueue", Source: "mqueue", Options: []string{"nosuid", "noexec", "nodev"}},
		{
			Destination: "/dev/shm", Type: "tmpfs", Source: "shm",
			Options: []string{"nosuid", "noexec", "nodev", "mode=1777", "size=67108864"},
		},
	}
	for _, name := range etcFiles {
		all = append(all, Bind(h.path(name), "/etc/"+name, false))
	}
	own := slices.Clone(h.Mounts)
	slices.SortStableFunc(own, func(a, b specs.Mount) int { return depth(a.Destination) - depth(b.Destination) })
	all = slices.DeleteFunc(all, func(m specs.Mount) bool {
		return slices.ContainsFunc(own, func(o specs.Mount) bool { return path.Clean(o.Destination) == m.Destination })
	})
	return append(all, own...)
}

func depth(p string) int { return strings.Count(path.Clean(p), "/") }
