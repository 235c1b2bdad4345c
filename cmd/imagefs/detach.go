package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"syscall"

	"github.com/imagefs/imagefs/fs"
)

const (
	readyFlag = "ready-fd" // hidden: the descriptor on which a detached mount reports
	readyWord = "ready\n"
)

// detach starts this binary again in a session of its own, and waits until it has mounted. What it says instead is this
// process's error.
func detach(ctx context.Context, config fs.MountConfig, logFile string) error {
	r, w, err := os.Pipe()
	if err != nil {
		return err
	}
	defer r.Close()
	child, err := startDetached(config, w, logFile)
	w.Close()
	if err != nil {
		return err
	}
	stop := context.AfterFunc(ctx, func() { child.Process.Signal(syscall.SIGTERM) })
	defer stop()
	said, err := io.ReadAll(r)
	if err != nil {
		return err
	}
	if string(said) == readyWord {
		return child.Process.Release()
	}
	_ = child.Wait() // its state tells more
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	if len(said) == 0 {
		return fmt.Errorf("the mount ended before it was ready (%v)", child.ProcessState)
	}
	os.Stderr.Write(said)
	return &silentError{exitFailed}
}

func startDetached(config fs.MountConfig, ready *os.File, logFile string) (*exec.Cmd, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	child := exec.Command(self, mountArgs(config)...)
	child.Dir = "/"
	child.ExtraFiles = []*os.File{ready}
	child.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	if logFile != "" {
		out, err := os.OpenFile(logFile, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
		if err != nil {
			return nil, err
		}
		defer out.Close()
		child.Stdout, child.Stderr = out, out
	}
	return child, child.Start()
}

// mountArgs spells config as a command line for the child, whose first extra descriptor is 3.
func mountArgs(config fs.MountConfig) []string {
	args := []string{"mount", "--" + readyFlag, "3", "--root", config.Root}
	if config.AllowOther {
		args = append(args, "--allow-other")
	}
	if config.Content != "" {
		args = append(args, "--content", config.Content)
	}
	for _, host := range config.Insecure {
		args = append(args, "--insecure-registry", host)
	}
	for _, url := range config.Mirrors {
		args = append(args, "--registry-mirror", url)
	}
	if config.SearchURL != "" {
		args = append(args, "--search-url", config.SearchURL)
	}
	return append(args, "--", config.Mountpoint)
}

// closeOnExec keeps a descriptor from the server, which would hold it open.
func closeOnExec(fd int) { syscall.CloseOnExec(fd) }
