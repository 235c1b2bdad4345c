package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/user"
	"path/filepath"
	"strings"

	"github.com/urfave/cli/v2"

	"github.com/imagefs/imagefs"
	"github.com/imagefs/imagefs/registry"
	"github.com/imagefs/imagefs/store"
)

const rootEnv = "IMAGEFS_ROOT"

func rootFlag() cli.Flag {
	return &cli.StringFlag{
		Name:    "root",
		Usage:   "keep the store in `DIR` (default: /var/lib/imagefs for root, else $XDG_DATA_HOME/imagefs)",
		EnvVars: []string{rootEnv},
	}
}

func registryFlags() []cli.Flag {
	return []cli.Flag{
		&cli.StringSliceFlag{
			Name: "insecure-registry", Usage: "speak to `HOST[:PORT]` over plain HTTP, or HTTPS with any certificate",
			EnvVars: []string{"IMAGEFS_INSECURE_REGISTRY"},
		},
		&cli.StringSliceFlag{
			Name: "registry-mirror", Usage: "ask the mirror at `URL` for docker.io's images first",
			EnvVars: []string{"IMAGEFS_REGISTRY_MIRROR"},
		},
	}
}

// listOf are an option's values, which may stand together with commas between them: a variable has but one.
func listOf(c *cli.Context, name string) (list []string) {
	for _, value := range c.StringSlice(name) {
		list = append(list, strings.Split(value, ",")...)
	}
	return list
}

func searchFlag() cli.Flag {
	return &cli.StringFlag{
		Name: "search-url", Usage: "search at `URL` in Docker Hub's stead, which is https://index.docker.io/v1/",
		EnvVars: []string{"IMAGEFS_SEARCH_URL"},
	}
}

// rootDir is the store's directory, absolute; asked is what the user asked for, or "".
func rootDir(asked string) (string, error) {
	if asked != "" {
		return filepath.Abs(asked)
	}
	if os.Geteuid() == 0 {
		return "/var/lib/imagefs", nil
	}
	if dir := os.Getenv("XDG_DATA_HOME"); filepath.IsAbs(dir) {
		return filepath.Join(dir, "imagefs"), nil
	}
	u, err := user.Current() // also where the environment is empty
	if err != nil {
		return "", fmt.Errorf("no --root, and no home directory for a store: %w", err)
	}
	return filepath.Join(u.HomeDir, ".local/share/imagefs"), nil
}

// openStore opens the store, and takes in what another program has put into it. The caller closes it.
func openStore(ctx context.Context, root string) (*store.Store, *store.Snapshot, error) {
	dir, err := rootDir(root)
	if err != nil {
		return nil, nil, err
	}
	s, err := store.Open(dir)
	if err != nil {
		return nil, nil, err
	}
	snap, err := adopt(ctx, s)
	if err != nil {
		return nil, nil, errors.Join(err, s.Close())
	}
	return s, snap, nil
}

// adopt unpacks images that have a reference and are not unpacked. That one of them cannot be is no reason not to show
// the others.
func adopt(ctx context.Context, s *store.Store) (*store.Snapshot, error) {
	snap, err := s.Refresh()
	if err != nil {
		return nil, err
	}
	for _, ref := range snap.References {
		if len(ref.Images) > 0 {
			continue
		}
		if err := s.Adopt(ctx); err != nil {
			if ctx.Err() != nil {
				return nil, err
			}
			fmt.Fprintf(os.Stderr, "imagefs: warning: %v\n", err)
		}
		return s.Refresh()
	}
	return snap, nil
}

// openEngine opens an engine on the store. The caller closes the store.
func openEngine(c *cli.Context) (*imagefs.Engine, *store.Store, error) {
	dir, err := rootDir(c.String("root"))
	if err != nil {
		return nil, nil, err
	}
	s, err := store.Open(dir)
	if err != nil {
		return nil, nil, err
	}
	client := registry.New(registry.Options{
		Insecure:  listOf(c, "insecure-registry"),
		Mirrors:   listOf(c, "registry-mirror"),
		SearchURL: c.String("search-url"),
	})
	return imagefs.New(s, client), s, nil
}
