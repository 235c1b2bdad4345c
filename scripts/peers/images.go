package peers

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
)

// BuildBusybox builds and pushes a small image of Debian's static busybox: a layer of some four hundred links, one
// that replaces and deletes, and one of files that need care. It returns its name, HOST:PORT/demo/busybox:TAG.
func BuildBusybox(ctx context.Context, d *Docker, registry, dir, tag string) (string, error) {
	context := filepath.Join(dir, "busybox-"+tag)
	if err := os.MkdirAll(filepath.Join(context, "www"), 0o755); err != nil {
		return "", err
	}
	if _, err := Run(ctx, "cp", "/bin/busybox", context); err != nil {
		return "", err
	}
	files := map[string]string{
		"www/index.html": "<h1>It works</h1>\n",
		"Dockerfile": `FROM scratch
COPY busybox /bin/busybox
RUN ["/bin/busybox", "--install", "/bin"]
ENV PATH=/bin
RUN mkdir -p /etc /tmp /usr/share/doc /var/spool && chmod 1777 /tmp && echo root:x:0:0:root:/root:/bin/sh > /etc/passwd \
 && touch /usr/share/doc/a /usr/share/doc/b && mkdir /var/spool/old && echo 1 > /var/spool/old/one
COPY www /www
RUN rm -r /usr/share/doc && mkdir /usr/share/doc && echo new > /usr/share/doc/c && rm /var/spool/old/one \
 && rm /bin/yes && ln -s busybox /bin/yes && mkfifo /tmp/fifo && chmod u+s /bin/su && ln /etc/passwd /etc/passwd-
LABEL org.opencontainers.image.title="busybox for tests" tag="` + tag + `"
EXPOSE 80/tcp
VOLUME /data
USER 1000:1000
WORKDIR /www
HEALTHCHECK --interval=5s --timeout=3s CMD wget -q -O /dev/null http://127.0.0.1/
STOPSIGNAL SIGINT
ENTRYPOINT ["/bin/httpd"]
CMD ["-f", "-p", "80"]
`,
	}
	for name, text := range files {
		if err := os.WriteFile(filepath.Join(context, name), []byte(text), 0o644); err != nil {
			return "", err
		}
	}
	return build(ctx, d, context, registry+"/demo/busybox:"+tag)
}

// BuildDebian builds and pushes an image of some 15,000 entries, 289 MB and four layers on a Debian root filesystem in
// the tar file rootfs: one layer deletes, one replaces directories, one adds two thousand files. It returns its name.
func BuildDebian(ctx context.Context, d *Docker, registry, dir, rootfs string) (string, error) {
	context := filepath.Join(dir, "debian")
	if err := os.MkdirAll(context, 0o755); err != nil {
		return "", err
	}
	if err := os.Link(rootfs, filepath.Join(context, "debian.tar")); err != nil && !os.IsExist(err) {
		if _, err := Run(ctx, "cp", rootfs, filepath.Join(context, "debian.tar")); err != nil {
			return "", err
		}
	}
	const dockerfile = `FROM scratch
ADD debian.tar /
RUN rm -rf /usr/share/doc /usr/share/man/man1 /etc/apt/apt.conf.d && rm /usr/bin/pydoc3
RUN rm -rf /usr/share/locale && mkdir /usr/share/locale && echo none > /usr/share/locale/README \
 && rm -rf /opt && ln -s usr/share /opt && rm /etc/issue && mkdir /etc/issue && echo x > /etc/issue/x
RUN mkdir -p /srv/data && cd /srv/data && for d in $(seq 20); do mkdir $d; for f in $(seq 100); do echo $d $f > $d/$f; done; done
CMD ["bash"]
`
	if err := os.WriteFile(filepath.Join(context, "Dockerfile"), []byte(dockerfile), 0o644); err != nil {
		return "", err
	}
	return build(ctx, d, context, registry+"/demo/debian:bookworm")
}

// DebianRootfs makes the root filesystem that [BuildDebian] takes, with mmdebstrap, and keeps it in the cache
// directory. It takes about a minute the first time, and needs Debian's package mirror.
func DebianRootfs(ctx context.Context, cache string) (string, error) {
	path := filepath.Join(cache, "debian.tar")
	if _, err := os.Stat(path); err == nil {
		return path, nil
	}
	if err := os.MkdirAll(cache, 0o755); err != nil {
		return "", err
	}
	temp := path + ".part.tar"
	defer os.Remove(temp)
	_, err := Run(ctx, "mmdebstrap", "--quiet", "--variant=minbase",
		"--include=python3,python3-pip,ca-certificates,curl,git,perl", "bookworm", temp)
	if err != nil {
		return "", fmt.Errorf("no Debian root filesystem: %w", err)
	}
	return path, os.Rename(temp, path)
}

func build(ctx context.Context, d *Docker, dir, name string) (string, error) {
	if _, err := d.Run(ctx, "build", "--network", "host", "-q", "-t", name, dir); err != nil {
		return "", err
	}
	_, err := d.Run(ctx, "push", "-q", name)
	return name, err
}
