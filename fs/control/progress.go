package control

import (
	"time"

	"github.com/imagefs/imagefs"
)

// layer is how one blob's transfer stands.
type layer struct {
	imagefs.LayerProgress
	First int64     `json:"-"` // bytes that an earlier attempt had left
	Since time.Time `json:"-"` // when its first state came
	Until time.Time `json:"-"` // when its latest did
}

// Layer takes the state of one blob's transfer. The log has a line for each new status, as docker prints them where
// there is no terminal.
func (j *job) Layer(p imagefs.LayerProgress) {
	j.mu.Lock()
	defer j.mu.Unlock()
	now := time.Now()
	for i := range j.layers {
		l := &j.layers[i]
		if l.ID != p.ID {
			continue
		}
		if l.Status != p.Status {
			j.log = append(j.log, p.ID+": "+p.Status)
		}
		if l.Done == 0 && l.First == 0 && p.Done > 0 { // the first that is heard of bytes
			l.First, l.Since = p.Done, now
		}
		l.LayerProgress, l.Until = p, now
		return
	}
	j.log = append(j.log, p.ID+": "+p.Status)
	j.layers = append(j.layers, layer{LayerProgress: p, First: p.Done, Since: now, Until: now})
}

// rate is the bytes a second since the transfer began.
func (l layer) rate() int64 {
	seconds := l.Until.Sub(l.Since).Seconds()
	if seconds <= 0 {
		return 0
	}
	return int64(float64(l.Done-l.First) / seconds)
}

type progress struct {
	Job    int             `json:"job"`
	Status string          `json:"status"`
	Done   int64           `json:"done"`  // bytes
	Total  int64           `json:"total"` // bytes
	Rate   int64           `json:"rate"`  // bytes a second
	Layers []layerProgress `json:"layers"`
}

type layerProgress struct {
	imagefs.LayerProgress
	Rate int64 `json:"rate"`
}

// progress is one JSON object on a line.
func (j *job) progress() []byte {
	p := progress{Job: j.number, Status: j.status(), Layers: []layerProgress{}}
	j.mu.Lock()
	defer j.mu.Unlock()
	for _, l := range j.layers {
		p.Layers = append(p.Layers, layerProgress{l.LayerProgress, l.rate()})
		p.Done += l.Done
		p.Total += l.Total
		p.Rate += l.rate()
	}
	return jsonLine(p)
}
