// Package registry speaks to image registries: it resolves names, fetches manifests and reads blobs, over HTTP, as the
// OCI distribution specification and docker do it. It knows nothing of disks or mounts.
//
// A question (a manifest, a list of tags, a blob from some byte on) goes through these layers:
//
//	manifest.go tags.go blob.go   what is asked, and what a right answer is
//	ask.go attempts.go            on which hosts, in which order, how often, and how long to wait in between
//	endpoint.go get.go            one host: http or https, authorization, statuses that are failures
//	authorizer.go token.go        one repository's Authorization header; credentials.go and helper.go find the user's
//	send.go transport.go          one request: redirects, certificates, and an end to it when no byte comes
//	failure.go answer.go          sentences, and the errors they wrap
//
// Credentials go to the host they were stored for, and to the token service that host names; nowhere else, and into no
// error.
package registry
