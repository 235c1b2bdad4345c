package content

import (
	"io"
	"sync"
)

// maxKept is how many of each stay open while nobody reads them.
const maxKept = 16

// kept keeps open what was read last, because a file is read with many requests and none of them says which is the
// last.
type kept[K comparable, V io.Closer] struct {
	open func(K) (V, error)

	mu  sync.Mutex // guards what follows
	all map[K]*user[K, V]
}

// user is an opened thing and how many use it.
type user[K comparable, V io.Closer] struct {
	value V
	key   K
	users int // guarded by kept.mu
}

// get opens key. It is given back to put.
func (s *kept[K, V]) get(key K) (*user[K, V], error) {
	if u := s.known(key); u != nil {
		return u, nil
	}
	value, err := s.open(key)
	if err != nil {
		return nil, err
	}
	return s.add(&user[K, V]{value: value, key: key, users: 1}), nil
}

func (s *kept[K, V]) put(u *user[K, V]) {
	s.mu.Lock()
	defer s.mu.Unlock()
	u.users--
	if u.users == 0 && s.all[u.key] != u {
		u.value.Close()
	}
}

func (s *kept[K, V]) known(key K) *user[K, V] {
	s.mu.Lock()
	defer s.mu.Unlock()
	u := s.all[key]
	if u != nil {
		u.users++
	}
	return u
}

// add keeps u open. If there are too many by now, any other one goes, at once or when its last user puts it back.
func (s *kept[K, V]) add(u *user[K, V]) *user[K, V] {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.all == nil {
		s.all = make(map[K]*user[K, V])
	}
	if _, ok := s.all[u.key]; ok {
		return u // somebody was faster; this one lasts until it is put back
	}
	for key := range s.all {
		if len(s.all) < maxKept {
			break
		}
		s.drop(key)
	}
	s.all[u.key] = u
	return u
}

// drop is called with mu held.
func (s *kept[K, V]) drop(key K) {
	u := s.all[key]
	delete(s.all, key)
	if u.users == 0 {
		u.value.Close()
	}
}

// close gives up what is kept open, of the keys that are meant.
func (s *kept[K, V]) close(meant func(K) bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for key := range s.all {
		if meant(key) {
			s.drop(key)
		}
	}
}
