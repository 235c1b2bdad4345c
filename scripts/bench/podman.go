package main

import "context"

// podman is how the commands of a podman with a store of its own begin.
func (l *lab) podman() string {
	return "podman --root " + l.dir + "/podman --runroot " + l.dir + "/podman-run --storage-driver overlay "
}

// endPodman removes what is in that store, and what it mounts.
func (l *lab) endPodman(ctx context.Context) {
	podman := l.podman()
	_ = shell(ctx, podman+"image umount -af; "+podman+"rmi -af; umount "+l.dir+"/podman/overlay") // nothing may be there
}
