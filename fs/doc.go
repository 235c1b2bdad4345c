// Package fs mounts the two trees and keeps them answered.
//
// [Mount] is the holder: it mounts names and content, keeps the descriptors, and runs the server, which is this
// binary's hidden command "serve", behind them (package conn says how one server follows another). [Serve] is that
// server: a store, an engine, and the trees of packages names and content on top of them. [Unmount] and [Upgrade] speak
// to the holder through a socket in its state directory.
//
//	RUN/NAME              the content mount, unless --content names another place
//	RUN/NAME.state/       lock: flock(2), held by the holder; socket: the holder's; place.json: where the parts
//	                      are; journal: what a server hands down to its successor, see package control
//	ROOT/mounts/…         the images that this mount shows, which the store keeps; flock(2), held by the holder, too
//
// RUN is /run/imagefs for root, $XDG_RUNTIME_DIR/imagefs otherwise; NAME is the mount point's own name and eight hex
// digits of its path's sha256.
package fs
