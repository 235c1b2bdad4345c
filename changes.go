package imagefs

import (
	"fmt"
	"path"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/moby/buildkit/frontend/dockerfile/instructions"
	"github.com/moby/buildkit/frontend/dockerfile/parser"
	"github.com/moby/buildkit/frontend/dockerfile/shell"
	"golang.org/x/sys/unix"
)

// changeable are the instructions that change a config and need no container, as docker's --change has them.
var changeable = []string{
	"cmd", "entrypoint", "env", "expose", "healthcheck", "label", "onbuild", "stopsignal", "user", "volume", "workdir",
}

// applyChanges carries out instructions of a Dockerfile on a config, in order, each of one line. The error is of kind
// Invalid.
func applyChanges(c *ContainerConfig, changes []string) error {
	cmd := false // whether a CMD was among them: as docker, an ENTRYPOINT alone takes the old command away
	for _, change := range changes {
		if strings.TrimSpace(change) == "" {
			continue
		}
		if err := applyChange(c, change, &cmd); err != nil {
			return &Error{
				Kind: Invalid, Subject: change, Err: err,
				Hint: "a change is one of " + strings.ToUpper(strings.Join(changeable, " ")) + ", written as in a Dockerfile",
			}
		}
	}
	return nil
}

func applyChange(c *ContainerConfig, change string, cmd *bool) error {
	parsed, err := parser.Parse(strings.NewReader(change))
	if err != nil {
		return err
	}
	for _, node := range parsed.AST.Children {
		if !slices.Contains(changeable, strings.ToLower(node.Value)) {
			return fmt.Errorf("%s is not a valid change command", strings.ToLower(node.Value))
		}
		command, err := instructions.ParseCommand(node)
		if err != nil {
			return err
		}
		if command, ok := command.(instructions.SupportsSingleWordExpansion); ok {
			lex, env := shell.NewLex(parsed.EscapeToken), shell.EnvsFromSlice(c.Env)
			expand := func(word string) (string, error) {
				expanded, _, err := lex.ProcessWord(word, env)
				return expanded, err
			}
			if err := command.Expand(expand); err != nil {
				return err
			}
		}
		switch command.(type) {
		case *instructions.CmdCommand:
			*cmd = true
		case *instructions.EntrypointCommand:
			if !*cmd {
				c.Cmd = nil
			}
		}
		if err := c.apply(command); err != nil {
			return err
		}
	}
	return nil
}

// apply carries out one instruction, as moby daemon/builder/dockerfile/dispatchers.go does.
func (c *ContainerConfig) apply(command instructions.Command) error {
	switch command := command.(type) {
	case *instructions.CmdCommand:
		c.Cmd = c.commandLine(command.ShellDependantCmdLine)
	case *instructions.EntrypointCommand:
		c.Entrypoint = c.commandLine(command.ShellDependantCmdLine)
	case *instructions.EnvCommand:
		for _, pair := range command.Env {
			c.setEnv(pair.Key, pair.Value)
		}
	case *instructions.ExposeCommand:
		return c.expose(command.Ports)
	case *instructions.HealthCheckCommand:
		h := command.Health
		c.Healthcheck = &Healthcheck{
			Test: h.Test, Interval: int64(h.Interval), Timeout: int64(h.Timeout), StartPeriod: int64(h.StartPeriod),
			StartInterval: int64(h.StartInterval), Retries: h.Retries,
		}
	case *instructions.LabelCommand:
		for _, pair := range command.Labels {
			set(&c.Labels, pair.Key, pair.Value)
		}
	case *instructions.OnbuildCommand:
		c.OnBuild = append(c.OnBuild, command.Expression)
	case *instructions.ShellCommand:
		c.Shell = command.Shell
	case *instructions.StopSignalCommand:
		if !isSignal(command.Signal) {
			//lint:ignore ST1005 docker's words
			return fmt.Errorf("Invalid signal: %s", command.Signal)
		}
		c.StopSignal = command.Signal
	case *instructions.UserCommand:
		c.User = command.User
	case *instructions.VolumeCommand:
		for _, volume := range command.Volumes {
			set(&c.Volumes, volume, struct{}{})
		}
	case *instructions.WorkdirCommand:
		c.WorkingDir = workdir(c.WorkingDir, command.Path)
	}
	return nil
}

// isSignal tells whether a word is a signal as docker takes it: a number, or a name with or without SIG.
func isSignal(word string) bool {
	if n, err := strconv.Atoi(word); err == nil {
		return n > 0
	}
	name := strings.TrimPrefix(strings.ToUpper(word), "SIG")
	return unix.SignalNum("SIG"+name) != 0 || realTime.MatchString(name)
}

var realTime = regexp.MustCompile(`^RT(MIN(\+([1-9]|1[0-5]))?|MAX(-([1-9]|1[0-4]))?)$`)

// set adds to a map that may be nil.
func set[V any](m *map[string]V, key string, value V) {
	if *m == nil {
		*m = map[string]V{}
	}
	(*m)[key] = value
}

// commandLine is what runs: a line in shell form is given to the image's shell.
func (c *ContainerConfig) commandLine(line instructions.ShellDependantCmdLine) words {
	if !line.PrependShell {
		return line.CmdLine
	}
	sh := c.Shell
	if len(sh) == 0 {
		sh = words{"/bin/sh", "-c"}
	}
	return append(slices.Clone(sh), line.CmdLine...)
}

func (c *ContainerConfig) setEnv(key, value string) {
	i := slices.IndexFunc(c.Env, func(pair string) bool { return strings.HasPrefix(pair, key+"=") })
	if i < 0 {
		c.Env = append(c.Env, key+"="+value)
		return
	}
	c.Env[i] = key + "=" + value
}

// workdir is where a relative path leads from the old working directory.
func workdir(old, dir string) string {
	if path.IsAbs(dir) {
		return path.Clean(dir)
	}
	return path.Join("/", old, dir)
}

// expose adds ports: PORT[-LAST][/PROTOCOL].
func (c *ContainerConfig) expose(ports []string) error {
	lex, env := shell.NewLex('\\'), shell.EnvsFromSlice(c.Env)
	for _, spec := range ports {
		expanded, err := lex.ProcessWords(spec, env)
		if err != nil {
			return err
		}
		for _, word := range expanded {
			if err := c.exposeOne(word); err != nil {
				return err
			}
		}
	}
	return nil
}

func (c *ContainerConfig) exposeOne(spec string) error {
	bounds, protocol, ok := strings.Cut(spec, "/")
	if !ok {
		protocol = "tcp"
	}
	from, to, isRange := strings.Cut(bounds, "-")
	if !isRange {
		to = from
	}
	low, errLow := strconv.ParseUint(from, 10, 16)
	high, errHigh := strconv.ParseUint(to, 10, 16)
	protocol = strings.ToLower(protocol)
	if errLow != nil || errHigh != nil || low > high || !slices.Contains([]string{"tcp", "udp", "sctp"}, protocol) {
		return fmt.Errorf("invalid containerPort: %s", spec)
	}
	for port := low; port <= high; port++ {
		set(&c.ExposedPorts, fmt.Sprintf("%d/%s", port, protocol), struct{}{})
	}
	return nil
}
