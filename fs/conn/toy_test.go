package conn

import (
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"os"
	"strings"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/hanwen/go-fuse/v2/fuse"
)

// toy is a file system without state: a root (node 1) with dirs directories d0, d1, … (nodes 2, 3, …) of files files
// f0, f1, … each, and the special files below. A file's node is its directory's times 1000 and its number.
type toy struct {
	fuse.RawFileSystem
	dirs, files, size int
	cached            bool // everything for ever, and no OPEN; else nothing, and direct I/O
	fifo              string

	version  atomic.Uint64 // what "version" holds
	unmounts atomic.Int32
	waiting  atomic.Int64 // READs of "slow"
	requests atomic.Int64 // LOOKUP, GETATTR and READ
}

func newToy() *toy {
	return &toy{RawFileSystem: fuse.NewDefaultRawFileSystem(), dirs: 20, files: 100, size: 20_000}
}

// The special files, in the root.
const (
	gateNode    = 900 + iota // a WRITE blocks until the fifo is opened and closed for writing
	poisonNode               // a READ ends the server with status 3
	panicNode                // a READ panics
	faultNode                // a READ's result is in memory that is not there
	versionNode              // its content changes
	slowNode                 // a READ blocks until it is interrupted
	killerNode               // a READ kills the server with SIGKILL
)

var special = map[string]uint64{
	"gate": gateNode, "poison": poisonNode, "panic": panicNode, "fault": faultNode, "version": versionNode,
	"slow": slowNode, "killer": killerNode,
}

func (f *toy) String() string { return "toy" }
func (f *toy) OnUnmount()     { f.unmounts.Add(1) }

// content is what the file of that node holds.
func (f *toy) content(node uint64) []byte {
	b := make([]byte, f.size)
	var seed [32]byte
	binary.LittleEndian.PutUint64(seed[:], node)
	rand.NewChaCha8(seed).Read(b)
	return b
}

func (f *toy) sum(node uint64) [32]byte { return sha256.Sum256(f.content(node)) }

func (f *toy) find(parent uint64, name string) uint64 {
	if parent == 1 {
		if node, ok := special[name]; ok {
			return node
		}
	}
	var i int
	if parent == 1 && strings.HasPrefix(name, "d") {
		if _, err := fmt.Sscanf(name, "d%d", &i); err == nil && i < f.dirs {
			return uint64(2 + i)
		}
	}
	if parent > 1 && parent < 900 {
		if _, err := fmt.Sscanf(name, "f%d", &i); err == nil && i < f.files {
			return parent*1000 + uint64(i)
		}
	}
	return 0
}

func (f *toy) attr(node uint64, a *fuse.Attr) {
	a.Ino, a.Nlink, a.Mode, a.Size = node, 1, syscall.S_IFREG|0o644, uint64(f.size)
	if node < 900 {
		a.Nlink, a.Mode, a.Size = 2, syscall.S_IFDIR|0o755, 0
	}
	if node >= 900 && node < 1000 {
		a.Mode, a.Size = syscall.S_IFREG|0o666, 4096
	}
	if node == versionNode {
		a.Size = 20
	}
}

func (f *toy) timeout() time.Duration {
	if f.cached {
		return time.Hour
	}
	return 0
}

func (f *toy) Lookup(_ <-chan struct{}, h *fuse.InHeader, name string, out *fuse.EntryOut) fuse.Status {
	f.requests.Add(1)
	node := f.find(h.NodeId, name)
	if node == 0 {
		return fuse.ENOENT
	}
	out.NodeId = node
	f.attr(node, &out.Attr)
	out.SetAttrTimeout(f.timeout())
	out.SetEntryTimeout(f.timeout())
	return fuse.OK
}

func (f *toy) GetAttr(_ <-chan struct{}, in *fuse.GetAttrIn, out *fuse.AttrOut) fuse.Status {
	f.requests.Add(1)
	f.attr(in.NodeId, &out.Attr)
	out.SetTimeout(f.timeout())
	return fuse.OK
}

