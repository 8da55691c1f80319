package traces

import "sync/atomic"

// PIDs is a set of pids that somebody wants to know of. A nil set has them all.
// Several goroutines may use it at once. Of its parts only those are there that
// have had something in them.
type PIDs struct {
	parts [pidLimit / pidsPart]atomic.Pointer[[pidsPart / 64]atomic.Uint64]
}

const (
	// pidLimit is more than any pid (include/linux/threads.h PID_MAX_LIMIT); what is
	// larger is nobody's.
	pidLimit = 1 << 22
	pidsPart = 1 << 15
)

// Has says whether a pid is in the set.
func (p *PIDs) Has(pid int) bool {
	if p == nil {
		return true
	}
	if uint(pid) >= pidLimit {
		return false
	}
	part := p.parts[pid/pidsPart].Load()
	return part != nil && part[pid%pidsPart/64].Load()&(1<<(pid%64)) != 0
}

// Add puts a pid into the set.
func (p *PIDs) Add(pid int) {
	if p == nil || uint(pid) >= pidLimit {
		return
	}
	at := &p.parts[pid/pidsPart]
	if at.Load() == nil {
		at.CompareAndSwap(nil, new([pidsPart / 64]atomic.Uint64))
	}
	at.Load()[pid%pidsPart/64].Or(1 << (pid % 64))
}

// Remove takes a pid out of the set.
func (p *PIDs) Remove(pid int) {
	if p == nil || uint(pid) >= pidLimit {
		return
	}
	if part := p.parts[pid/pidsPart].Load(); part != nil {
		part[pid%pidsPart/64].And(^uint64(1 << (pid % 64)))
	}
}
