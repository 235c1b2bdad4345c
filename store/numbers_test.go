package store

import (
	"bytes"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"testing"
	"time"

	digest "github.com/opencontainers/go-digest"
)

func newBook(t *testing.T) (*numbers, string) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "numbers")
	n := &numbers{}
	if err := n.append(path, nil); err != nil {
		t.Fatal(err)
	}
	refresh(t, n, path)
	return n, path
}

func refresh(t *testing.T, n *numbers, path string) {
	t.Helper()
	if err := n.refresh(path); err != nil {
		t.Fatal(err)
	}
}

// give numbers a chain called name, and returns the number.
func give(t *testing.T, n *numbers, path, name string) uint32 {
	t.Helper()
	refresh(t, n, path)
	number, err := n.allocator(time.Now()).take(1)
	if err != nil {
		t.Fatal(err)
	}
	r := record{Chain: &chainRecord{Number: number, ChainID: digest.FromString(name), DiffID: digest.FromString(name)}}
	if err := n.append(path, []record{r}); err != nil {
		t.Fatal(err)
	}
	return number
}

func TestNumbersGoOn(t *testing.T) {
	n, path := newBook(t)
	other := &numbers{}
	for i := range uint32(10) {
		book := []*numbers{n, other}[i%2]
		if got := give(t, book, path, fmt.Sprint(i)); got != firstNumber+i {
			t.Errorf("number %d is %d", i, got)
		}
	}
	refresh(t, n, path)
	refresh(t, other, path)
	if len(n.chains) != 10 || len(other.chains) != 10 || n.damaged || other.damaged {
		t.Errorf("%d and %d chains", len(n.chains), len(other.chains))
	}
}

func TestTornLineCountsForNothing(t *testing.T) {
	n, path := newBook(t)
	give(t, n, path, "a")
	whole, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	give(t, n, path, "b")
	both, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for size := len(whole); size < len(both); size++ {
		if err := os.WriteFile(path, both[:size], 0o644); err != nil {
			t.Fatal(err)
		}
		fresh := &numbers{}
		if got := give(t, fresh, path, "c"); got != firstNumber+1 {
			t.Fatalf("cut at %d: number %d", size, got)
		}
		refresh(t, fresh, path)
		if len(fresh.chains) != 2 || fresh.damaged {
			t.Fatalf("cut at %d: %d chains", size, len(fresh.chains))
		}
	}
}

func TestDamagedOrLostNumbersAreNotGivenAgain(t *testing.T) {
	for name, harm := range map[string]func(path string, data []byte) error{
		"lost":      func(path string, _ []byte) error { return os.Remove(path) },
		"emptied":   func(path string, _ []byte) error { return os.Truncate(path, 0) },
		"last line": func(path string, data []byte) error { return os.WriteFile(path, flipByte(data, len(data)-5), 0o644) },
		"header":    func(path string, data []byte) error { return os.WriteFile(path, flipByte(data, 3), 0o644) },
		"newline": func(path string, data []byte) error {
			return os.WriteFile(path, bytes.Replace(data, []byte{'\n'}, []byte{'x'}, 1), 0o644)
		},
	} {
		t.Run(name, func(t *testing.T) {
			n, path := newBook(t)
			give(t, n, path, "a")
			last := give(t, n, path, "b")
			data, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			if err := harm(path, data); err != nil {
				t.Fatal(err)
			}
			fresh := &numbers{}
			if got := give(t, fresh, path, "c"); got <= last {
				t.Errorf("number %d, after %d", got, last)
			}
			if got := give(t, n, path, "d"); got <= last+1 {
				t.Errorf("number %d, after %d and another", got, last)
			}
		})
	}
}

func flipByte(b []byte, at int) []byte {
	b = bytes.Clone(b)
	b[at] ^= 1
	return b
}

func TestNumbersRunOut(t *testing.T) {
	a := allocator{next: math.MaxUint32 - 1}
	if _, err := a.take(3); err != errNumbers {
		t.Errorf("three of two: %v", err)
	}
	if n, err := a.take(2); n != math.MaxUint32-1 || err != nil {
		t.Errorf("the last two: %d, %v", n, err)
	}
	if _, err := a.take(1); err != errNumbers {
		t.Errorf("one of none: %v", err)
	}
}

func TestSeedGrows(t *testing.T) {
	now := time.Date(2046, 1, 1, 0, 0, 0, 0, time.UTC)
	if a, b := seed(now), seed(now.Add(time.Minute)); b-a != 240 || a > math.MaxUint32 {
		t.Errorf("%d, a minute later %d", a, b)
	}
	if got := seed(time.Unix(0, 0)); got != firstNumber {
		t.Errorf("with a clock that is not set: %d", got)
	}
}
