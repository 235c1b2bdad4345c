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

	helperPrefix = "docker-credential-"
	tokenUser    = "<token>" // whose secret is an identity token
)

// askHelper gets what a helper keeps for an account; none is no error.
func askHelper(ctx context.Context, name, account string) (credentials, error) {
	out, err := runHelper(ctx, name, "get", account)
	if err != nil || out == nil {
		return credentials{}, err
	}
	var found struct{ Username, Secret string }
	if json.Unmarshal(out, &found) != nil { // its error may quote the secret
		return credentials{}, fmt.Errorf("%s: its answer is not JSON", helperPrefix+name)
	}
	if found.Username == tokenUser {
		return credentials{identityToken: found.Secret}, nil
	}
	return credentials{user: found.Username, password: found.Secret}, nil
}

// tellHelper makes a helper keep credentials.
func tellHelper(ctx context.Context, name, account string, own credentials) error {
	kept := struct{ ServerURL, Username, Secret string }{account, own.user, own.password}
	if own.identityToken != "" {
		kept.Username, kept.Secret = tokenUser, own.identityToken
	}
	in, err := json.Marshal(kept)
	if err != nil {
		return err
	}
	_, err = runHelper(ctx, name, "store", string(in))
	return err
}

// eraseFromHelper makes a helper forget an account.
func eraseFromHelper(ctx context.Context, name, account string) error {
	_, err := runHelper(ctx, name, "erase", account)
	return err
}

// runHelper runs docker-credential-NAME, as docker/docker-credential-helpers says: what it is about on its standard input,
// a JSON object or one line of error on its standard output, which is nil if it does not know the account.
func runHelper(ctx context.Context, name, action, in string) ([]byte, error) {
	ctx, cancel := context.WithTimeout(ctx, helperTimeout)
	defer cancel()
	helper := exec.CommandContext(ctx, helperPrefix+name, action)
	helper.Stdin = strings.NewReader(in)
	helper.WaitDelay = helperGrace
	out, err := helper.Output()
	if err != nil {
		return nil, helperError(helper.Args[0], string(out), err)
	}
	return out, nil
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
