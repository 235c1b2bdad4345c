package archive

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"testing"
)

// largeFiles has a large document under every name, and counts how many were opened.
type largeFiles struct{ opened int }

func (f *largeFiles) open(string) (io.ReadCloser, int64, error) {
	f.opened++
	data := make([]byte, maxDocument)
	return io.NopCloser(bytes.NewReader(data)), int64(len(data)), nil
}

func (f *largeFiles) close() error { return nil }

// TestDocumentsTogether reads a document that many images have, and more documents than are held in memory.
func TestDocumentsTogether(t *testing.T) {
	files := &largeFiles{}
	r := &random{files: files}
	for range 10 {
		for _, name := range []string{"config", "./config", "/x/../config"} {
			if _, err := r.document(name); err != nil {
				t.Fatal(err)
			}
		}
	}
	if files.opened != 1 {
		t.Errorf("one document was read %d times", files.opened)
	}
	var damaged *DamagedError
	for i := range 10 {
		if _, err := r.document(fmt.Sprint(i)); errors.As(err, &damaged) {
			break
		}
	}
	if damaged == nil || files.opened > 1+maxDocuments/maxDocument {
		t.Errorf("%d documents were read: %v", files.opened, damaged)
	}
}
