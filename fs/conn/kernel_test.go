package conn

import (
	"errors"
	"os"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"

	"github.com/hanwen/go-fuse/v2/fuse"
	"golang.org/x/sys/unix"
)

// kernel plays the kernel's part through a socket, so that a server finds exactly what a test has prepared.
type kernel struct {
	t          *testing.T
	fd         int
	dev, slots *os.File
}

func newKernel(t *testing.T) *kernel {
	t.Helper()
	pair, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_SEQPACKET|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	k := &kernel{t: t, fd: pair[0], dev: os.NewFile(uintptr(pair[1]), "device")}
	t.Cleanup(func() { unix.Close(k.fd); k.dev.Close() })
	if k.slots, err = NewSlots(4, 132<<10); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { k.slots.Close() })
	return k
}

func (k *kernel) area() *area {
	k.t.Helper()
	a, err := mapArea(k.slots)
	if err != nil {
		k.t.Fatal(err)
	}
	k.t.Cleanup(func() { a.unmap() })
	return a
}

// message makes a request.
func message(opcode uint32, unique, node uint64, body []byte) request {
	r := append(make(request, inHeaderSize), body...)
	order.PutUint32(r, uint32(len(r)))
	order.PutUint32(r[4:], opcode)
	order.PutUint64(r[8:], unique)
	order.PutUint64(r[16:], node)
	return r
}

func initMessage() request {
	body := make([]byte, 64)
	for i, word := range []uint32{7, 38, 128 << 10, 0} {
		order.PutUint32(body[4*i:], word)
	}
	return message(opInit, 2, 0, body)
}

func readMessage(unique, node uint64) request {
	body := make([]byte, 40)
	order.PutUint32(body[16:], 4096)
	return message(opRead, unique, node, body)
}

// receive takes what the server writes.
func (k *kernel) receive() (unique uint64, errno syscall.Errno) {
	k.t.Helper()
	answer := make([]byte, 256<<10)
	n, err := unix.Read(k.fd, answer)
	if err != nil || n < outHeaderSize {
		k.t.Fatalf("the server has written %d bytes: %v", n, err)
	}
	return order.Uint64(answer[8:]), errnoOf(answer)
}

// start starts a server, and waits for its answer to INIT.
func (k *kernel) start(o Options) {
	k.t.Helper()
	o.Fuse = &fuse.MountOptions{MaxWrite: 128 << 10}
	s, err := NewServer(k.dev, k.slots, newToy(), o)
	if err != nil {
		k.t.Fatal(err)
	}
	if unique, errno := k.receive(); unique != 2 || errno != 0 {
		k.t.Fatalf("INIT is answered %d %v", unique, errno)
	}
	ended := make(chan error, 1)
	go func() { ended <- s.Serve() }()
	k.t.Cleanup(func() {
		unix.Shutdown(k.fd, unix.SHUT_RDWR)
		if err := <-ended; err != nil {
			k.t.Errorf("Serve: %v", err)
		}
	})
}

// succeed is start for a server that has a predecessor.
func (k *kernel) succeed(o Options, prepare func(a *area)) {
	k.t.Helper()
	a := k.area()
	copy(a.init(), initMessage())
	prepare(a)
	k.start(o)
}

func put(s *slot, r request) {
	copy(s.buffer, r)
}

func TestInterruptedBefore(t *testing.T) {
	for name, prepare := range map[string]func(*area){
		"the interrupt was handled": func(a *area) { *a.slots[1].interrupted = 100 },
		"the interrupt was read":    func(a *area) { put(a.slots[3], interruptOf(100)) },
		"it was read first":         func(a *area) { put(a.slots[0], interruptOf(100)) },
	} {
		for kind, o := range kinds {
			t.Run(name+"/"+kind, func(t *testing.T) {
				k := newKernel(t)
				k.succeed(o, func(a *area) {
					put(a.slots[1], readMessage(100, slowNode))
					put(a.slots[2], interruptOf(98)) // of a request that was answered
					prepare(a)
				})
				if unique, errno := k.receive(); unique != 100 || errno != syscall.EINTR {
					t.Errorf("got %d %v", unique, errno)
				}
			})
		}
	}
}

func TestDeaths(t *testing.T) {
	for _, test := range []struct {
		name, env string
		before    uint32
		want      syscall.Errno
	}{
		{"first crash", predecessorCrashed, 0, 0},
		{"second crash", predecessorCrashed, weightOfCrash, syscall.EIO},
		{"no holder", "", weightOfCrash, syscall.EIO},
		{"kill after a crash", predecessorKilled, weightOfCrash, 0},
		{"a hundred kills", predecessorKilled, 99, 0},
		{"too many kills", predecessorKilled, 255, syscall.EIO},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Setenv(predecessorEnv, test.env)
			k := newKernel(t)
			k.succeed(Options{Workers: 2}, func(a *area) {
				put(a.slots[2], readMessage(100, 2000)) // of a third worker
				*a.slots[2].deaths, *a.slots[2].begun = test.before, 1
			})
			if unique, errno := k.receive(); unique != 100 || errno != test.want {
				t.Errorf("got %d %v, want %v", unique, errno, test.want)
			}
		})
	}
}

