package traces

import "sync/atomic"

// An Interest is the set of pids whose scheduling somebody asks about. Whoever puts a
// Reader and a checker together makes one and gives it to both: the checker adds and
// removes pids, and the Reader leaves out events that are about nothing but the
// scheduling of others (Woken, SwitchOut, SwitchIn). A nil Interest has all pids.
//
// It belongs to the goroutine that calls Scan, and may be changed between two Scans.
type Interest struct{ pids pidSet }

// pidLimit is more than any pid (include/linux/threads.h PID_MAX_LIMIT). No larger
// number is ever in a set.
const pidLimit = 1 << 22

// NewInterest makes an empty set. Only those parts of it take up memory that have
// had something in them.
func NewInterest() *Interest { return new(Interest) }

// Has says whether a pid is in the set.
func (i *Interest) Has(pid int) bool { return i == nil || i.pids.has(pid) }

// Add puts a pid into the set.
func (i *Interest) Add(pid int) {
	if i != nil {
		i.pids.add(pid)
	}
}

// Remove takes a pid out of the set.
func (i *Interest) Remove(pid int) {
	if i != nil {
		i.pids.remove(pid)
	}
}

// A pidSet is a set of pids, a bit for each. A nil one is empty, and stays so.
type pidSet [pidLimit / 32]uint32

func (s *pidSet) has(pid int) bool { return s != nil && uint(pid) < pidLimit && s.mayHave(uint32(pid)) }

// mayHave is has without a range check: bits of pids from pidLimit on alias.
func (s *pidSet) mayHave(pid uint32) bool { return s[pid/32%uint32(len(s))]&(1<<(pid%32)) != 0 }

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

// Hints are pids that are likely to be in the Interest when the Reader comes to the
// line that is skimmed, which is some blocks ahead. Goroutines share them; the
// Interest itself they do not see, as each change of it would cost them a miss of the
// CPU's cache. A wrong hint costs time and nothing else.
type hints [pidLimit / 32]atomic.Uint32

// mayHave says whether there is a hint for a pid. No range check: bits of pids from
// pidLimit on alias.
func (h *hints) mayHave(pid uint32) bool {
	return h[pid/32%uint32(len(h))].Load()&(1<<(pid%32)) != 0
}

func (h *hints) set(pid int32) {
	if uint32(pid) < pidLimit && !h.mayHave(uint32(pid)) {
		h[pid/32].Or(1 << (pid % 32))
	}
}

func (h *hints) clear(pid int32) {
	if uint32(pid) < pidLimit && h.mayHave(uint32(pid)) {
		h[pid/32].And(^(1 << (pid % 32)))
	}
}
