// Package registry speaks to image registries: it resolves names, fetches manifests and reads blobs, over HTTP, as the
// OCI distribution specification and docker do it. It knows nothing of disks or mounts.
//
// The protocol, authentication and retries of single requests are regclient's. What this package adds: docker's rules
// for credentials, plain HTTP and mirrors; a limit for manifests; a blob reader that survives whatever the network does
// to it; and errors that say what to do.
package registry
