// Command bench makes the comparisons of docs/performance.md: imagefs and each peer, alternating in one run, printed as
// ratios of medians. It needs root, and the peers installed; it never judges.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/imagefs/imagefs/scripts/peers"
)

func main() {
	runs := flag.Int("runs", 5, "how often each command runs")
	only := flag.String("only", "", "comparisons to make, of "+strings.Join(topics(), ",")+"; empty for all")
	flag.Parse()
	if err := run(context.Background(), *runs, *only); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

// comparisons are what can be measured, in order; each prints its own rows.
var comparisons = []struct {
	topic string
	make  func(context.Context, *lab) error
}{
	{"pull", comparePull},
	{"walk", compareWalk},
	{"diff", compareDiff},
	{"save", compareSave},
	{"load", compareLoad},
	{"copy", compareCopy},
	{"push", comparePush},
	{"build", compareBuild},
	{"tags", reportTags},
	{"memory", reportMemory},
}

func topics() []string {
	var names []string
	for _, c := range comparisons {
		names = append(names, c.topic)
	}
	return names
}

func run(ctx context.Context, runs int, only string) error {
	l, err := newLab(ctx, runs)
	if err != nil {
		return err
	}
	defer l.close()
	for _, c := range comparisons {
		if only != "" && !slices.Contains(strings.Split(only, ","), c.topic) {
			continue
		}
		fmt.Printf("\n%s\n", c.topic)
		if err := c.make(ctx, l); err != nil {
			return fmt.Errorf("%s: %w", c.topic, err)
		}
	}
	return nil
}

// lab is what the comparisons share: the peers, the images, and a mount.
type lab struct {
	runs     int
	dir      string
	registry *peers.Registry
	docker   *peers.Docker
	debian   string // the name of the 289 MB image
	mount    *mount
}

func newLab(ctx context.Context, runs int) (_ *lab, err error) {
	l := &lab{runs: runs}
	if l.dir, err = os.MkdirTemp("", "imagefs-bench-"); err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			l.close()
		}
	}()
	if l.registry, err = peers.StartRegistry(filepath.Join(l.dir, "registry")); err != nil {
		return nil, err
	}
	if l.docker, err = peers.StartDocker(filepath.Join(l.dir, "docker"), l.registry.Addr); err != nil {
		return nil, err
	}
	rootfs, err := peers.DebianRootfs(ctx, ".cache")
	if err != nil {
		return nil, err
	}
	if l.debian, err = peers.BuildDebian(ctx, l.docker, l.registry.Addr, l.dir, rootfs); err != nil {
		return nil, err
	}
	l.mount, err = startMount(ctx, l.dir)
	return l, err
}

func (l *lab) close() {
	if l.mount != nil {
		l.mount.close()
	}
	if l.docker != nil {
		l.docker.Close()
	}
	if l.registry != nil {
		l.registry.Close()
	}
	os.RemoveAll(l.dir)
}

// contender is one of the programs that do the same work.
type contender struct {
	name    string
	prepare func() error // not timed; nil for nothing
	work    func() error
}

// race prints each contender's median and its ratio to the first's.
func (l *lab) race(contenders ...contender) error {
	medians, err := l.medians(contenders...)
	for i, m := range medians {
		fmt.Printf("  %-44s %8.3f s   %6.2f × imagefs\n", contenders[i].name, m.Seconds(), m.Seconds()/medians[0].Seconds())
	}
	return err
}

// medians lets the contenders do their work in turn, runs times.
func (l *lab) medians(contenders ...contender) (medians []time.Duration, err error) {
	times := make([][]time.Duration, len(contenders))
	for range l.runs {
		for i, c := range contenders {
			if c.prepare != nil {
				if err := c.prepare(); err != nil {
					return nil, fmt.Errorf("%s: %w", c.name, err)
				}
			}
			start := time.Now()
			if err := c.work(); err != nil {
				return nil, fmt.Errorf("%s: %w", c.name, err)
			}
			times[i] = append(times[i], time.Since(start))
		}
	}
	for _, t := range times {
		medians = append(medians, median(t))
	}
	return medians, nil
}

func median(d []time.Duration) time.Duration {
	d = slices.Sorted(slices.Values(d))
	return d[len(d)/2]
}
