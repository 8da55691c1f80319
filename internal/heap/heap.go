// Package heap says how large the heap may be before its garbage is collected.
package heap

import (
	"os"
	"runtime"
	"runtime/debug"
	"runtime/metrics"
)

// aim is that size in bytes. A long trace needs far less at a time, and Go by
// itself would collect each time that it has doubled: with this it collects half as
// often.
const aim = 40 << 20

// inLargePages is how many bytes of it are asked for in large pages: about what a long
// trace takes.
const inLargePages = 32 << 20

// most is the percentage at which a heap with next to nothing in it grows to the
// aim: Go takes 4 MiB for the least. It must not be more, because it is one of
// stacks and variables too.
const most = 100 * aim / (4 << 20)

// Aim sets how often garbage is collected, anew each time that it has been. GOGC,
// where it is set, has its own way.
func Aim() {
	if os.Getenv("GOGC") != "" {
		return
	}
	type mark struct{ again *int }
	live := []metrics.Sample{{Name: "/gc/heap/live:bytes"}}
	var set func(*mark)
	set = func(m *mark) {
		metrics.Read(live)
		n := max(1, int64(live[0].Value.Uint64()))
		debug.SetGCPercent(int(min(max(100, 100*(aim-n)/n), most)))
		runtime.SetFinalizer(m, set)
	}
	largePages(inLargePages)
	debug.SetGCPercent(most)
	runtime.SetFinalizer(&mark{new(int)}, set)
}
