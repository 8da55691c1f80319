package traces

// An Interest is the set of pids whose scheduling is needed. Whoever connects a Reader to a
// checker makes one and gives it to both: the checker adds and removes pids, and the Reader
// leaves out events of other pids that are only about scheduling (Woken, SwitchOut,
// SwitchIn). A nil Interest has all pids.
//
// It belongs to the goroutine that calls Scan, and may be changed between two Scans.
type Interest struct{ bits [PIDLimit / 32]uint32 }

// PIDLimit is larger than any pid (include/linux/threads.h PID_MAX_LIMIT). No number from
// it on is ever in a set.
const PIDLimit = 1 << 22

// NewInterest makes an empty set. It has 512 KiB, of which the kernel provides only those
// pages that are used.
func NewInterest() *Interest { return new(Interest) }

// Has says whether a pid is in the set.
func (i *Interest) Has(pid int) bool {
	return i == nil || uint(pid) < PIDLimit && i.MayHave(uint32(pid))
}

// MayHave is Has without a range check: pids from PIDLimit on alias smaller ones. The set
// must not be nil.
func (i *Interest) MayHave(pid uint32) bool {
	return i.bits[pid/32%uint32(len(i.bits))]&(1<<(pid%32)) != 0
}

// Add puts a pid into the set.
func (i *Interest) Add(pid int) {
	if i != nil && uint(pid) < PIDLimit {
		i.bits[pid/32] |= 1 << (pid % 32)
	}
}

// Remove takes a pid out of the set.
func (i *Interest) Remove(pid int) {
	if i != nil && uint(pid) < PIDLimit {
		i.bits[pid/32] &^= 1 << (pid % 32)
	}
}
