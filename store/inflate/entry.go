package inflate

// entry is an element of a decoding table:
//
//	bits 0–5    how many bits of the stream it takes: what is left of the codeword, and the extra bits
//	bits 8–11   how many of them are the codeword; for a subtable, how many bits index it
//	bits 12–15  flags
//	bits 16–30  the literal, the base of the length or distance, or where the subtable begins
//	bit 31      it is a literal
type entry uint32

const (
	literal  entry = 1 << 31
	special  entry = 1 << 15 // with one of the three that follow
	subtable entry = 1 << 14
	endBlock entry = 1 << 13
	badCode  entry = 1 << 12 // no symbol has this codeword
)

func (e entry) size() uint  { return uint(e & 63) }
func (e entry) code() uint  { return uint(e >> 8 & 15) }
func (e entry) value() uint { return uint(e >> 16 & 0x7fff) }

// extra returns the number in the extra bits of an entry that bits begin with.
func (e entry) extra(bits uint64) uint { return uint(bits&(1<<e.size()-1)) >> e.code() }

// Symbols of the literal and length code, and of the distance code, that the format has (RFC 1951, 3.2.5). The fixed
// codes have two more each, which are never valid.
const (
	maxLitlens   = 286
	maxDistances = 30
	fixedLitlens = 288
	fixedDists   = 32
	endSymbol    = 256
	preSymbols   = 19
)

// The entries of the symbols, without the sizes of their codewords. To the code that the code lengths are in, its symbols
// are literals.
var (
	litlenEntries   = makeLitlens()
	distanceEntries = makeDistances()
	preEntries      = [preSymbols]entry(litlenEntries[:preSymbols])
)

func makeLitlens() (t [fixedLitlens]entry) {
	for i := range endSymbol {
		t[i] = literal | entry(i)<<16
	}
	t[endSymbol] = special | endBlock
	length := 3
	for i := endSymbol + 1; i < maxLitlens; i++ {
		extra := max(0, (i-261)/4)
		t[i] = entry(length)<<16 | entry(extra)
		length += 1 << extra
	}
	t[285] = 258 << 16
	for i := maxLitlens; i < fixedLitlens; i++ {
		t[i] = special | badCode
	}
	return t
}

func makeDistances() (t [fixedDists]entry) {
	distance := 1
	for i := range maxDistances {
		extra := max(0, i/2-1)
		t[i] = entry(distance)<<16 | entry(extra)
		distance += 1 << extra
	}
	for i := maxDistances; i < fixedDists; i++ {
		t[i] = special | badCode
	}
	return t
}
