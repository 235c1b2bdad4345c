package main

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

func TestImportShowsNoPassword(t *testing.T) {
	server := httptest.NewServer(http.NotFoundHandler())
	defer server.Close()
	host := strings.TrimPrefix(server.URL, "http://")
	for word, want := range map[string]string{
		"http://ann:s3cret@" + host + "/x.tar?a=b": server.URL + "/x.tar?a=b: 404 Not Found",
		"http://ann:s3cret@127.0.0.1:1/x.tar":      `Get "http://127.0.0.1:1/x.tar": dial`,
		"http://ann:s3cret/2@127.0.0.1:1/x.tar":    "the URL cannot be understood",
		"http://ann:s3cret@127.0.0.1:1/%zz":        "the URL cannot be understood",
	} {
		_, err := openSource(t.Context(), word)
		if err == nil || !strings.HasPrefix(err.Error(), want) {
			t.Errorf("got %v, want %s", err, want)
		}
	}
	for word, want := range map[string]string{
		"https://ann:s3cret@example.com/x.tar": "https://example.com/x.tar",
		"http://example.com/x.tar":             "http://example.com/x.tar",
		"a@b:c.tar":                            "a@b:c.tar",
	} {
		if got := shown(word); got != want {
			t.Errorf("got %s, want %s", got, want)
		}
	}
}
