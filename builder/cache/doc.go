// Package cache remembers what the steps of builds have made.
//
//	ROOT/build-cache/<key>   a record, as JSON; key is what [Key] gives, in hexadecimal
//
// A record is written once, by a rename, and may go at any time: it is derived. Its mtime is when a build last used it.
// The store keeps the layers that records lead to (store.Collect reads them), but one may be gone all the same; who
// reads the record finds out.
package cache
