// Package buildkit has a BuildKit daemon build an image from a Dockerfile, by way of BuildKit's own program buildctl. The
// daemon is wherever its address says; it gets the context, secrets and bases from buildctl as it asks for them. What it
// has built comes back as an archive in docker's format, a stream, or into an OCI image layout that has parts of it.
//
// The package knows no store. What it tells of a build's progress are events, of several steps in turn, whose lines are those
// of `buildctl --progress plain`:
//
//	#5 [2/3] RUN make
//	#5 0.123 cc -o hello hello.c
//	#5 DONE 0.4s
package buildkit
