package main

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/urfave/cli/v2"
	"golang.org/x/term"

	"github.com/imagefs/imagefs"
)

func loginCommand() *cli.Command {
	return &cli.Command{
		Name:      "login",
		Usage:     "Log in to a Docker registry",
		ArgsUsage: "[SERVER]",
		Description: `The server is Docker Hub if none is named. Credentials are kept where docker keeps them: by a credential helper, or in
config.json.

Examples:

   imagefs login
   pass show registry | imagefs login -u me --password-stdin registry.lan:5000`,
		Flags: append([]cli.Flag{
			&cli.StringFlag{Name: "username", Aliases: []string{"u"}, Usage: "the user's `NAME`"},
			&cli.StringFlag{Name: "password", Aliases: []string{"p"}, Usage: "the `PASSWORD`, for all to see in the list of processes"},
			&cli.BoolFlag{Name: "password-stdin", Usage: "read the password from stdin"},
			rootFlag(),
		}, registryFlags()...),
		Action: login,
	}
}

func logoutCommand() *cli.Command {
	return &cli.Command{
		Name:      "logout",
		Usage:     "Log out from a Docker registry",
		ArgsUsage: "[SERVER]",
		Description: `Examples:

   imagefs logout registry.lan:5000`,
		Flags:  []cli.Flag{rootFlag()},
		Action: logout,
	}
}

func login(c *cli.Context) error {
	args, err := words(c, 0, 1)
	if err != nil {
		return err
	}
	req := imagefs.LoginRequest{Server: server(args), Username: c.String("username"), Password: c.String("password")}
	if err := complete(c, &req); err != nil {
		return err
	}
	engine, s, err := openEngine(c)
	if err != nil {
		return err
	}
	said, err := engine.Login(c.Context, req)
	if err == nil {
		err = warnOfPlainFile(engine, req.Server)
	}
	if err == nil {
		_, err = fmt.Println(said)
	}
	return errors.Join(err, s.Close())
}

// warnOfPlainFile says, in docker's words, where everybody who may read the file can read the password.
func warnOfPlainFile(engine *imagefs.Engine, server string) error {
	file, err := engine.PlainFile(server)
	if err == nil && file != "" {
		fmt.Fprintf(os.Stderr, "WARNING! Your password will be stored unencrypted in %s.\n"+
			"Configure a credential helper to remove this warning. See\n"+
			"https://docs.docker.com/engine/reference/commandline/login/#credentials-store\n\n", file)
	}
	return err
}

func logout(c *cli.Context) error {
	args, err := words(c, 0, 1)
	if err != nil {
		return err
	}
	engine, s, err := openEngine(c)
	if err != nil {
		return err
	}
	said, err := engine.Logout(c.Context, server(args))
	if err == nil {
		_, err = fmt.Println(said)
	}
	return errors.Join(err, s.Close())
}

func server(args []string) string {
	if len(args) == 0 {
		return ""
	}
	return args[0]
}

// complete asks for what the options did not say.
func complete(c *cli.Context, req *imagefs.LoginRequest) error {
	fromStdin := c.Bool("password-stdin")
	if req.Password != "" {
		fmt.Fprintln(os.Stderr, "WARNING! Using --password via the CLI is insecure. Use --password-stdin.")
		if fromStdin {
			return errors.New("--password and --password-stdin are mutually exclusive")
		}
	}
	switch {
	case fromStdin && req.Username == "":
		//lint:ignore ST1005 docker's words
		return errors.New("Must provide --username with --password-stdin")
	case fromStdin:
		all, err := io.ReadAll(os.Stdin)
		req.Password = strings.TrimRight(string(all), "\r\n")
		return err
	case req.Username != "" && req.Password != "":
		return nil
	case !term.IsTerminal(int(os.Stdin.Fd())):
		//lint:ignore ST1005 docker's words
		return errors.New("Cannot perform an interactive login from a non TTY device")
	}
	return ask(req)
}

// ask reads name and password, which is not shown, from the terminal.
func ask(req *imagefs.LoginRequest) error {
	if req.Username == "" {
		fmt.Print("Username: ")
		line, err := bufio.NewReader(os.Stdin).ReadString('\n')
		if err != nil {
			return err
		}
		req.Username = strings.TrimSpace(line)
	}
	if req.Password != "" {
		return nil
	}
	fmt.Print("Password: ")
	secret, err := term.ReadPassword(int(os.Stdin.Fd()))
	fmt.Println()
	req.Password = string(secret)
	return err
}
