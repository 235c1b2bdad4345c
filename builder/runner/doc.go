// Package runner runs a process in a root filesystem, as docker does: through runc, with docker's default capabilities,
// seccomp profile, masked paths and mounts, and with a network of its own.
//
//	caller ── helper (this binary, PID 1 of a PID namespace, with a mount namespace) ─┬─ runc ── the process
//	                                                                               └─ pasta, if it has a network
//
// The helper ends when the caller does, by a pipe between them, and with the first process of a PID namespace the kernel
// ends all others: whoever is killed, nothing runs on. Its mounts, and the network namespace, go with it. What may be left
// then are empty cgroups, which [Clean] removes.
//
// The helper alone looks into the root filesystem, and mounts it if it is an overlay: a server that shows it may be the
// caller. It can be started before all is said ([Start]), since it takes a moment to come up.
//
//	DIR/spec.json      what the helper is asked for
//	DIR/config.json    the OCI runtime specification's
//	DIR/hosts hostname resolv.conf    are mounted over those of /etc
//	DIR/runc/ID        runc's state
//	DIR/log pid netns  runc's log, the process's number, the network namespace
//
// Where the image has no /dev, /proc, /sys or /etc/hosts to mount over, runc makes them.
package runner