// TestBystanders leaves requests whose handlers take their time beside one that has not been begun.
func TestBystanders(t *testing.T) {
	for kind, o := range kinds {
		t.Run(kind, func(t *testing.T) {
			t.Setenv(predecessorEnv, predecessorCrashed)
			k := newKernel(t)
			var a *area
			k.succeed(o, func(prepared *area) {
				a = prepared
				put(a.slots[0], readMessage(100, slowNode))
				put(a.slots[1], readMessage(102, slowNode))
				put(a.slots[2], message(3, 104, 2000, make([]byte, 16))) // GETATTR
				*a.slots[0].deaths, *a.slots[0].begun = weightOfCrash, 0
				*a.slots[2].begun = 1
			})
			if unique, errno := k.receive(); unique != 104 || errno != 0 {
				t.Errorf("got %d %v", unique, errno)
			}
			eventually(t, "the first read begins", func() bool { return atomic.LoadUint32(a.slots[0].begun) == 1 })
			if n := *a.slots[0].deaths; n != weightOfCrash {
				t.Errorf("a death in which it had not begun weighs %d", n-weightOfCrash)
			}
			answered := map[uint64]bool{}
			for _, unique := range []uint64{102, 100} { // one that has begun, or soon will, and one before it
				unix.Write(k.fd, interruptOf(unique))
			}
			for range 2 {
				unique, errno := k.receive()
				answered[unique] = errno == syscall.EINTR
			}
			if !answered[100] || !answered[102] {
				t.Errorf("answered %v", answered)
			}
		})
	}
}

// TestDeathsAreForgotten reads a request into the slot of one that has met a death.
func TestDeathsAreForgotten(t *testing.T) {
	k := newKernel(t)
	var a *area
	k.succeed(Options{Workers: 1}, func(prepared *area) {
		a = prepared
		put(a.slots[0], readMessage(100, 2000))
	})
	k.receive()
	if _, err := unix.Write(k.fd, readMessage(102, 2001)); err != nil {
		t.Fatal(err)
	}
	if unique, errno := k.receive(); unique != 102 || errno != 0 {
		t.Errorf("got %d %v", unique, errno)
	}
	if n := *a.slots[0].deaths; n != 0 {
		t.Errorf("the deaths weigh %d", n)
	}
}

func TestPollsAreWoken(t *testing.T) {
	k := newKernel(t)
	var a *area
	k.succeed(Options{}, func(prepared *area) {
		a = prepared
		a.pollHandles()[7] = 42
	})
	message := make([]byte, 64)
	n, err := unix.Read(k.fd, message)
	if err != nil || n != 24 || order.Uint32(message[4:]) != notifyPoll || order.Uint64(message[16:]) != 42 {
		t.Errorf("got % x: %v", message[:n], err)
	}
	eventually(t, "the handle is forgotten", func() bool { return a.pollHandles()[7] == 0 })
}

func TestSlotsOfAnother(t *testing.T) {
	for name, test := range map[string]struct {
		spoil func(*os.File) error
		want  string
	}{
		"format":   {func(f *os.File) error { _, err := f.WriteAt([]byte("imagefs slots 9"), 0); return err }, "format"},
		"geometry": {func(f *os.File) error { _, err := f.WriteAt([]byte{9}, countOffset); return err }, "9 slots"},
		"length":   {func(f *os.File) error { return f.Truncate(100) }, "100 bytes"},
		"empty":    {func(f *os.File) error { return f.Truncate(0) }, "EOF"},
	} {
		t.Run(name, func(t *testing.T) {
			k := newKernel(t)
			if err := test.spoil(k.slots); err != nil {
				t.Fatal(err)
			}
			_, err := NewServer(k.dev, k.slots, newToy(), Options{Fuse: &fuse.MountOptions{}})
			if err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("got %v, want %q", err, test.want)
			}
		})
	}
}

func TestSlotsTooSmall(t *testing.T) {
	k := newKernel(t)
	if _, err := unix.Write(k.fd, initMessage()); err != nil {
		t.Fatal(err)
	}
	_, err := NewServer(k.dev, k.slots, newToy(), Options{Fuse: &fuse.MountOptions{MaxWrite: 960 << 10}})
	if err == nil || !strings.Contains(err.Error(), "MaxWrite") {
		t.Errorf("got %v", err)
	}
	if _, err := NewSlots(0, 1<<20); !errors.Is(err, syscall.EINVAL) {
		t.Errorf("no slots: %v", err)
	}
	if _, err := NewSlots(1, 100); !errors.Is(err, syscall.EINVAL) {
		t.Errorf("slots of 100 bytes: %v", err)
	}
}

// FuzzSlots opens a memfd with any header.
func FuzzSlots(f *testing.F) {
	f.Add([]byte(format+"\x04\x00\x00\x00\x00\x00\x01\x00"), 1<<19)
	f.Add([]byte(format+"\xff\xff\xff\xff\xff\xff\xff\xff"), 0)
	f.Fuzz(func(t *testing.T, header []byte, length int) {
		slots, err := NewSlots(2, minReadBuffer)
		if err != nil {
			t.Fatal(err)
		}
		defer slots.Close()
		if slots.Truncate(int64(uint32(length)%(1<<20))) != nil {
			return
		}
		if _, err := slots.WriteAt(header, 0); err != nil {
			t.Fatal(err)
		}
		if a, err := mapArea(slots); err == nil {
			(&Server{area: a}).takeOver()
			a.unmap()
		}
	})
}
