package buildkit

import (
	"fmt"
	"os"
	"strconv"
	"strings"
	"time"

	digest "github.com/opencontainers/go-digest"
)

// Request is a build.
type Request struct {
	Address    string   // of the daemon: see [Address]
	Context    *os.File // a directory
	Dir        string   // the directory of the Dockerfile
	Dockerfile string   // its name there; what is ignored is in a file of that name and ".dockerignore", or else in the context's
	Target     string
	Platform   string
	Network    string   // of RUN: "", none or host
	Args       []string // NAME=VALUE
	Labels     []string // NAME=VALUE
	NoCache    bool
	Pull       bool // bases, though the daemon has them
	Secrets    map[string][]byte
	Epoch      *time.Time // of all that is made; nil for now
	// Layout is the directory of an OCI image layout, of which index.json need not be there: it has the Bases. If there is
	// one, what is built is put there, without the blobs that it has. That is 20 times as fast where they are large.
	Layout string
	Bases  []Base
}

// Base is an image that the daemon takes from the request's layout, and from no registry.
type Base struct {
	Name     string // as docker shows it, without the tag latest
	Platform string
	Manifest digest.Digest
}

// layoutName is what the daemon calls the layout.
const layoutName = "imagefs"

// firstFile is the descriptor that buildctl has of the first of the secrets.
const firstFile = 3

// arguments are buildctl's; secrets are the IDs of what it has as open files, in order.
func (r *Request) arguments(secrets []string) []string {
	args := []string{
		"--addr=" + r.Address, "build", "--progress=rawjson", "--frontend=dockerfile.v0",
		"--local=context=.", "--local=dockerfile=" + r.Dir,
	}
	for _, opt := range r.options() {
		args = append(args, "--opt="+opt)
	}
	if r.NoCache {
		args = append(args, "--no-cache")
	}
	if r.Network == "host" {
		args = append(args, "--allow=network.host")
	}
	for i, id := range secrets {
		args = append(args, fmt.Sprintf("--secret=%s,src=/proc/self/fd/%d", field("id="+id), firstFile+i))
	}
	if r.Layout != "" {
		args = append(args, "--oci-layout="+layoutName+"="+r.Layout)
	}
	return append(args, "--output="+r.output())
}

// options are those of the frontend. There are attestations only if they are asked for: https://github.com/moby/buildkit/blob/master/frontend/dockerui/config.go.
func (r *Request) options() []string {
	opts := []string{"filename=" + r.Dockerfile}
	for _, opt := range [][2]string{{"target", r.Target}, {"platform", r.Platform}, {"force-network-mode", r.Network}} {
		if opt[1] != "" {
			opts = append(opts, opt[0]+"="+opt[1])
		}
	}
	if r.Pull {
		opts = append(opts, "image-resolve-mode=pull")
	}
	for _, pair := range r.Args {
		opts = append(opts, "build-arg:"+pair)
	}
	for _, pair := range r.Labels {
		opts = append(opts, "label:"+pair)
	}
	if r.Epoch != nil {
		opts = append(opts, "build-arg:SOURCE_DATE_EPOCH="+strconv.FormatInt(r.Epoch.Unix(), 10))
	}
	for _, base := range r.Bases {
		opts = append(opts, fmt.Sprintf("context:%s::%s=oci-layout://%s@%s", base.Name, base.Platform, layoutName, base.Manifest))
	}
	return opts
}

// output asks for layers that need not be compressed for the way: they are stored as they are.
func (r *Request) output() string {
	output := "type=docker,compression=uncompressed"
	if r.Layout == "" {
		output += ",dest=-"
	} else {
		output += ",tar=false," + field("dest="+r.Layout)
	}
	if r.Epoch != nil {
		output += ",rewrite-timestamp=true"
	}
	return output
}

// field quotes a field of comma-separated values.
func field(text string) string { return `"` + strings.ReplaceAll(text, `"`, `""`) + `"` }
