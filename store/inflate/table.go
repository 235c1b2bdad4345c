package inflate

import "math/bits"

// maxCodeword is the size of the longest codewords.
const maxCodeword = 15

// Sizes of the decoding tables. A table has 1<<rootBits entries and then its subtables, which take the most room for a
// code that zlib's enough.c finds: 2,342 entries for 288 symbols and 11 bits, 402 for 32 symbols and 8 bits. It is made
// larger to be indexed with a mask.
const (
	litlenBits   = 11
	litlenSize   = 4096
	distanceBits = 8
	distanceSize = 512
	preBits      = 7
	preSize      = 128
)

// code is what a decoding table is made of.
type code struct {
	lengths []uint8 // of the codeword of each symbol, 0 for none
	symbols []entry

	count  [maxCodeword + 1]uint16
	sorted [fixedLitlens]uint16 // the symbols that have codewords, as their codewords are ordered
}

// sort fills count and sorted, and returns how many symbols there are.
func (c *code) sort() int {
	c.count = [maxCodeword + 1]uint16{}
	for _, n := range c.lengths {
		c.count[n&maxCodeword]++
	}
	c.count[0] = 0
	var next [maxCodeword + 1]uint16
	for n := 1; n < maxCodeword; n++ {
		next[n+1] = next[n] + c.count[n]
	}
	used := int(next[maxCodeword] + c.count[maxCodeword])
	for symbol, n := range c.lengths {
		if n != 0 {
			c.sorted[next[n&maxCodeword]] = uint16(symbol)
			next[n&maxCodeword]++
		}
	}
	return used
}

// isValid tells whether each sequence of bits has exactly one codeword. As in compress/flate and zlib, a code without
// symbols is valid until it is used, and so is one of one symbol and one bit.
func (c *code) isValid(used int) bool {
	free := 1
	for n := 1; n <= maxCodeword; n++ {
		free = free*2 - int(c.count[n])
		if free < 0 {
			return false
		}
	}
	return free == 0 || used == 0 || used == 1 && c.count[1] == 1
}

// build makes the table, whose first rootBits bits are looked up at once. It returns false if the code is not valid.
func (c *code) build(table []entry, rootBits int) bool {
	used := c.sort()
	if !c.isValid(used) {
		return false
	}
	if used < 2 {
		for i := range 1 << rootBits {
			table[i] = special | badCode | 1
		}
	}
	word := c.fillRoot(table, rootBits)
	c.fillSubtables(table, rootBits, word)
	return true
}

// codeword is where build is: the next symbol of sorted, and its codeword, whose first bit is the lowest.
type codeword struct {
	at   int
	bits uint
}

// next goes to the codeword of n bits after this one: it adds 1 to a number whose highest bit is the lowest.
func (w *codeword) next(n int) {
	w.at++
	zeros := ^w.bits & (1<<n - 1)
	if zeros == 0 {
		w.bits = 0 // the last one
		return
	}
	bit := uint(1) << (bits.Len(zeros) - 1)
	w.bits = w.bits&(bit-1) | bit
}

// fillRoot enters the codewords of up to rootBits bits. A table of n bits is filled, and then doubled for n+1.
func (c *code) fillRoot(table []entry, rootBits int) (w codeword) {
	for n := 1; n <= rootBits; n++ {
		half := 1 << (n - 1)
		copy(table[half:2*half], table[:half])
		for range c.count[n] {
			table[w.bits] = c.entry(w, n)
			w.next(n)
		}
	}
	return w
}

// entry returns the entry of the symbol at w, of whose codeword n bits are left.
func (c *code) entry(w codeword, n int) entry {
	return c.symbols[c.sorted[w.at]] + entry(n)<<8 + entry(n)
}

// fillSubtables enters the longer codewords, each below the entry of its first rootBits bits.
func (c *code) fillSubtables(table []entry, rootBits int, w codeword) {
	prefix, start, end := ^uint(0), 0, 1<<rootBits
	for n := rootBits + 1; n <= maxCodeword; n++ {
		for left := int(c.count[n]); left > 0; left-- {
			if root := w.bits & (1<<rootBits - 1); root != prefix {
				size := c.subtableBits(n, left, rootBits)
				prefix, start, end = root, end, end+1<<size
				table[root] = special | subtable | entry(start)<<16 | entry(size)<<8 | entry(rootBits)
			}
			for i := start + int(w.bits>>rootBits); i < end; i += 1 << (n - rootBits) {
				table[i] = c.entry(w, n-rootBits)
			}
			w.next(n)
		}
	}
}

// subtableBits returns how many bits the subtable needs that begins with a codeword of n bits, of which left are left:
// as many as the longest codeword in it.
func (c *code) subtableBits(n, left, rootBits int) int {
	size := n - rootBits
	for room := 1<<size - left; room > 0 && n < maxCodeword; {
		n++
		size++
		room = room*2 - int(c.count[n])
	}
	return size
}
