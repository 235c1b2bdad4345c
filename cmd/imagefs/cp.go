package main

import (
	"errors"
	"os"
	"path/filepath"
	"strings"

	"github.com/urfave/cli/v2"

	"github.com/imagefs/imagefs"
	"github.com/imagefs/imagefs/builder/container"
	"github.com/imagefs/imagefs/fs"
)

func cpCommand() *cli.Command {
	return &cli.Command{
		Name:      "cp",
		Usage:     "Copy files/folders between a container and the local filesystem",
		ArgsUsage: "CONTAINER:SRC_PATH DEST_PATH|- | SRC_PATH|- CONTAINER:DEST_PATH",
		Description: `Where the store is not mounted, it is for as long as the copy takes, and for this command alone.

Examples:

   imagefs cp web:/etc/motd .
   imagefs cp ./site/. web:/var/www
   imagefs cp web:/var/log - | tar -t`,
		Flags: []cli.Flag{
			&cli.BoolFlag{Name: "archive", Aliases: []string{"a"}, Usage: "keep owners"},
			&cli.BoolFlag{Name: "follow-link", Aliases: []string{"L"}, Usage: "copy what SRC_PATH leads to, if it is a symlink"},
			rootFlag(),
		},
		Action: cp,
	}
}

func cp(c *cli.Context) error {
	args, err := words(c, 2, 2)
	if err != nil {
		return err
	}
	req := imagefs.CopyRequest{
		FollowLink: c.Bool("follow-link"), Archive: c.Bool("archive"), Stdin: os.Stdin, Stdout: os.Stdout,
	}
	if req.From, err = copyPlace(args[0]); err != nil {
		return err
	}
	if req.To, err = copyPlace(args[1]); err != nil {
		return err
	}
	engine, s, err := openEngine(c)
	if err != nil {
		return err
	}
	if dir, err := fs.ContentOf(s.Dir()); err == nil {
		engine.UseContent(dir)
	}
	err = engine.Copy(c.Context, req)
	if errors.Is(err, container.ErrNotMounted) {
		err = runPrivately(s.Dir())
	}
	return errors.Join(err, s.Close())
}

// copyPlace reads CONTAINER:PATH, PATH or -, as docker does: what begins with a slash or a dot is a path.
func copyPlace(word string) (imagefs.Place, error) {
	name, path, ok := strings.Cut(word, ":")
	if ok && name != "" && !strings.HasPrefix(word, ".") && !filepath.IsAbs(word) {
		return imagefs.Place{Container: name, Path: path}, nil
	}
	if word == "-" {
		return imagefs.Place{Path: word}, nil
	}
	abs, err := filepath.Abs(word)
	switch { // what Abs takes away says something here
	case strings.HasSuffix(word, "/."), word == ".":
		abs += "/."
	case strings.HasSuffix(word, "/"):
		abs += "/"
	}
	return imagefs.Place{Path: abs}, err
}

// runPrivately runs this command again where the store is mounted.
func runPrivately(root string) error {
	if !container.MayMount() {
		return &imagefs.Error{
			Kind: imagefs.Denied, Err: errors.New("the store is not mounted, and this user may not mount it"), Hint: "imagefs mount -d DIR, as root",
		}
	}
	return passStatus(fs.RunPrivately(root, os.Args[1:]))
}
