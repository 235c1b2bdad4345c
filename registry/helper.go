package registry

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os/exec"
	"strings"
	"time"
)

const (
	// helperTimeout is for a helper that waits for a user who is not there.
	helperTimeout = 30 * time.Second
	// helperGrace is how long the output of a helper that was ended is waited for.
	helperGrace = 200 * time.Millisecond
)

// askHelper runs docker-credential-NAME, as docker/docker-credential-helpers says: the account on its standard input, a
// JSON object or one line of error on its standard output.
func askHelper(ctx context.Context, name, account string) (credentials, error) {
	ctx, cancel := context.WithTimeout(ctx, helperTimeout)
	defer cancel()
	helper := exec.CommandContext(ctx, "docker-credential-"+name, "get")
	helper.Stdin = strings.NewReader(account)
	helper.WaitDelay = helperGrace
	out, err := helper.Output()
	if err != nil {
		return credentials{}, helperError(helper.Args[0], string(out), err)
	}
	var found struct{ Username, Secret string }
	if json.Unmarshal(out, &found) != nil { // its error may quote the secret
		return credentials{}, fmt.Errorf("%s: its answer is not JSON", helper.Args[0])
	}
	if found.Username == "<token>" {
		return credentials{identityToken: found.Secret}, nil
	}
	return credentials{user: found.Username, password: found.Secret}, nil
}

// helperError is nil for a helper that only knows no credentials for the account.
func helperError(helper, out string, err error) error {
	var exit *exec.ExitError
	out = strings.TrimSpace(out)
	switch {
	case out == "credentials not found in native keychain":
		return nil
	case errors.As(err, &exit) && out != "":
		return fmt.Errorf("%s: %s", helper, plain(out))
	}
	return fmt.Errorf("%s: %w", helper, err)
}
