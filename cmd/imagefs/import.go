package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"strings"

	"github.com/urfave/cli/v2"

	"github.com/imagefs/imagefs"
)

func importCommand() *cli.Command {
	return &cli.Command{
		Name:      "import",
		Usage:     "Import the contents from a tarball to create a filesystem image",
		ArgsUsage: "file|URL|- [REPOSITORY[:TAG]]",
		Description: `Examples:

   imagefs import rootfs.tar.gz debian:mine
   imagefs import -c 'CMD ["bash"]' -m "from mmdebstrap" rootfs.tar debian:mine
   tar -C root -c . | imagefs import -`,
		Flags: []cli.Flag{
			&cli.StringSliceFlag{Name: "change", Aliases: []string{"c"}, Usage: "apply a Dockerfile's `INSTRUCTION` to the image"},
			&cli.StringFlag{Name: "message", Aliases: []string{"m"}, Usage: "set the image's comment to `TEXT`"},
			&cli.StringFlag{Name: "platform", Usage: "the files are for `OS/ARCH[/VARIANT]`"},
			rootFlag(),
		},
		Action: importImage,
	}
}

func importImage(c *cli.Context) error {
	args, err := words(c, 1, 2)
	if err != nil {
		return err
	}
	source, err := openSource(c.Context, args[0])
	if err != nil {
		return err
	}
	defer source.Close()
	engine, s, err := openEngine(c)
	if err != nil {
		return err
	}
	req := imagefs.ImportRequest{
		Source: source, From: shown(args[0]), Changes: c.StringSlice("change"), Message: c.String("message"), Platform: c.String("platform"),
	}
	if len(args) > 1 {
		req.Ref = args[1]
	}
	reporter := newQuietReporter(false)
	_, err = engine.Import(c.Context, req, reporter)
	reporter.end(err)
	return errors.Join(err, s.Close())
}

// openSource opens what import is to read: a file, a URL, or - for stdin.
func openSource(ctx context.Context, word string) (io.ReadCloser, error) {
	switch {
	case word == "-":
		return os.Stdin, nil
	case strings.HasPrefix(word, "http://"), strings.HasPrefix(word, "https://"):
		return download(ctx, word)
	}
	return os.Open(word)
}

// download gets what a URL names. Its error tells no user and no password.
func download(ctx context.Context, word string) (io.ReadCloser, error) {
	if _, err := url.Parse(word); err != nil {
		return nil, errors.New("the URL cannot be understood") // the cause may quote the password
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, word, nil)
	if err != nil {
		return nil, err
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		var fault *url.Error
		if errors.As(err, &fault) {
			fault.URL = shown(fault.URL)
		}
		return nil, err
	}
	if resp.StatusCode != http.StatusOK {
		resp.Body.Close()
		return nil, fmt.Errorf("%s: %s", shown(word), resp.Status)
	}
	return resp.Body, nil
}

// shown is a source as others may see it: of a URL, without user and password.
func shown(word string) string {
	u, err := url.Parse(word)
	if err != nil || u.User == nil {
		return word
	}
	u.User = nil
	return u.String()
}
