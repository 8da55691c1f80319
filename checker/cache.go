package checker

import "sync"

// A cache remembers values by key. When there are many it forgets those that
// have not been asked for since it last forgot some. It may be used by several
// goroutines.
type cache[V any] struct {
	mu         sync.Mutex
	young, old map[string]V
	off        bool // tests: remember nothing
}

// maxCached is how many values make a cache forget.
const maxCached = 1 << 10

func (c *cache[V]) get(key []byte) (v V, ok bool) {
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

func (c *cache[V]) put(key []byte, v V) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.off {
		c.add(key, v)
	}
}

func (c *cache[V]) add(key []byte, v V) {
	if c.young == nil || len(c.young) >= maxCached {
		c.young, c.old = make(map[string]V), c.young
	}
	c.young[string(key)] = v
}
