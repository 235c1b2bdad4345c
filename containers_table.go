package imagefs

import (
	"fmt"
	"maps"
	"net"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/docker/go-units"
	digest "github.com/opencontainers/go-digest"
	"golang.org/x/sys/unix"

	"github.com/imagefs/imagefs/builder/container"
	"github.com/imagefs/imagefs/store"
)

// ContainerRow is one row of `docker ps -a`.
type ContainerRow struct {
	*container.Container
	Status container.Status
	Config ContainerConfig
	// Process is what was run in it; nil if nothing was.
	Process *container.Process
	// ImageName is what the user called the image, or, if that means another by now, its ID.
	ImageName string
}

// ContainerRows returns the rows of `docker ps -a` that pass docker's filters, newest first.
func (e *Engine) ContainerRows(filters []string) ([]ContainerRow, error) {
	all, err := e.Containers()
	if err != nil {
		return nil, err
	}
	snap, err := e.store.Refresh()
	if err != nil {
		return nil, err
	}
	var rows []ContainerRow
	for _, c := range all {
		status, err := c.Status()
		if err != nil {
			return nil, err
		}
		process, err := c.Process()
		if err != nil {
			return nil, err
		}
		row := ContainerRow{Container: c, Status: status, Config: containerConfig(c), Process: process}
		row.ImageName = imageName(snap, row.Config.Image, c.Image)
		rows = append(rows, row)
	}
	return filterContainers(snap, rows, filters)
}

func imageName(snap *store.Snapshot, word string, id digest.Digest) string {
	if img, err := Resolve(snap, word); err == nil && img.ID == id {
		return word
	}
	return id.String()
}

// ContainerFields are what a Go template of `docker ps --format` can name.
type ContainerFields struct {
	Command      string
	CreatedAt    string
	ID           string
	Image        string
	Labels       string
	LocalVolumes string
	Mounts       string
	Names        string
	Networks     string
	Ports        string
	RunningFor   string
	State        string
	Status       string
}

// Fields formats the row as docker does with --no-trunc, seen at now and in its time zone; the command is not quoted.
func (r ContainerRow) Fields(now time.Time) ContainerFields {
	var labels []string
	for _, key := range slices.Sorted(maps.Keys(r.Config.Labels)) {
		labels = append(labels, key+"="+r.Config.Labels[key])
	}
	return ContainerFields{
		Command:      strings.Join(slices.Concat(r.Config.Entrypoint, r.Config.Cmd), " "),
		CreatedAt:    r.Created.Truncate(time.Second).In(now.Location()).String(),
		ID:           r.ID,
		Image:        r.ImageName,
		Labels:       strings.Join(labels, ","),
		LocalVolumes: "0",
		Names:        r.Name,
		Networks:     r.network(),
		Ports:        r.ports(),
		RunningFor:   since(r.Created, now),
		State:        string(r.Status),
		Status:       r.status(now),
	}
}

// status is docker's sentence (moby container/state.go). A process whose runner was killed was killed with it, nobody
// knows when.
func (r ContainerRow) status(now time.Time) string {
	switch {
	case r.Status == container.Created:
		return "Created"
	case r.Status == container.Running && r.Process == nil:
		return "Up Less than a second"
	case r.Status == container.Running:
		return "Up " + units.HumanDuration(now.Sub(r.Process.Started))
	case r.Process == nil || r.Process.Finished.IsZero():
		return fmt.Sprintf("Exited (%d)", 128+unix.SIGKILL)
	}
	return fmt.Sprintf("Exited (%d) %s", r.Process.ExitCode, since(r.Process.Finished, now))
}

func (r ContainerRow) network() string {
	if r.Process == nil {
		return ""
	}
	return string(r.Process.Network)
}

// ports are what a container that runs publishes, and what it only exposes.
func (r ContainerRow) ports() string {
	if r.Status != container.Running || r.Process == nil {
		return ""
	}
	var all []string
	published := map[string]bool{}
	for _, p := range r.Process.Ports {
		of := fmt.Sprintf("%d/%s", p.Container, p.Protocol)
		published[of] = true
		if p.HostIP != "" {
			all = append(all, fmt.Sprintf("%s->%s", net.JoinHostPort(p.HostIP, strconv.Itoa(p.Host)), of))
			continue
		}
		all = append(all, fmt.Sprintf("0.0.0.0:%d->%s", p.Host, of), fmt.Sprintf(":::%d->%s", p.Host, of))
	}
	for _, of := range slices.Sorted(maps.Keys(r.Config.ExposedPorts)) {
		if !published[of] {
			all = append(all, of)
		}
	}
	return strings.Join(all, ", ")
}
