package skim

import (
	"sync/atomic"

	"github.com/kthread-tla/tracecheck/traces"
)

// Hints are pids that are likely to be in the Interest when the Reader comes to the line
// that is skimmed now, some blocks ahead: the Reader has found them in it, or they have
// just been forked, or are about to be stopped. All goroutines share the hints. The
// Interest they do not see, as each change of it would cost them a miss of the CPU's cache.
// A wrong hint costs time and nothing else.
type Hints [traces.PIDLimit / 32]atomic.Uint32

// mayHave says whether there is a hint for a pid. No range check: bits of pids from
// traces.PIDLimit on alias.
func (h *Hints) mayHave(pid uint32) bool {
	return h[pid/32%uint32(len(h))].Load()&(1<<(pid%32)) != 0
}

// Set gives a hint.
func (h *Hints) Set(pid int32) {
	if uint32(pid) < traces.PIDLimit && !h.mayHave(uint32(pid)) {
		h[pid/32].Or(1 << (pid % 32))
	}
}

// clear takes it back.
func (h *Hints) clear(pid int32) {
	if uint32(pid) < traces.PIDLimit && h.mayHave(uint32(pid)) {
		h[pid/32].And(^(1 << (pid % 32)))
	}
}

// skipUnhinted is how many of the first lines are about the scheduling of tasks for which
// there is no hint.
func (h *Hints) skipUnhinted(lines []Line) (n int) {
	for i := range lines {
		if l := &lines[i]; l.Prev < 0 || h.mayHave(uint32(l.Prev)) || h.mayHave(uint32(l.Next)) {
			return i
		}
	}
	return len(lines)
}
