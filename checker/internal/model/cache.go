package model

import "sync"

// A Cache remembers values by key. When there are many it forgets those that
// have not been asked for since it last forgot some. It may be used by several
// goroutines.
type Cache[V any] struct {
	mu         sync.Mutex
	young, old map[string]V
	Off        bool // remember nothing: tests compare with that
}

// maxCached is how many values make a cache forget.
const maxCached = 1 << 10

// Get is the value of a key; ok says whether there is one.
func (c *Cache[V]) Get(key []byte) (v V, ok bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if v, ok = c.young[string(key)]; ok {
		return v, true
	}
	if v, ok = c.old[string(key)]; ok {
		c.add(key, v)
	}
	return v, ok
}

// Put keeps the value of a key.
func (c *Cache[V]) Put(key []byte, v V) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.Off {
		c.add(key, v)
	}
}

// Len is how many values there are.
func (c *Cache[V]) Len() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return len(c.young) + len(c.old)
}

func (c *Cache[V]) add(key []byte, v V) {
	if c.young == nil || len(c.young) >= maxCached {
		c.young, c.old = make(map[string]V), c.young
	}
	c.young[string(key)] = v
}
