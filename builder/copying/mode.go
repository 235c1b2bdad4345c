package copying

import (
	"fmt"
	"strconv"
	"strings"
)

// Mode is what --chmod says: permission bits, or changes to them.
type Mode struct {
	bits    uint32
	changes []change
}

// change is a clause of a symbolic mode, as chmod(1) has it.
type change struct {
	who uint32 // the bits of those that are meant: 0700, 0070, 0007
	op  byte   // + - =
	// perms is of "rwxst"; X, execution where there is any, is apart.
	perms string
}

// ParseMode reads an octal or a symbolic mode: 755, u=rwX,go=rX.
func ParseMode(text string) (*Mode, error) {
	if bits, err := strconv.ParseUint(text, 8, 32); err == nil && bits <= 0o7777 {
		return &Mode{bits: uint32(bits)}, nil
	}
	m := &Mode{}
	for _, clause := range strings.Split(text, ",") {
		at := strings.IndexAny(clause, "+-=")
		if at < 0 || strings.Trim(clause[:at], "ugoa") != "" || strings.Trim(clause[at+1:], "rwxXst") != "" {
			return nil, fmt.Errorf("invalid chmod parameter: '%s'. it should be octal string and between 0 and 07777", text)
		}
		m.changes = append(m.changes, change{whom(clause[:at]), clause[at], clause[at+1:]})
	}
	return m, nil
}

func whom(letters string) (mask uint32) {
	if letters == "" || strings.Contains(letters, "a") {
		return 0o777
	}
	for _, row := range []struct {
		letter string
		mask   uint32
	}{{"u", 0o700}, {"g", 0o070}, {"o", 0o007}} {
		if strings.Contains(letters, row.letter) {
			mask |= row.mask
		}
	}
	return mask
}

// ofDirectories is what a directory has that is made for what is copied. As with BuildKit a symbolic mode says nothing of it.
func (m *Mode) ofDirectories() uint32 {
	if m == nil || m.changes != nil {
		return 0o755
	}
	return m.bits & 0o777
}

// apply is the permission bits that a file of these has then.
func (m *Mode) apply(bits uint32, isDir bool) uint32 {
	if m.changes == nil {
		return m.bits
	}
	for _, c := range m.changes {
		set := c.bits(bits, isDir)
		switch c.op {
		case '+':
			bits |= set
		case '-':
			bits &^= set
		case '=':
			bits = bits&^c.who | set
		}
	}
	return bits
}

func (c change) bits(old uint32, isDir bool) (set uint32) {
	for _, letter := range c.perms {
		switch letter {
		case 'r':
			set |= 0o444 & c.who
		case 'w':
			set |= 0o222 & c.who
		case 'x':
			set |= 0o111 & c.who
		case 'X':
			if isDir || old&0o111 != 0 {
				set |= 0o111 & c.who
			}
		case 's':
			if c.who&0o700 != 0 {
				set |= 0o4000
			}
			if c.who&0o070 != 0 {
				set |= 0o2000
			}
		case 't':
			set |= 0o1000
		}
	}
	return set
}
