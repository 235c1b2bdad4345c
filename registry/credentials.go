package registry

import (
	"cmp"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// credentials are what docker keeps for one account. It has no String method and is in no error.
type credentials struct {
	user, password string
	identityToken  string // traded for bearer tokens
	registryToken  string // a bearer token itself
}

func (own credentials) empty() bool { return own == credentials{} }

// dockerConfig is what matters here of docker's config.json (docker/cli, cli/config/configfile).
type dockerConfig struct {
	Auths       map[string]dockerAuth `json:"auths"`
	CredsStore  string                `json:"credsStore"`
	CredHelpers map[string]string     `json:"credHelpers"`
}

type dockerAuth struct {
	Auth          string `json:"auth,omitempty"` // base64 of user:password
	Username      string `json:"username,omitempty"`
	Password      string `json:"password,omitempty"`
	IdentityToken string `json:"identitytoken,omitempty"`
	RegistryToken string `json:"registrytoken,omitempty"`
}

// findCredentials looks where docker does: in the account's own helper, else in the store for all, else in the file; a
// helper that knows nothing of the account ends the search. No credentials are no error. The file is read anew each
// time, so a login is seen at once.
func findCredentials(ctx context.Context, dir, account string) (credentials, error) {
	config, err := readDockerConfig(dir)
	if err != nil {
		return credentials{}, err
	}
	if helper := config.helper(account); helper != "" {
		return askHelper(ctx, helper, account)
	}
	return config.find(account).credentials()
}

// helper is the account's own, or else the one for all; "" for none.
func (config dockerConfig) helper(account string) string {
	return cmp.Or(config.CredHelpers[account], config.CredsStore)
}

func readDockerConfig(dir string) (dockerConfig, error) {
	var config dockerConfig
	dir, err := dockerConfigDir(dir)
	if err != nil {
		return config, nil // no home directory, no credentials
	}
	path := filepath.Join(dir, "config.json")
	raw, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return config, nil
	}
	if err != nil {
		return config, err
	}
	if json.Unmarshal(raw, &config) != nil {
		return config, errNoDockerConfig(path)
	}
	return config, nil
}

// errNoDockerConfig stands for json's own error, which may quote the file.
func errNoDockerConfig(path string) error {
	return fmt.Errorf("%s is not a docker configuration", path)
}

func dockerConfigDir(dir string) (string, error) {
	if dir != "" {
		return dir, nil
	}
	if dir = os.Getenv("DOCKER_CONFIG"); dir != "" {
		return dir, nil
	}
	home, err := os.UserHomeDir()
	return filepath.Join(home, ".docker"), err
}

// find looks for the account's very name, then for one on the same host.
func (config dockerConfig) find(account string) dockerAuth {
	if auth, ok := config.Auths[account]; ok {
		return auth
	}
	for _, name := range config.namesOf(account) {
		return config.Auths[name]
	}
	return dockerAuth{}
}

// namesOf are the names in the file for the account's host: old logins have a scheme and a path.
func (config dockerConfig) namesOf(account string) (names []string) {
	for name := range config.Auths {
		if accountHost(name) == accountHost(account) {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names
}

func accountHost(account string) string {
	_, rest, ok := strings.Cut(account, "://")
	if !ok {
		rest = account
	}
	host, _, _ := strings.Cut(rest, "/")
	return host
}

func (auth dockerAuth) credentials() (credentials, error) {
	own := credentials{auth.Username, auth.Password, auth.IdentityToken, auth.RegistryToken}
	if auth.Auth == "" {
		return own, nil
	}
	raw, err := base64.StdEncoding.DecodeString(auth.Auth)
	user, password, ok := strings.Cut(string(raw), ":")
	if err != nil || !ok {
		return credentials{}, errors.New("an auth field is not the base64 of user:password")
	}
	own.user, own.password = user, strings.Trim(password, "\x00")
	return own, nil
}
