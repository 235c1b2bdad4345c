// Package peers starts the programs that imagefs is compared with, Debian's docker-registry and dockerd, on loopback
// and in directories of their own, and makes the images that both are given.
//
// It serves the end-to-end tests and the benchmarks. Everything it starts ends with Close.
package peers
