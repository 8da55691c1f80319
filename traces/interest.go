package traces

// An Interest is the set of pids whose scheduling somebody asks about. Whoever puts a
// Reader and a checker together makes one and gives it to both: the checker adds and
// removes pids, and the Reader leaves out events that are about nothing but the
// scheduling of others (Woken, SwitchOut, SwitchIn). A nil Interest has all pids.
//
// It belongs to the goroutine that calls Scan, and may be changed between two Scans.
type Interest struct{ bits [PIDLimit / 32]uint32 }

// PIDLimit is more than any pid (include/linux/threads.h PID_MAX_LIMIT). No larger
// number is ever in a set.
const PIDLimit = 1 << 22

// NewInterest makes an empty set. Only those parts of it take up memory that have
// had something in them.
func NewInterest() *Interest { return new(Interest) }

// Has says whether a pid is in the set.
func (i *Interest) Has(pid int) bool {
	return i == nil || uint(pid) < PIDLimit && i.MayHave(uint32(pid))
}

// MayHave is Has without any check, for a set that is not nil: bits of pids from 1<<22 on
// alias.
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
