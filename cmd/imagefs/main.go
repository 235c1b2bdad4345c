// Command imagefs mounts container images as files, and does docker's image commands without a daemon. docs/cli.md
// describes it.
package main

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"runtime/debug"
	"syscall"
	"time"

	"github.com/imagefs/imagefs"
)

func main() {
	collectLater()
	os.Exit(run(os.Args))
}

// collectLater lets the heap grow to 16 MB before garbage is collected, for the first tenth of a second: most commands end
// before that.
func collectLater() {
	usual := debug.SetGCPercent(400)
	time.AfterFunc(100*time.Millisecond, func() { debug.SetGCPercent(usual) })
}

// run is the command line args, the program's name first; it returns the exit status.
func run(args []string) int {
	ctx, stop := untilSignal()
	defer stop()
	app := newApp()
	if words, ok := completing(args); ok {
		fmt.Print(offers(ctx, app, words))
		return exitOK
	}
	args, err := permute(app, args)
	if err == nil {
		err = app.RunContext(ctx, args)
	}
	if err != nil && ctx.Err() != nil && imagefs.KindOf(err) == imagefs.Canceled {
		err = context.Cause(ctx)
	}
	return report(os.Stderr, err)
}

// signalError says that the user, or the system, asked to stop.
type signalError struct{ signal syscall.Signal }

func (e *signalError) Error() string        { return "stopped by signal: " + e.signal.String() }
func (e *signalError) Is(target error) bool { return target == context.Canceled }

// untilSignal returns a context that ends at the first SIGINT or SIGTERM; the second one ends the process.
func untilSignal() (context.Context, func()) {
	ctx, cancel := context.WithCancelCause(context.Background())
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, syscall.SIGINT, syscall.SIGTERM)
	go func() {
		select {
		case s := <-signals:
			signal.Stop(signals)
			cancel(&signalError{s.(syscall.Signal)})
		case <-ctx.Done():
		}
	}()
	return ctx, func() {
		signal.Stop(signals)
		cancel(nil)
	}
}
