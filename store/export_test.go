package store

// FormatLine is the first line of ROOT/numbers in a store of that format.
func FormatLine(format int) []byte {
	line, err := record{Format: format}.marshal()
	if err != nil {
		panic(err)
	}
	return line
}
