package model

import "sync"

// A Cache keeps values by key, in two generations. When the young one is full it becomes
// the old one, and the old one is dropped. A value that is read moves into the young one.
// Several goroutines may use a Cache.
type Cache[V any] struct {
	mu         sync.Mutex
	young, old map[string]V
	Off        bool // keep nothing; for tests
}

// maxCached is the size of a full generation.
const maxCached = 1 << 10

// Get returns the value of a key; ok says whether there is one.
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
