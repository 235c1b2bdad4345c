package inflate

import "encoding/binary"

// maxSymbol is the most bits that a codeword takes with its extra bits: a distance.
const maxSymbol = maxCodeword + 13

// A round of the fast loop loads up to three times, each time eight bytes, of which it goes on by up to seven. There must
// be one more such load ahead for the loop to begin.
const (
	roundInput = 24
	fastInput  = roundInput + 8
)

// fast decodes as long as there is much input, and room. What it does is what careful does, with the inflater's bits,
// count and positions in registers, and so in one function. Of count only the lowest six bits count.
func (d *inflater) fast() (ended bool, err error) {
	var (
		in, out     = &d.in.buf, &d.out.data
		bits, count = d.in.bits, uint64(d.in.count)
		pos, last   = d.in.pos, d.in.end - roundInput
		end         = d.out.end
		e           entry
		before      uint64 // bits, before what e takes
	)
	pos, bits, count = load(in, pos, bits, count)
	e = d.litlens[bits&(1<<litlenBits-1)]
	for pos <= last && end < windowSize {
		// Up to three literals, of 33 bits.
		before = bits
		bits >>= e & 63
		count -= uint64(e)
		if e&literal != 0 {
			out[end] = byte(e >> 16)
			end++
			e = d.litlens[bits&(1<<litlenBits-1)]
			before = bits
			bits >>= e & 63
			count -= uint64(e)
			if e&literal != 0 {
				out[end] = byte(e >> 16)
				end++
				e = d.litlens[bits&(1<<litlenBits-1)]
				before = bits
				bits >>= e & 63
				count -= uint64(e)
				if e&literal != 0 {
					out[end] = byte(e >> 16)
					end++
					pos, bits, count = load(in, pos, bits, count)
					e = d.litlens[bits&(1<<litlenBits-1)]
					continue
				}
			}
		}

		if e&special != 0 {
			if e&subtable != 0 {
				e = d.litlens[(uint64(e>>16)+bits&(1<<(e>>8&15)-1))%litlenSize]
				before = bits
				bits >>= e & 63
				count -= uint64(e)
			}
			if e&literal != 0 {
				out[end] = byte(e >> 16)
				end++
				pos, bits, count = load(in, pos, bits, count)
				e = d.litlens[bits&(1<<litlenBits-1)]
				continue
			}
			if e&special != 0 {
				ended = true
				break
			}
		}
		length := int(e>>16) + int(before&(1<<(e&63)-1)>>(e>>8&15))

		if count&63 < maxSymbol {
			pos, bits, count = load(in, pos, bits, count)
		}
		e = d.distances[bits&(1<<distanceBits-1)]
		before = bits
		bits >>= e & 63
		count -= uint64(e)
		if e&special != 0 {
			if e&subtable != 0 {
				e = d.distances[(uint64(e>>16)+bits&(1<<(e>>8&15)-1))%distanceSize]
				before = bits
				bits >>= e & 63
				count -= uint64(e)
			}
			if e&special != 0 {
				ended = true
				break
			}
		}
		distance := int(e>>16) + int(before&(1<<(e&63)-1)>>(e>>8&15))
		from := end - distance
		if from < 0 {
			err = errTooFar
			break
		}
		pos, bits, count = load(in, pos, bits, count)
		e = d.litlens[bits&(1<<litlenBits-1)]
		to := end
		end += length
		if distance < 8 {
			to, from = copyNear(out, to, from)
		}
		for to < end {
			copyWord(out, to, from)
			to += 8
			from += 8
		}
	}
	d.in.bits, d.in.count, d.in.pos, d.out.end = bits, uint(count&63), pos, end
	if ended && e&badCode != 0 {
		return false, errBadCode
	}
	return ended, err
}

// load makes count at least 56, with one load and no branch: it takes the bytes of which no bit is there yet, and those
// bits of the next that find room.
func load(in *[inputSize]byte, pos int, bits, count uint64) (int, uint64, uint64) {
	bits |= binary.LittleEndian.Uint64(in[pos:]) << (count & 63)
	return pos + int(63-count&63)/8, bits, count | 56
}

// copyWord copies eight bytes; those that it writes may be among those that follow what it reads.
func copyWord(out *[windowSize + windowSlack]byte, to, from int) {
	binary.LittleEndian.PutUint64(out[to:to+8], binary.LittleEndian.Uint64(out[from:from+8]))
}

// periods are the least multiples of the distances below 8 that are 8 or more.
var periods = [8]int{0, 8, 8, 9, 8, 10, 12, 14}

// copyNear copies the first eight bytes of a match of a distance below 8, and returns where to go on in words.
func copyNear(out *[windowSize + windowSlack]byte, to, from int) (int, int) {
	period := periods[(to-from)&7]
	for range 8 {
		out[to] = out[from]
		to++
		from++
	}
	return to, to - period
}
