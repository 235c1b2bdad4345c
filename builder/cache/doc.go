// Package cache remembers what the steps of builds have made.
//
//	ROOT/build-cache/<key>   a record, as JSON; key is what [Key] gives, in hexadecimal
//
// A record is written once, by a rename, and may go at any time: it is derived. What it leads to is the store's, and may be
// gone as well; who reads it finds out.
package cache
