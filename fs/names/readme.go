package names

import (
	"bytes"
	"text/template"
)

// readme is README.md with the mount's own paths.
func readme(m Mount) []byte {
	var out bytes.Buffer
	if err := readmeTemplate.Execute(&out, m); err != nil {
		return []byte(err.Error()) // strings into memory
	}
	return out.Bytes()
}

var readmeTemplate = template.Must(template.New("README.md").Parse(`# Container images as files

This is imagefs. What stands here is in its store; nothing that is listed reaches the network.

    echo alpine:3.19 > {{.Mountpoint}}/ctl/pull          # docker pull alpine:3.19
    cat {{.Mountpoint}}/images                           # docker images; images.json: one JSON object a line
    ls -l {{.Mountpoint}}/docker.io/library/alpine/      # the tags; each is a symlink to by-id/IMAGE-ID
    cat {{.Mountpoint}}/alpine:3.19/inspect.json         # what docker calls an image works as a path, too
    ls {{.Mountpoint}}/alpine:3.19/rootfs                # its files
    ls {{.Mountpoint}}/dangling                          # images that no tag names

A name is HOST[:PORT]/REPOSITORY/TAG. TAG@OS-ARCH beside a tag is its image of a further platform.
The images themselves are mounted at {{.Content}}, which by-id leads to.

    cd {{.Mountpoint}}/docker.io/library/alpine
    ln -s 3.19 stable                                    # docker tag; ln -sfn moves a tag, mv renames it
    rm 3.19                                              # takes the name away; the image may then be in dangling
    rm {{.Mountpoint}}/dangling/*                        # removes images
    cp web.tar.gz {{.Mountpoint}}/imports/               # docker load
    echo "two.tar web:v1 web:v2" > {{.Mountpoint}}/ctl/save    # docker save: {{.Mountpoint}}/exports/two.tar
    cat {{.Mountpoint}}/search/busybox                   # docker search; search/HOST/TERM asks another registry

## ctl: write a line, get an errno

A line has the words of docker's command line. The write returns when the work is done; if it failed, so does the
write, and Ctrl-C ends it. The words are read back from the same descriptor, the last failures from ctl/errors:

    exec 3<>{{.Mountpoint}}/ctl/pull; echo alpine >&3; cat <&3
    cat {{.Mountpoint}}/ctl/errors

A line that begins with -d is answered at once, with the number of its job:

    echo "-d alpine" > {{.Mountpoint}}/ctl/pull
    cat {{.Mountpoint}}/ctl/jobs/latest/progress         # JSON; also: command log result status
    cat {{.Mountpoint}}/ctl/jobs/latest/wait             # ends when the job does, and fails if it did
    echo 1 > {{.Mountpoint}}/ctl/cancel                  # ends job 1
    cat {{.Mountpoint}}/ctl/events                       # JSON lines, as they come

"cat" of a verb, such as {{.Mountpoint}}/ctl/pull, shows its usage and your last results.
Other verbs: push tag rmi prune save load import search.
Files that wait on purpose (ctl/events, wait, .accesslog), or ask the network (search/TERM), are not listed.
`))
