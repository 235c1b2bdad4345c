package inflate

// careful decodes one literal or match, and takes no bit that is not there.
func (d *inflater) careful() (ended bool, err error) {
	e, extra, err := d.in.symbol(d.litlens[:], litlenBits)
	switch {
	case err != nil || e&endBlock != 0:
		return true, err
	case e&literal != 0:
		d.out.data[d.out.end] = byte(e.value())
		d.out.end++
		return false, nil
	}
	length := e.value() + extra
	e, extra, err = d.in.symbol(d.distances[:], distanceBits)
	if err != nil {
		return false, err
	}
	distance := e.value() + extra
	if distance > uint(d.out.end) {
		return false, errTooFar
	}
	d.out.copyMatch(length, distance)
	return false, nil
}

// symbol reads a codeword and the extra bits after it.
func (in *input) symbol(table []entry, rootBits uint) (e entry, extra uint, err error) {
	if in.count < maxSymbol {
		in.refill()
	}
	e = table[in.bits&(1<<rootBits-1)]
	if e&subtable != 0 {
		if e.size() > in.count {
			return 0, 0, truncated(in.err)
		}
		in.drop(e.size())
		e = table[e.value()+uint(in.bits&(1<<e.code()-1))]
	}
	switch {
	case e.size() > in.count:
		return 0, 0, truncated(in.err)
	case e&badCode != 0:
		return 0, 0, errBadCode
	}
	extra = e.extra(in.bits)
	in.drop(e.size())
	return e, extra, nil
}
