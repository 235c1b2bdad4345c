// Package e2e tests the imagefs binary end to end: real mounts, real images, and other people's programs as judges.
//
// The tests share one docker-registry, one dockerd and the images in it; each has a store and a mount of its own.
package e2e
