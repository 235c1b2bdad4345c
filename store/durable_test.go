package store

import (
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestHolds(t *testing.T) {
	path := filepath.Join(t.TempDir(), "file")
	const blocks = 3
	whole := strings.Repeat("0123456789", blocks)
	write := func(w io.Writer) error {
		for i := range blocks {
			if _, err := io.WriteString(w, whole[10*i:10*i+10]); err != nil {
				return err
			}
		}
		return nil
	}
	for text, want := range map[string]bool{
		whole: true, whole[:20]: false, whole[:25]: false, "": false, whole + "0": false, strings.Replace(whole, "9", "8", 1): false,
		whole[:29] + "8": false,
	} {
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if same, err := holds(path, write); same != want || err != nil {
			t.Errorf("%q: %v, %v", text, same, err)
		}
	}
	if same, err := holds(path+"x", write); same || !os.IsNotExist(err) {
		t.Errorf("%v, %v", same, err)
	}
}
