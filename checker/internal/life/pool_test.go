package life

import (
	"testing"
	"unsafe"
)

var taken []*lifeSlot // in the heap

// What every event asks for of a life is in few lines of the CPU's cache.
func TestLifeSlot(t *testing.T) {
	const line = 64
	var pool lifePool
	for range 100 {
		r := pool.take()
		taken = append(taken, r)
		if off := uintptr(unsafe.Pointer(&r.life)) % line; off != 0 {
			t.Errorf("a life begins %d bytes into a line of the cache", off)
		}
		if off := uintptr(unsafe.Pointer(&r.compact)) % 32; off != 0 {
			t.Errorf("an event is in two lines of the cache: %d", off)
		}
	}
	var l Life
	if end := unsafe.Offsetof(l.compact) + unsafe.Sizeof(l.compact); end > line {
		t.Errorf("what every event asks for ends at %d", end)
	}
	if size := unsafe.Sizeof(tombstone{}); size > line {
		t.Errorf("a tombstone has %d bytes", size)
	}
	if size := unsafe.Sizeof(lifeSlot{}); size%(2*line) != line || slotsAtOnce*size > 40<<10 {
		t.Errorf("a slot has %d bytes", size)
	}
}
