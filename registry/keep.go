package registry

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
)

// keepCredentials stores credentials where docker does: in the account's own helper, else in the store for all, else in the
// file itself. The file names the account either way.
func keepCredentials(ctx context.Context, dir, account string, own credentials) error {
	config, err := readDockerConfig(dir)
	if err != nil {
		return err
	}
	auth := own.auth()
	if helper := config.helper(account); helper != "" {
		if err := tellHelper(ctx, helper, account, own); err != nil {
			return err
		}
		auth = dockerAuth{}
	}
	return editDockerConfig(dir, func(auths map[string]json.RawMessage) error {
		auths[account], err = json.Marshal(auth)
		return err
	})
}

// dropCredentials removes an account, by all the names that docker had for it.
func dropCredentials(ctx context.Context, dir, account string) error {
	config, err := readDockerConfig(dir)
	if err != nil {
		return err
	}
	if helper := config.helper(account); helper != "" {
		own, err := askHelper(ctx, helper, account)
		if err == nil && !own.empty() {
			err = eraseFromHelper(ctx, helper, account)
		}
		if err != nil {
			return err
		}
	}
	names := config.namesOf(account)
	if len(names) == 0 {
		return nil
	}
	return editDockerConfig(dir, func(auths map[string]json.RawMessage) error {
		for _, name := range names {
			delete(auths, name)
		}
		return nil
	})
}

// auth is what the file holds: empty fields are left out.
func (own credentials) auth() dockerAuth {
	auth := dockerAuth{IdentityToken: own.identityToken}
	if own.user != "" || own.password != "" {
		auth.Auth = base64.StdEncoding.EncodeToString([]byte(own.user + ":" + own.password))
	}
	return auth
}

// editDockerConfig changes the auths of config.json and keeps all else that is in it. The file is replaced at once, keeps
// its mode and owner, as docker's does, and stays where it is if config.json is a symlink. A new one is its owner's alone.
func editDockerConfig(dir string, edit func(auths map[string]json.RawMessage) error) error {
	dir, err := dockerConfigDir(dir)
	if err != nil {
		return err
	}
	path := target(filepath.Join(dir, "config.json"))
	fields, auths := map[string]json.RawMessage{}, map[string]json.RawMessage{}
	raw, err := os.ReadFile(path)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if len(raw) > 0 {
		if err := errors.Join(json.Unmarshal(raw, &fields), unmarshalField(fields["auths"], &auths)); err != nil {
			return errNoDockerConfig(path)
		}
	}
	if err := edit(auths); err != nil {
		return err
	}
	if fields["auths"], err = json.Marshal(auths); err != nil {
		return err
	}
	if raw, err = json.MarshalIndent(fields, "", "\t"); err != nil {
		return err
	}
	return replaceFile(path, raw)
}

func unmarshalField(raw json.RawMessage, v any) error {
	if raw == nil {
		return nil
	}
	return json.Unmarshal(raw, v)
}

// target is the file that a path leads to, which need not exist.
func target(path string) string {
	for range maxLinks {
		if dir, err := filepath.EvalSymlinks(filepath.Dir(path)); err == nil {
			path = filepath.Join(dir, filepath.Base(path))
		}
		to, err := os.Readlink(path)
		if err != nil {
			break
		}
		if !filepath.IsAbs(to) {
			to = filepath.Join(filepath.Dir(path), to)
		}
		path = to
	}
	return path
}

// maxLinks is how many symlinks the kernel follows.
const maxLinks = 40

func replaceFile(path string, data []byte) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return err
	}
	f, err := os.CreateTemp(filepath.Dir(path), filepath.Base(path)) // mode 0600
	if err != nil {
		return err
	}
	defer os.Remove(f.Name())
	_, err = f.Write(data)
	if err == nil {
		err = copyPermissions(path, f)
	}
	if err = errors.Join(err, f.Sync(), f.Close()); err != nil {
		return err
	}
	return os.Rename(f.Name(), path)
}

// copyPermissions gives a file the mode of the one at path, if there is one, and its owner where that is allowed.
func copyPermissions(path string, to *os.File) error {
	info, err := os.Stat(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	if owner, ok := info.Sys().(*syscall.Stat_t); ok {
		if err := to.Chown(int(owner.Uid), int(owner.Gid)); err != nil && !errors.Is(err, fs.ErrPermission) {
			return err
		}
	}
	return to.Chmod(info.Mode().Perm())
}
