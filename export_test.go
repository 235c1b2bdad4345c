package imagefs

// Hints is for the test of docs/errors.md.
var Hints = hints
