package traces

import "sync/atomic"

// PIDs is a set of pids that somebody wants to know of. A nil set has them all.
// Several goroutines may use it at once.
type PIDs struct {
	words [pidLimit / 64]atomic.Uint64
}

// pidLimit is more than any pid (include/linux/threads.h PID_MAX_LIMIT); what is
// larger is nobody's.
const pidLimit = 1 << 22

// Has says whether a pid is in the set.
func (p *PIDs) Has(pid int) bool {
	return p == nil || uint(pid) < pidLimit && p.words[pid/64].Load()&(1<<(pid%64)) != 0
}

// Add puts a pid into the set.
func (p *PIDs) Add(pid int) {
	if p != nil && uint(pid) < pidLimit {
		p.words[pid/64].Or(1 << (pid % 64))
	}
}

// Remove takes a pid out of the set.
func (p *PIDs) Remove(pid int) {
	if p != nil && uint(pid) < pidLimit {
		p.words[pid/64].And(^uint64(1 << (pid % 64)))
	}
}
