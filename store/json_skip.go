package store

// maxDepth is how deep values may be nested, as encoding/json has it.
const maxDepth = 10_000

// value passes over a value of any kind, and returns it as it stands.
func (p *scan) value() string {
	p.space()
	start := p.i
	p.skip(0)
	if p.failed {
		return ""
	}
	return p.s[start:p.i]
}

func (p *scan) skip(depth int) {
	p.space()
	if p.failed || p.i == len(p.s) || depth > maxDepth {
		p.failed = true
		return
	}
	switch p.s[p.i] {
	case '{':
		p.skipAll('{', '}', func() {
			p.skipText()
			p.expect(':')
			p.skip(depth + 1)
		})
	case '[':
		p.skipAll('[', ']', func() { p.skip(depth + 1) })
	case '"':
		p.skipText()
	case 't':
		p.word("true")
	case 'f':
		p.word("false")
	case 'n':
		p.word("null")
	default:
		p.skipNumber()
	}
}

// skipAll passes over what stands between two brackets.
func (p *scan) skipAll(begin, end byte, element func()) {
	p.expect(begin)
	if p.next(end) {
		return
	}
	for !p.failed {
		element()
		if !p.next(',') {
			p.expect(end)
			return
		}
	}
}

func (p *scan) word(word string) {
	for i := range len(word) {
		if p.i == len(p.s) || p.s[p.i] != word[i] {
			p.failed = true
			return
		}
		p.i++
	}
}

func (p *scan) skipText() {
	p.expect('"')
	for ; !p.failed; p.i++ {
		if p.plain(); p.i == len(p.s) {
			break
		}
		switch c := p.s[p.i]; {
		case c == '"':
			p.i++
			return
		case c < ' ':
			p.failed = true
		case c == '\\':
			p.i++
			p.skipEscape()
		}
	}
	p.failed = true
}

// skipEscape passes over what follows a backslash, but for its last byte.
func (p *scan) skipEscape() {
	if p.i == len(p.s) {
		p.failed = true
		return
	}
	switch p.s[p.i] {
	case '"', '\\', '/', 'b', 'f', 'n', 'r', 't':
	case 'u':
		for range 4 {
			if p.i++; p.i == len(p.s) || !isHexDigit(p.s[p.i]) {
				p.failed = true
				return
			}
		}
	default:
		p.failed = true
	}
}

func isHexDigit(c byte) bool { return isDigit(c) || c >= 'a' && c <= 'f' || c >= 'A' && c <= 'F' }

func isDigit(c byte) bool { return c >= '0' && c <= '9' }

func (p *scan) skipNumber() {
	p.optional("-")
	if !p.optional("0") {
		p.digits()
	}
	if p.optional(".") {
		p.digits()
	}
	if p.optional("eE") {
		p.optional("+-")
		p.digits()
	}
}

// optional passes over one of chars, if it comes next.
func (p *scan) optional(chars string) bool {
	for i := range len(chars) {
		if p.i < len(p.s) && p.s[p.i] == chars[i] {
			p.i++
			return true
		}
	}
	return false
}

func (p *scan) digits() {
	start := p.i
	for p.i < len(p.s) && isDigit(p.s[p.i]) {
		p.i++
	}
	p.failed = p.failed || p.i == start
}
