# make demo: a tour of imagefs on a small image made here.  make test: everything that must hold.  make test-buildkit: builds
# with a real BuildKit daemon, which it builds first.

.PHONY: build demo test test-buildkit bench clean

# Linked statically, and without the printer of manual pages in urfave/cli: it runs on any Linux, and starts sooner.
build:
	CGO_ENABLED=0 go build -tags urfave_cli_no_docs -o bin/imagefs ./cmd/imagefs

demo: build
	scripts/deps demo
	scripts/demo

test:
	scripts/deps test
	scripts/test

test-buildkit:
	scripts/deps test
	scripts/test-buildkit

bench: build
	scripts/deps bench
	go run ./scripts/bench

clean:
	rm -rf bin .cache
