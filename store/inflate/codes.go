package inflate

// fixedCodes makes the tables of the codes that the format defines (RFC 1951, 3.2.6).
func (d *inflater) fixedCodes() error {
	var lengths [fixedLitlens]uint8
	for i := range lengths {
		switch {
		case i < 144:
			lengths[i] = 8
		case i < 256:
			lengths[i] = 9
		case i < 280:
			lengths[i] = 7
		default:
			lengths[i] = 8
		}
	}
	var fives [fixedDists]uint8
	for i := range fives {
		fives[i] = 5
	}
	return d.useCodes(lengths[:], fives[:])
}

// useCodes makes the tables of codes whose codewords have these lengths.
func (d *inflater) useCodes(litlens, distances []uint8) error {
	if !d.build(d.litlens[:], litlenBits, litlens, litlenEntries[:]) {
		return invalid("wrong literal and length code")
	}
	if !d.build(d.distances[:], distanceBits, distances, distanceEntries[:]) {
		return invalid("wrong distance code")
	}
	d.step = (*inflater).symbols
	return nil
}

func (d *inflater) build(table []entry, rootBits int, lengths []uint8, symbols []entry) bool {
	d.code.lengths, d.code.symbols = lengths, symbols
	return d.code.build(table, rootBits)
}

// preOrder is the order in which the lengths of the code are stored that the code lengths are in (3.2.7).
var preOrder = [preSymbols]uint8{16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15}

// dynamicCodes reads the codes that a block brings along (3.2.7).
func (d *inflater) dynamicCodes() error {
	head, err := d.in.take(14)
	if err != nil {
		return err
	}
	litlens, distances, pre := int(head&31)+257, int(head>>5&31)+1, int(head>>10)+4
	if litlens > maxLitlens || distances > maxDistances {
		return invalid("too many length or distance symbols")
	}
	if err := d.preCode(pre); err != nil {
		return err
	}
	all := d.lengths[:litlens+distances]
	if err := d.codeLengths(all); err != nil {
		return err
	}
	return d.useCodes(all[:litlens], all[litlens:])
}

// preCode reads the n lengths of the code that the code lengths are in.
func (d *inflater) preCode(n int) error {
	var lengths [preSymbols]uint8
	for _, symbol := range preOrder[:n] {
		length, err := d.in.take(3)
		if err != nil {
			return err
		}
		lengths[symbol] = uint8(length)
	}
	if !d.build(d.pre[:], preBits, lengths[:], preEntries[:]) {
		return invalid("wrong code of code lengths")
	}
	return nil
}

// codeLengths fills all: each symbol is a length, or repeats one.
func (d *inflater) codeLengths(all []uint8) error {
	for i := 0; i < len(all); {
		e, _, err := d.in.symbol(d.pre[:], preBits)
		if err != nil {
			return err
		}
		symbol := e.value()
		if symbol < 16 {
			all[i] = uint8(symbol)
			i++
			continue
		}
		value, n, err := d.repetition(symbol, all[:i])
		if err != nil {
			return err
		}
		if n > len(all)-i {
			return invalid("code lengths repeated beyond their end")
		}
		for range n {
			all[i] = value
			i++
		}
	}
	return nil
}

// repetition returns the length that a symbol repeats, and how often; before is the lengths before it.
func (d *inflater) repetition(symbol uint, before []uint8) (value uint8, n int, err error) {
	extra, base := uint(2), 3
	switch symbol {
	case 16:
		if len(before) == 0 {
			return 0, 0, invalid("repeated code length without one before it")
		}
		value = before[len(before)-1]
	case 17:
		extra = 3
	default:
		extra, base = 7, 11
	}
	more, err := d.in.take(extra)
	return value, base + int(more), err
}
