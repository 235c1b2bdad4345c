// Package dockerfile reads a Dockerfile into the stages of a build: what each is based on, which others it needs, and what
// its words mean where variables stand in them. BuildKit's own parser, instructions and shell packages do the reading.
//
// Nothing is carried out here, and no file but the Dockerfile is looked at.
package dockerfile
