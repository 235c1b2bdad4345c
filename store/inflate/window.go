package inflate

const (
	// historySize is how far back a match may reach.
	historySize = 32 << 10
	// windowSize is that and what is decoded between two reads of it.
	windowSize = historySize + 128<<10
	// windowSlack is what one round of the fast loop may write beyond windowSize: literals, the longest match, and what a
	// copy in words writes too much.
	windowSlack = 320
)

// window is what has been decoded last.
type window struct {
	data [windowSize + windowSlack]byte
	end  int // data[:end] is decoded
	read int // data[:read] has been read
}

// hasRoom tells whether another round may begin.
func (w *window) hasRoom() bool { return w.end < windowSize }

// pending is what has been decoded and not read.
func (w *window) pending() []byte { return w.data[w.read:w.end] }

// slide makes room, once all has been read.
func (w *window) slide() {
	if !w.hasRoom() {
		w.end = copy(w.data[:], w.data[w.end-historySize:w.end])
		w.read = w.end
	}
}

// forget drops the history, for the next member: no match reaches back into another one.
func (w *window) forget() { w.end, w.read = 0, 0 }

// copyMatch appends length bytes, which are those from distance back on, as often as needed. Both are valid.
func (w *window) copyMatch(length, distance uint) {
	from, end := w.end-int(distance), w.end+int(length)
	for w.end < end {
		w.end += copy(w.data[w.end:end], w.data[from:w.end])
	}
}
