package model

import (
	"fmt"
	"testing"
)

// What is asked for again and again is never forgotten, and there is never too
// much of it.
func TestACacheKeepsWhatIsUsed(t *testing.T) {
	var c Cache[int]
	key := func(i int) []byte { return fmt.Append(nil, i) }
	c.Put(key(0), 7)
	for i := 1; i < 5*maxCached; i++ {
		c.Put(key(i), i)
		if v, ok := c.Get(key(0)); !ok || v != 7 {
			t.Fatalf("after %d others: %d, %v", i, v, ok)
		}
		if n := len(c.young) + len(c.old); n > 2*maxCached {
			t.Fatalf("%d values", n)
		}
	}
	if _, ok := c.Get(key(1)); ok {
		t.Error("what nobody asks for is still there")
	}
}
