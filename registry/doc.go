// Package registry speaks to image registries: it resolves names, fetches and pushes manifests and blobs, searches, and
// logs in, over HTTP, as the OCI distribution specification and docker do it. It knows nothing of images or mounts, and
// of disks only docker's config.json.
//
// A question (a manifest, a list of tags, a blob from some byte on, the place for a blob) goes through these layers:
//
//	manifest.go list.go blob.go          what is asked, and what a right answer is
//	present.go upload.go search.go login.go
//	ask.go attempts.go                   on which hosts, in which order, how often, and how long to wait in between
//	endpoint.go do.go                    one host: http or https, authorization, statuses that are failures
//	authorizer.go token.go               one repository's Authorization header
//	credentials.go helper.go keep.go     docker's config.json and credential helpers, read and written
//	send.go body.go transport.go         one request: redirects, certificates, and an end to it when no byte moves
//	failure.go answer.go                 sentences, and the errors they wrap
//
// Credentials go to the host they were stored for, and to the token service that host names; nowhere else, and into no
// error. An upload that a registry leads to another host goes there without them.
package registry
