package e2e

import "testing"

// The peers: those of docker 20.10, buildah 1.28, and a buildkitd of today.
const (
	classic     = "docker's classic builder"
	oldBuildKit = "docker's BuildKit"
	buildah     = "buildah"
	newBuildKit = "BuildKit"
)

// How a peer's image is not as ours.
const (
	fails          = "the peer fails"
	succeeds       = "the peer succeeds"
	config         = "config"
	files          = "files"
	configAndFiles = "config and files"
	sometimes      = "one or the other" // which is not looked at
)

// differences are what the peers do otherwise than imagefs, which does as BuildKit of today does where they differ.
var differences = []struct {
	peer, how, why string
	of             []string // names of Dockerfiles
}{
	{oldBuildKit, fails, "is older than heredocs", []string{
		"no expansion in heredoc's quotes", "copy heredocs", "run a heredoc", "run a heredoc's program",
	}},
	{oldBuildKit, fails, "is older than the flag", []string{
		"copy link", "copy parents", "copy exclude", "copy exclude of directories", "add a checksum", "run without a network",
		"run with a secret in the environment",
	}},
	{oldBuildKit, fails, "is older than the expansion", []string{"expansion", "expansion of patterns"}},
	{oldBuildKit, fails, "is older than stages by any case in FROM", []string{"stages by any case"}},
	{oldBuildKit, fails, "fetches the frontend that is named", []string{"syntax"}},
	{oldBuildKit, fails, "looks below files: fixed since", []string{"wildcard of directories"}},
	{oldBuildKit, fails, "lets a mount of an image be written", []string{"run with a bind of a stage"}},
	{oldBuildKit, succeeds, "has the sources replace each other; the reference forbids it", []string{"several to a file"}},
	{oldBuildKit, succeeds, "takes any number for a mode: fixed since", []string{"bad chmod"}},
	{oldBuildKit, files, "loses setuid of --chmod, which is not for directories that are made: fixed since", []string{
		"copy chmod", "copy chmod of a directory",
	}},
	{oldBuildKit, files, "is older than modes of words", []string{"copy chmod of words"}},
	{oldBuildKit, files, "has no --chmod of what is fetched", []string{"add chmod"}},
	{oldBuildKit, files, "has --chown for the directory alone: fixed since", []string{"add a tar's owners"}},
	{oldBuildKit, files, "leaves a user's own group out of the further ones: fixed since", []string{"run's environment", "run of a user"}},
	{oldBuildKit, files, "leaves the places of mounts", []string{
		"run of places of mounts", "run with a bind", "run with a bind that is written", "run with a tmpfs", "run with a cache",
		"run with a cache that is read", "run with a secret",
	}},

	{newBuildKit, fails, "fetches the frontend that is named", []string{"syntax"}},
	{newBuildKit, fails, "looks for a stage in FROM by its very name", []string{"stages by any case"}},
	{newBuildKit, succeeds, "has the sources replace each other; the reference forbids it", []string{"several to a file"}},
	{newBuildKit, files, "excludes no file that is a source itself; the reference says that it does", []string{"copy exclude"}},
	{newBuildKit, files, "gives directories that are there the attributes of those that --link makes", []string{"copy link"}},
	{newBuildKit, files, "forgets that two names are one file if a layer below has it", []string{"run of odd files"}},
	{newBuildKit, files, "leaves the places of mounts", []string{"run of places of mounts"}},

	{classic, fails, "has no heredocs", []string{
		"no expansion in heredoc's quotes", "copy heredocs", "run a heredoc", "run a heredoc's program",
	}},
	{classic, fails, "has no such flag", []string{
		"copy chmod", "copy chmod of a directory", "copy chmod of words", "add chmod", "copy link", "copy parents", "copy exclude",
		"copy exclude of directories", "add a checksum", "run with a bind", "run with a bind of a stage",
		"run with a bind that is written", "run with a bind of what is above", "run with a tmpfs",
		"run with a cache", "run with a cache that is read", "run with a secret", "run with a secret in the environment",
		"run without its secret", "run without a network",
	}},
	{classic, fails, "has no such expansion", []string{"expansion", "expansion of patterns"}},
	{classic, fails, "has no arguments for platforms", []string{"from of a platform"}},
	{classic, config, "has no arguments for platforms", []string{"platform arguments"}},
	{classic, fails, "builds what the target does not need", []string{"stage not needed"}},
	{classic, fails, "knows the stages before alone", []string{"stage after it"}},
	{classic, fails, "has a stage's name once", []string{"stage's name twice"}},
	{classic, fails, "forbids what is above", []string{"copy of what is above"}},
	{classic, fails, "wants something to match", []string{"no match"}},
	{classic, config, "has ENV hide a later ARG", []string{"arg and env"}},
	{classic, config, "ends an ARG with its stage", []string{"args of a stage"}},
	{classic, files, "loses setuid", []string{"everything", "modes"}},
	{classic, files, "has WORKDIR be root's", []string{"workdir of a user"}},
	{classic, files, "forgets what RUN changes in a volume", []string{"run after a volume"}},
	{classic, files, "has an archive's owners whatever --chown says", []string{"add a tar's owners"}},
	{classic, files, "makes directories anew that lead to what is not ignored", []string{"ignore all but some"}},
	{classic, files, "has one .dockerignore", []string{"ignore of a Dockerfile"}},

	{buildah, fails, "is older than heredocs", []string{
		"no expansion in heredoc's quotes", "copy heredocs", "run a heredoc", "run a heredoc's program",
	}},
	{buildah, fails, "is older than the flag", []string{
		"copy link", "copy parents", "copy exclude", "copy exclude of directories", "add a checksum", "run without a network",
		"run with a secret in the environment",
	}},
	{buildah, fails, "has no such expansion", []string{"expansion", "expansion of patterns"}},
	{buildah, fails, "has no modes of words", []string{"copy chmod of words"}},
	{buildah, fails, "writes no archive of a base", []string{"from alone"}},
	{buildah, fails, "knows a stage by its very name", []string{"from of a stage of an argument", "stages by any case"}},
	{buildah, fails, "wants something to match", []string{"no match", "ignore the Dockerfile"}},
	{buildah, fails, "takes the brackets away twice", []string{"copy of an escaped name"}},
	{buildah, succeeds, "makes a directory of the target", []string{"several to a file"}},
	{buildah, succeeds, "looks at no port", []string{"bad port", "port out of range"}},
	{buildah, succeeds, "looks at no stage's name", []string{"bad stage name"}},
	{buildah, succeeds, "mounts what a link leads to on the host", []string{"run with a bind of a link that leads out"}},
	{buildah, succeeds, "mounts a directory that it makes", []string{"run with a mount of nothing"}},
	{buildah, config, "looks at no port", []string{"expose", "ports"}},
	{buildah, config, "has ENV hide a later ARG", []string{"arg and env"}},
	{buildah, config, "ends an ARG with its stage", []string{"args of a stage"}},
	{buildah, config, "has SHELL for RUN alone", []string{"shell", "shell of the base"}},
	{buildah, files, "loses setuid, and keeps capabilities", []string{"everything", "modes", "copy of capabilities"}},
	{buildah, files, "makes the volumes' directories", []string{"volume", "config of a stage"}},
	{buildah, sometimes, "builds the stages of a name beside each other, and takes one", []string{"stage's name twice"}},
	{buildah, files, "replaces a link", []string{"file over a link", "copy over links of the base"}},
	{buildah, files, "has --chmod for what is copied alone", []string{"copy chmod", "copy chmod of a directory"}},
	{buildah, files, "gives the target the archive's own attributes", []string{
		"add tar", "add compressed tars", "add tar over", "add an odd tar", "add a tar over links", "add several",
	}},
	{buildah, files, "has an archive's owners whatever --chown says", []string{"add a tar's owners"}},
	{buildah, files, "makes directories anew that lead to what is not ignored", []string{"ignore all but some"}},
	{buildah, files, "forgets what RUN changes in a volume", []string{"run after a volume"}},
	{buildah, files, "has a bind's writes stay", []string{"run with a bind that is written"}},
	{buildah, files, "makes no devices in a chroot", []string{"run of odd files"}},
	{buildah, files, "has /run/secrets, and a cache's mode as the umask has it", []string{"run with a secret", "run with a cache"}},
	{buildah, files, "makes the places of mounts", []string{"run of places of mounts"}},
}

// differencesOf are a peer's, by the Dockerfile's name.
func differencesOf(t *testing.T, peer string) map[string]string {
	t.Helper()
	all := map[string]string{}
	for _, d := range differences {
		if d.peer != peer {
			continue
		}
		for _, name := range d.of {
			if all[name] != "" {
				t.Errorf("%s and %q are listed twice", peer, name)
			}
			all[name] = d.how
		}
	}
	return all
}
