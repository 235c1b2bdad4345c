package container

import (
	"os"
	"strings"

	"golang.org/x/sys/unix"
)

// MayMount tells whether this process has the privilege to mount an overlay.
func MayMount() bool {
	header := unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3}
	var data [2]unix.CapUserData
	if err := unix.Capget(&header, &data[0]); err != nil {
		return false
	}
	return data[0].Effective&(1<<unix.CAP_SYS_ADMIN) != 0
}

// inUserNamespace tells whether trusted.* extended attributes are out of reach: not all user IDs are this namespace's.
func inUserNamespace() bool {
	text, err := os.ReadFile("/proc/self/uid_map")
	return err == nil && strings.Join(strings.Fields(string(text)), " ") != "0 0 4294967295"
}
