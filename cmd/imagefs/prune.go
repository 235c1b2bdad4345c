package main

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"sync"

	units "github.com/docker/go-units"
	"github.com/urfave/cli/v2"

	"github.com/imagefs/imagefs"
)

func pruneCommand() *cli.Command {
	return &cli.Command{
		Name:      "prune",
		Usage:     "Remove unused images",
		ArgsUsage: " ",
		Description: `Examples:

   imagefs image prune                                   images that no tag names
   imagefs image prune -af --filter until=720h           all that are older than a month
   imagefs image prune -af --keep-storage 20g            the oldest, until the others take no more than 20 GiB
   imagefs image prune -a --dry-run

Filters are until=TIME|DURATION, label=KEY[=VALUE], label!=KEY[=VALUE].`,
		Flags: []cli.Flag{
			&cli.BoolFlag{Name: "all", Aliases: []string{"a"}, Usage: "remove all images that no container uses, not only those without a tag"},
			&cli.BoolFlag{Name: "force", Aliases: []string{"f"}, Usage: "do not ask"},
			&cli.StringSliceFlag{Name: "filter", Usage: "remove only images that match `KEY=VALUE`"},
			&cli.BoolFlag{Name: "dry-run", Usage: "say what would be removed, and remove nothing"},
			&cli.StringFlag{Name: "keep-storage", Usage: "keep the newest images, as long as they take no more than `SIZE`"},
			rootFlag(),
		},
		Action: prune,
	}
}

func prune(c *cli.Context) error {
	if _, err := words(c, 0, 0); err != nil {
		return err
	}
	req := imagefs.PruneRequest{All: c.Bool("all"), Filters: c.StringSlice("filter"), DryRun: c.Bool("dry-run")}
	var err error
	if req.KeepStorage, err = keepStorage(c); err != nil {
		return err
	}
	if !c.Bool("force") && !req.DryRun && !confirmed(os.Stdin, os.Stdout, pruneWarning(req.All)) {
		return printReclaimed(os.Stdout, req, nil, 0)
	}
	engine, s, err := openEngine(c)
	if err != nil {
		return err
	}
	var removed removals
	reclaimed, err := engine.Prune(c.Context, req, &removed)
	if err == nil {
		err = printReclaimed(os.Stdout, req, removed.lines, reclaimed)
	}
	return errors.Join(err, s.Close())
}

// keepStorage is the bytes that --keep-storage says; 0 if it is not there.
func keepStorage(c *cli.Context) (int64, error) {
	size := c.String("keep-storage")
	if size == "" {
		return 0, nil
	}
	bytes, err := units.RAMInBytes(size)
	if err != nil {
		return 0, badOption(c.Command.HelpName, "invalid argument %q for \"--keep-storage\" flag: %v", size, err)
	}
	return bytes, nil
}

func pruneWarning(all bool) string {
	if all {
		return "WARNING! This will remove all images without at least one container associated to them."
	}
	return "WARNING! This will remove all dangling images."
}

// confirmed asks, and tells whether the answer is yes.
func confirmed(in io.Reader, out io.Writer, warning string) bool {
	fmt.Fprintf(out, "%s\nAre you sure you want to continue? [y/N] ", warning)
	answer, _ := bufio.NewReader(in).ReadString('\n') // none is no
	return strings.EqualFold(strings.TrimSpace(answer), "y")
}

func printReclaimed(out io.Writer, req imagefs.PruneRequest, lines []string, reclaimed int64) error {
	header, total := "Deleted Images:", "Total reclaimed space:"
	if req.DryRun {
		header, total = "Images to delete:", "Total reclaimable space:"
	}
	var text strings.Builder
	if len(lines) > 0 {
		fmt.Fprintf(&text, "%s\n%s\n\n", header, strings.Join(lines, "\n"))
	}
	fmt.Fprintf(&text, "%s %s\n", total, units.HumanSize(float64(reclaimed)))
	_, err := io.WriteString(out, text.String())
	return err
}

// removals keeps the lines of a prune.
type removals struct {
	mu    sync.Mutex // guards lines
	lines []string
}

func (r *removals) Line(text string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.lines = append(r.lines, text)
}

func (r *removals) Layer(imagefs.LayerProgress) {}