func (f *toy) SetAttr(_ <-chan struct{}, in *fuse.SetAttrIn, out *fuse.AttrOut) fuse.Status {
	f.attr(in.NodeId, &out.Attr)
	return fuse.OK
}

func (f *toy) Open(_ <-chan struct{}, in *fuse.OpenIn, out *fuse.OpenOut) fuse.Status {
	if f.cached {
		return fuse.ENOSYS
	}
	out.OpenFlags = fuse.FOPEN_DIRECT_IO
	return fuse.OK
}

func (f *toy) OpenDir(_ <-chan struct{}, in *fuse.OpenIn, out *fuse.OpenOut) fuse.Status {
	return fuse.ENOSYS
}

func (f *toy) Flush(<-chan struct{}, *fuse.FlushIn) fuse.Status { return fuse.ENOSYS }

func (f *toy) Read(cancel <-chan struct{}, in *fuse.ReadIn, buf []byte) (fuse.ReadResult, fuse.Status) {
	f.requests.Add(1)
	b := []byte("special\n")
	switch in.NodeId {
	case poisonNode:
		os.Exit(3)
	case killerNode:
		syscall.Kill(os.Getpid(), syscall.SIGKILL)
		select {}
	case panicNode:
		panic("toy")
	case faultNode:
		return fuse.ReadResultData(unmapped()), fuse.OK
	case slowNode:
		f.waiting.Add(1)
		defer f.waiting.Add(-1)
		<-cancel
		return nil, fuse.EINTR
	case versionNode:
		b = fmt.Appendf(nil, "%019d\n", f.version.Load())
	default:
		if in.NodeId >= 1000 {
			b = f.content(in.NodeId)
		}
	}
	if in.Offset >= uint64(len(b)) {
		return fuse.ReadResultData(nil), fuse.OK
	}
	return fuse.ReadResultData(b[in.Offset:min(uint64(len(b)), in.Offset+uint64(len(buf)))]), fuse.OK
}

// Write blocks on the fifo, which the test opens once the write has begun, and closes to let it end.
func (f *toy) Write(cancel <-chan struct{}, in *fuse.WriteIn, data []byte) (uint32, fuse.Status) {
	opened := make(chan struct{})
	go func() {
		os.ReadFile(f.fifo)
		close(opened)
	}()
	select {
	case <-opened:
		return uint32(len(data)), fuse.OK
	case <-cancel:
		return 0, fuse.EINTR
	}
}

func (f *toy) ReadDir(_ <-chan struct{}, in *fuse.ReadIn, l *fuse.DirEntryList) fuse.Status {
	return f.list(in, func(e fuse.DirEntry) bool { return l.AddDirEntry(e) })
}

func (f *toy) ReadDirPlus(c <-chan struct{}, in *fuse.ReadIn, l *fuse.DirEntryList) fuse.Status {
	return f.list(in, func(e fuse.DirEntry) bool {
		out := l.AddDirLookupEntry(e)
		return out != nil && f.Lookup(c, &in.InHeader, e.Name, out).Ok()
	})
}

func (f *toy) list(in *fuse.ReadIn, add func(fuse.DirEntry) bool) fuse.Status {
	n, letter, mode := f.files, "f", uint32(syscall.S_IFREG)
	if in.NodeId == 1 {
		n, letter, mode = f.dirs, "d", syscall.S_IFDIR
	}
	for i := int(in.Offset); i < n; i++ {
		name := fmt.Sprintf("%s%d", letter, i)
		if !add(fuse.DirEntry{Name: name, Mode: mode, Ino: f.find(in.NodeId, name), Off: uint64(i + 1)}) {
			break
		}
	}
	return fuse.OK
}

// unmapped is a page that faults, as that of a truncated file does.
func unmapped() []byte {
	file, err := os.CreateTemp("", "conn")
	if err != nil {
		panic(err)
	}
	defer file.Close()
	os.Remove(file.Name())
	file.Truncate(4096)
	b, err := syscall.Mmap(int(file.Fd()), 0, 4096, syscall.PROT_READ, syscall.MAP_SHARED)
	if err != nil {
		panic(err)
	}
	file.Truncate(0)
	return b
}
