package imagefs

import (
	"cmp"
	"encoding/json"
	"maps"
	"slices"
	"strings"

	"github.com/imagefs/imagefs/builder/container"
)

// containerConfig is a container's config as it was made. One that cannot be read, which another program would have to
// have written, is empty.
func containerConfig(c *container.Container) ContainerConfig {
	var config ContainerConfig
	_ = json.Unmarshal(c.Config, &config)
	return config
}

// merge takes over what c leaves empty, as docker does of an image or a container (moby runconfig/merge.go, daemon/commit.go).
// What is of an image alone, its ONBUILD instructions and its shell, stays behind.
func (c *ContainerConfig) merge(from *ContainerConfig) {
	if c.User == "" {
		c.User = from.User
	}
	c.ExposedPorts = union(c.ExposedPorts, from.ExposedPorts)
	c.Volumes = union(c.Volumes, from.Volumes)
	c.Labels = union(c.Labels, from.Labels)
	for _, pair := range from.Env {
		key, _, _ := strings.Cut(pair, "=")
		if !slices.ContainsFunc(c.Env, func(own string) bool { return strings.HasPrefix(own, key+"=") }) {
			c.Env = append(c.Env, pair)
		}
	}
	if len(c.Entrypoint) == 0 {
		if len(c.Cmd) == 0 {
			c.Cmd, c.ArgsEscaped = from.Cmd, from.ArgsEscaped
		}
		if c.Entrypoint == nil {
			c.Entrypoint = from.Entrypoint
		}
	}
	c.Healthcheck = c.Healthcheck.merged(from.Healthcheck)
	if c.WorkingDir == "" {
		c.WorkingDir = from.WorkingDir
	}
	if c.StopSignal == "" {
		c.StopSignal = from.StopSignal
	}
	if c.StopTimeout == nil {
		c.StopTimeout = from.StopTimeout
	}
}

// merged has what h says, and what from says where h does not.
func (h *Healthcheck) merged(from *Healthcheck) *Healthcheck {
	if h == nil || from == nil {
		return cmp.Or(h, from)
	}
	all := *h
	if len(all.Test) == 0 {
		all.Test = from.Test
	}
	all.Interval, all.Timeout = cmp.Or(all.Interval, from.Interval), cmp.Or(all.Timeout, from.Timeout)
	all.StartPeriod, all.StartInterval = cmp.Or(all.StartPeriod, from.StartPeriod), cmp.Or(all.StartInterval, from.StartInterval)
	all.Retries = cmp.Or(all.Retries, from.Retries)
	return &all
}

// union has what is in own or in other, own's first; nil where both are empty.
func union[V any](own, other map[string]V) map[string]V {
	all := maps.Clone(other)
	if all == nil {
		return own
	}
	maps.Copy(all, own)
	return all
}
