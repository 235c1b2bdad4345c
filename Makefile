# make demo: a tour of imagefs on a small image made here.  make test: everything that must hold.

.PHONY: build demo test bench clean

# Linked statically, and without the printer of manual pages in urfave/cli: it runs on any Linux, and starts sooner.
build:
	CGO_ENABLED=0 go build -tags urfave_cli_no_docs -o bin/imagefs ./cmd/imagefs

demo: build
	scripts/deps demo
	scripts/demo

test:
	scripts/deps test
	scripts/test

bench: build
	scripts/deps bench
	go run ./scripts/bench

clean:
	rm -rf bin .cache
