package main

import (
	"fmt"
	"io"
	"sync"

	"github.com/imagefs/imagefs"
)

// lines reports as docker does where there is no terminal: a line each time that a layer's state changes.
type lines struct {
	out io.Writer

	mu   sync.Mutex // guards last, and out
	last map[string]string
}

func (l *lines) Line(text string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	fmt.Fprintln(l.out, text)
}

func (l *lines) Layer(p imagefs.LayerProgress) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if moves[p.Status] || l.last[p.ID] == p.Status {
		return
	}
	if l.last == nil {
		l.last = make(map[string]string)
	}
	l.last[p.ID] = p.Status
	fmt.Fprintf(l.out, "%s: %s\n", p.ID, p.Status)
}

func (l *lines) end(error) {}

// moves are the states in which a layer's bytes go one by one; docker has no lines for them.
var moves = map[string]bool{
	imagefs.StatusDownloading: true, imagefs.StatusPushing: true, imagefs.StatusLoading: true,
}

// plain reports lines only.
type plain struct{ lines }

func (p *plain) Layer(imagefs.LayerProgress) {}

// lastLine reports, as docker pull --quiet does, nothing but the last line: the name.
type lastLine struct {
	out  io.Writer
	mu   sync.Mutex // guards text
	text string
}

func (l *lastLine) Line(text string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.text = text
}

func (l *lastLine) Layer(imagefs.LayerProgress) {}

func (l *lastLine) end(err error) {
	if err == nil {
		fmt.Fprintln(l.out, l.text)
	}
}

// onlyName reports, as docker push --quiet does, nothing but what was pushed.
type onlyName struct {
	out  io.Writer
	name string
}

func (n *onlyName) Line(string) {}

func (n *onlyName) Layer(imagefs.LayerProgress) {}

func (n *onlyName) end(err error) {
	if err == nil {
		fmt.Fprintln(n.out, n.name)
	}
}
