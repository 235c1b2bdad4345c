package registry

import "path/filepath"

// PlainFile is the file that keeps a registry's password as it is, or "" if a credential helper keeps it.
func (c *Client) PlainFile(s Server) (string, error) {
	config, err := readDockerConfig(c.options.DockerConfig)
	if err != nil || config.helper(s.account) != "" {
		return "", err
	}
	dir, err := dockerConfigDir(c.options.DockerConfig)
	return filepath.Join(dir, "config.json"), err
}
