package traces

import "sync/atomic"

// PIDs is a set of pids that somebody wants to know of. A nil set has them all.
// Several goroutines may use it at once. Reader.Watch makes one.
type PIDs struct {
	words []atomic.Uint32 // of 16 pids each: the lower 16 bits are the set, the others those that are but likely
}

// pidLimit is more than any pid (include/linux/threads.h PID_MAX_LIMIT); what is
// larger is nobody's.
const pidLimit = 1 << 22

// newPIDs makes an empty set. Only those parts of it that have had something in
// them take up memory.
func newPIDs() *PIDs { return &PIDs{make([]atomic.Uint32, pidLimit/16)} }

// Has says whether a pid is in the set.
func (p *PIDs) Has(pid int) bool {
	return p == nil || p.bits(uint(pid))&1 != 0
}

// bits are a pid's two; the lower one says whether it is in the set.
func (p *PIDs) bits(pid uint) uint32 {
	if w := pid / 16; w < uint(len(p.words)) {
		return p.words[w].Load() >> (pid % 16) & (1 | 1<<16)
	}
	return 0
}

// likely says whether a pid is in the set, or is about to be.
func (p *PIDs) likely(pid int32) bool {
	return p != nil && p.bits(uint(uint32(pid))) != 0
}

// Add puts a pid into the set.
func (p *PIDs) Add(pid int) { p.set(pid, 1) }

// Remove takes a pid out of the set.
func (p *PIDs) Remove(pid int) { p.clear(pid, 1) }

// young notes that a pid is about to be in the set, grown that it will not be.
func (p *PIDs) young(pid int32) { p.set(int(pid), 1<<16) }
func (p *PIDs) grown(pid int32) { p.clear(int(pid), 1<<16) }

func (p *PIDs) set(pid int, bit uint32) {
	if p != nil && uint(pid) < pidLimit {
		p.words[pid/16].Or(bit << (pid % 16))
	}
}

func (p *PIDs) clear(pid int, bit uint32) {
	if p != nil && uint(pid) < pidLimit {
		p.words[pid/16].And(^(bit << (pid % 16)))
	}
}
