// Package imagefs is the engine behind the files and the command line: what docker's image commands do, on a
// [store.Store] and a [registry.Client], without a daemon. One file holds one verb.
//
// Its errors are of type [*Error]: a kind, the word at fault, the cause and what to do about it. Package fs/errno turns
// them into errnos, cmd/imagefs into exit codes.
package imagefs
