package traces

// PIDs is a set of pids that somebody wants to know of. A nil set has them all.
type PIDs struct {
	words []uint64
}

// Has says whether a pid is in the set.
func (p *PIDs) Has(pid int) bool {
	if p == nil {
		return true
	}
	w := uint(pid) / 64
	return w < uint(len(p.words)) && p.words[w]&(1<<(uint(pid)%64)) != 0
}

// pidLimit is more than any pid (include/linux/threads.h PID_MAX_LIMIT); what is
// larger is nobody's.
const pidLimit = 1 << 22

// Add puts a pid into the set.
func (p *PIDs) Add(pid int) {
	if p == nil || pid < 0 || pid > pidLimit {
		return
	}
	for pid/64 >= len(p.words) {
		p.words = append(p.words, make([]uint64, max(64, len(p.words)))...)
	}
	p.words[pid/64] |= 1 << (pid % 64)
}

// Remove takes a pid out of the set.
func (p *PIDs) Remove(pid int) {
	if p != nil && pid >= 0 && pid/64 < len(p.words) {
		p.words[pid/64] &^= 1 << (pid % 64)
	}
}
