// Package conn keeps a FUSE connection alive across the death of its server. It mounts, reads requests, hands them to a
// [fuse.RawFileSystem] through go-fuse's protocol server, and writes the answers; it knows nothing of images.
//
// A holder process opens /dev/fuse, mounts, and keeps for each connection that descriptor and a memfd of slots. The
// server behind it, a child process, can be killed and replaced at any moment, under readers:
//
//	memfd:  header     format, geometry, the INIT request as the kernel sent it, its answer, poll handles to wake
//	        slot 0…n-1 a request as read from /dev/fuse; its first word, the length, is zeroed after the answer
//
// A successor replays INIT, refuses to take over if its answer differs, answers what it finds in the slots, and goes
// on. Answering twice is harmless (ENOENT). A request that was at work in two crashes is answered EIO; see [NewServer].
//
// What a handler may rely on: the same Unique means the same request, begun again by a successor. Its cancel channel is
// closed when the thread that waits for it is to stop, by Ctrl-C or kill, and not by the other signals for which the
// kernel interrupts requests, such as the end of a shell's background job; that survives takeovers, too. FORGET may
// come twice, or not at all, when a server dies: it says when to ask [Server.Knows], not what the kernel knows.
package conn
