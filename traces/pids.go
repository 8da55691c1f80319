package traces

import "sync/atomic"

// PIDs is a set of pids that somebody wants to know of. A nil set has them all.
// Reader.Watch makes one, for the goroutine that calls Scan.
type PIDs struct {
	in *pidSet
	// young are those that are likely to be in the set when the Reader, which is some
	// blocks behind, comes to the line that is glanced at. The set itself is none of
	// the glancers' business: each change of it would cost them a miss of the CPU's
	// cache.
	young *[pidLimit / 32]atomic.Uint32
}

// pidLimit is more than any pid (include/linux/threads.h PID_MAX_LIMIT); what is
// larger is nobody's.
const pidLimit = 1 << 22

// newPIDs makes an empty set. Only those parts of it that have had something in
// them take up memory.
func newPIDs() *PIDs { return &PIDs{new(pidSet), new([pidLimit / 32]atomic.Uint32)} }

// Has says whether a pid is in the set.
func (p *PIDs) Has(pid int) bool { return p == nil || p.in.has(pid) }

// Add puts a pid into the set.
func (p *PIDs) Add(pid int) {
	if p != nil {
		p.in.add(pid)
	}
}

// Remove takes a pid out of the set.
func (p *PIDs) Remove(pid int) {
	if p != nil {
		p.in.remove(pid)
	}
}

// likely says whether a pid is likely to be in the set.
func (p *PIDs) likely(pid int32) bool { return p != nil && p.maybe(uint32(pid)) }

// maybe is likely for a pid; what is no pid it takes for one.
func (p *PIDs) maybe(pid uint32) bool {
	return p.young[pid/32%uint32(len(p.young))].Load()&(1<<(pid%32)) != 0
}

// grows notes that a pid is likely to be in the set from here on, grown that it is
// not any more.
func (p *PIDs) grows(pid int32) {
	if p != nil && uint32(pid) < pidLimit && !p.maybe(uint32(pid)) {
		p.young[pid/32].Or(1 << (pid % 32))
	}
}

func (p *PIDs) grown(pid int32) {
	if p != nil && uint32(pid) < pidLimit && p.maybe(uint32(pid)) {
		p.young[pid/32].And(^(1 << (pid % 32)))
	}
}

// A pidSet is a set of pids, by bits. A nil one is empty, and stays so.
type pidSet [pidLimit / 32]uint32

func (s *pidSet) has(pid int) bool { return s != nil && uint(pid) < pidLimit && s.bit(uint32(pid)) }

// bit is has for a pid; what is no pid it takes for one.
func (s *pidSet) bit(pid uint32) bool { return s[pid/32%uint32(len(s))]&(1<<(pid%32)) != 0 }

func (s *pidSet) add(pid int) {
	if s != nil && uint(pid) < pidLimit {
		s[pid/32] |= 1 << (pid % 32)
	}
}

func (s *pidSet) remove(pid int) {
	if s != nil && uint(pid) < pidLimit {
		s[pid/32] &^= 1 << (pid % 32)
	}
}
