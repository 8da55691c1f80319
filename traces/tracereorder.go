package traces

// reorderWindow is how far apart in time two lines of an unsorted trace may
// stand the wrong way round, in nanoseconds. bpftrace reads one buffer per CPU
// in turn; the largest inversion measured was 70 ms.
const reorderWindow = 1e9

// maxReorder bounds the events that are held back.
const maxReorder = 1 << 16

// A reorderer puts events in the order of their stamps. It holds events back
// until no earlier one can come any more.
type reorderer struct {
	events []Event // held back, at any place
	free   []int32 // places in events that are free
	heap   []waiting
	seq    int64 // numbers events, because stamps tie
	newest int64 // the largest stamp seen
	gone   int64 // the stamp of the event that went out last
}

// A waiting is an event that is held back.
type waiting struct {
	stamp, seq int64
	place      int32
}

func (a waiting) before(b waiting) bool {
	return a.stamp < b.stamp || a.stamp == b.stamp && a.seq < b.seq
}

// push takes an event. It is false for one that comes too late.
func (r *reorderer) push(e Event, emit func(Event)) bool {
	if e.Stamp < r.gone {
		return false
	}
	r.newest = max(r.newest, e.Stamp)
	place := int32(len(r.events))
	if n := len(r.free); n > 0 {
		place = r.free[n-1]
		r.free = r.free[:n-1]
		r.events[place] = e
	} else {
		r.events = append(r.events, e)
	}
	r.seq++
	r.heap = append(r.heap, waiting{e.Stamp, r.seq, place})
	for i := len(r.heap) - 1; i > 0; {
		up := (i - 1) / 2
		if !r.heap[i].before(r.heap[up]) {
			break
		}
		r.heap[i], r.heap[up] = r.heap[up], r.heap[i]
		i = up
	}
	for len(r.heap) > 0 && (len(r.heap) > maxReorder || r.newest-r.heap[0].stamp > reorderWindow) {
		r.pop(emit)
	}
	return true
}

// pop lets the earliest event go.
func (r *reorderer) pop(emit func(Event)) {
	first := r.heap[0]
	last := len(r.heap) - 1
	r.heap[0] = r.heap[last]
	r.heap = r.heap[:last]
	for i := 0; ; {
		child := 2*i + 1
		if child >= last {
			break
		}
		if child+1 < last && r.heap[child+1].before(r.heap[child]) {
			child++
		}
		if !r.heap[child].before(r.heap[i]) {
			break
		}
		r.heap[i], r.heap[child] = r.heap[child], r.heap[i]
		i = child
	}
	e := r.events[first.place]
	r.events[first.place] = Event{}
	r.free = append(r.free, first.place)
	r.gone = max(r.gone, first.stamp)
	emit(e)
}

// flush lets all go.
func (r *reorderer) flush(emit func(Event)) {
	for len(r.heap) > 0 {
		r.pop(emit)
	}
}
