package inflate_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"

	"github.com/imagefs/imagefs/store/inflate"
)

// bitStream makes a DEFLATE stream of numbers, as "value:bits", the lowest bit first, or of codewords in binary digits.
func bitStream(t *testing.T, spec string) []byte {
	t.Helper()
	var out []byte
	n := 0
	put := func(bit bool) {
		if n%8 == 0 {
			out = append(out, 0)
		}
		if bit {
			out[n/8] |= 1 << (n % 8)
		}
		n++
	}
	for _, word := range strings.Fields(spec) {
		var value, size int
		if count, _ := fmt.Sscanf(word, "%d:%d", &value, &size); count == 2 {
			for i := range size {
				put(value>>i&1 != 0)
			}
			continue
		}
		for _, digit := range word {
			put(digit == '1')
		}
	}
	return out
}

func TestInvalid(t *testing.T) {
	// A dynamic block whose code of code lengths has the lengths 0 (codeword 0) and 1 (10) and 18 (11).
	const dynamic = "1:1 2:2 0:5 0:5 14:4 0:3 0:3 2:3 1:3 0:3 0:3 0:3 0:3 0:3 0:3 0:3 0:3 0:3 0:3 0:3 0:3 0:3 2:3 "
	for name, c := range map[string]struct{ stream, want string }{
		"reserved block type":    {"1:1 3:2", "reserved block type"},
		"stored length":          {"1:1 0:2 0:5 5:16 5:16 0:40", "wrong length of a stored block"},
		"too many literals":      {"1:1 2:2 31:5 0:5 0:4 0:60", "too many length or distance symbols"},
		"too many distances":     {"1:1 2:2 0:5 31:5 0:4 0:60", "too many length or distance symbols"},
		"too many short lengths": {"1:1 2:2 0:5 0:5 0:4 1:3 1:3 1:3 0:3 0:60", "wrong code of code lengths"},
		"too few code lengths":   {"1:1 2:2 0:5 0:5 0:4 2:3 0:3 0:3 0:3 0:60", "wrong code of code lengths"},
		"no code of lengths":     {"1:1 2:2 0:5 0:5 0:4 0:3 0:3 0:3 0:3 0:60", "no symbol has this codeword"},
		"repeats beyond the end": {dynamic + "11 127:7 11 127:7", "repeated beyond their end"},
		"too many codewords":     {dynamic + "11 127:7 11 105:7 10 10 10 0 0:60", "wrong literal and length code"},
		"no codewords":           {dynamic + "11 127:7 11 107:7 0 0 0:60", "no symbol has this codeword"},
		"repeats what is not":    {"1:1 2:2 0:5 0:5 0:4 1:3 0:3 0:3 1:3 1 0:60", "without one before it"},
		"distance too far":       {"1:1 1:2 0000001 00000 0:60", "distance too far back"},
		"length symbol 286":      {"1:1 1:2 11000110 0:60", "no symbol has this codeword"},
		"distance symbol 30":     {"1:1 1:2 00110000 0000001 11110 0:60", "no symbol has this codeword"},
	} {
		stream := bitStream(t, c.stream)
		for _, tail := range []int{0, 100} { // near the end of input, and far from it
			_, err := io.ReadAll(inflate.NewDeflated(bytes.NewReader(append(stream, make([]byte, tail)...))))
			var format *inflate.FormatError
			if !errors.As(err, &format) || !strings.Contains(err.Error(), c.want) {
				t.Errorf("%s: %v", name, err)
			}
		}
		sameAsFlate(t, stream)
	}
}
