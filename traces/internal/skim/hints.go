package skim

import (
	"sync/atomic"

	"github.com/kthread-tla/tracecheck/traces"
)

// hints are pids that are likely to be in the Interest when the Reader comes to the
// line that is skimmed, which is some blocks ahead. Goroutines share them; the
// Interest itself they do not see, as each change of it would cost them a miss of the
// CPU's cache. A wrong hint costs time and nothing else.
type Hints [traces.PIDLimit / 32]atomic.Uint32

// mayHave says whether there is a hint for a pid. No range check: bits of pids from
// pidLimit on alias.
func (h *Hints) mayHave(pid uint32) bool {
	return h[pid/32%uint32(len(h))].Load()&(1<<(pid%32)) != 0
}

func (h *Hints) Set(pid int32) {
	if uint32(pid) < traces.PIDLimit && !h.mayHave(uint32(pid)) {
		h[pid/32].Or(1 << (pid % 32))
	}
}

func (h *Hints) clear(pid int32) {
	if uint32(pid) < traces.PIDLimit && h.mayHave(uint32(pid)) {
		h[pid/32].And(^(1 << (pid % 32)))
	}
}

// skip is how many of the first lines are about the scheduling of tasks for which
// there is no hint.
func (h *Hints) skip(lines []Line) (n int) {
	for i := range lines {
		if gl := &lines[i]; gl.Prev < 0 || h.mayHave(uint32(gl.Prev)) || h.mayHave(uint32(gl.Next)) {
			return i
		}
	}
	return len(lines)
}
