package checker

import (
	"testing"
	"unsafe"
)

var taken []*room // in the heap

// What every event asks for of a life is in few lines of the CPU's cache.
func TestRoom(t *testing.T) {
	const line = 64
	var ls lives
	for range 100 {
		r := ls.room()
		taken = append(taken, r)
		if off := uintptr(unsafe.Pointer(&r.life)) % line; off != 0 {
			t.Errorf("a life begins %d bytes into a line of the cache", off)
		}
		if off := uintptr(unsafe.Pointer(&r.kept)) % 32; off != 0 {
			t.Errorf("an event is in two lines of the cache: %d", off)
		}
	}
	var l Life
	if end := unsafe.Offsetof(l.kept) + unsafe.Sizeof(l.kept); end > line {
		t.Errorf("what every event asks for ends at %d", end)
	}
	if size := unsafe.Sizeof(record{}); size > line {
		t.Errorf("a record has %d bytes", size)
	}
	if size := unsafe.Sizeof(room{}); size%(2*line) != line || roomsAtOnce*size > 40<<10 {
		t.Errorf("a room has %d bytes", size)
	}
}
