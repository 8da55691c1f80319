package ktrace

import (
	"github.com/kthread-tla/tracecheck/traces"
)

// reorderWindow is how far apart in time two lines of an unsorted trace may
// stand the wrong way round, in nanoseconds. bpftrace reads one buffer per CPU
// in turn; the largest inversion measured was 70 ms.
const reorderWindow = 1e9

// maxReorder bounds the events that are held back.
const maxReorder = 1 << 16

// unsorted puts the events of a trace whose lines are not in order into their order.
type unsorted struct {
	stats   *traces.Stats
	out     func(traces.Event)
	order   reorderer
	unwoken map[int]int // see pass
}

// hold passes an event on in the order of the stamps. A loss belongs where
// it is told.
func (u *unsorted) hold(e traces.Event) {
	if e.Kind == traces.Loss {
		e.Stamp, e.Since = u.order.newest, 0
	}
	if u.order.push(e, u.pass) {
		return
	}
	u.stats.Diagnose(e.Line, "%v of %v comes %d ms too late: its place is not known, not used", e.Kind, e.Thread, (u.order.newest-e.Stamp)/1e6)
	u.stats.Lost++
	u.order.push(traces.Event{Kind: traces.Loss, Line: e.Line, Count: 1, CPU: e.CPU, Time: traces.Time{Stamp: u.order.newest}}, u.pass)
}

// pass gives out an event whose turn has come. A BPF program does not run, and
// nobody counts that, in an interrupt on top of another one
// (kernel/trace/bpf_trace.c trace_call_bpf): the waking that an interrupt does
// may be missing. Where a new thread leaves its first sleep unwoken, it is.
// unwoken has the threads that have been forked and not woken, with the line in
// which they went to sleep, 0 before.
func (u *unsorted) pass(e traces.Event) {
	pid := e.Thread.PID
	asleep, unwoken := u.unwoken[pid]
	switch {
	case e.Kind == traces.Fork:
		if len(u.unwoken) >= maxNames {
			clear(u.unwoken)
		}
		u.unwoken[pid] = 0
	case !unwoken:
	case e.Kind == traces.SwitchOut && e.State != 'R':
		u.unwoken[pid] = e.Line
	case e.Kind == traces.SwitchIn && asleep > 0 && u.stats.Seen.Has(traces.Woken):
		u.stats.Diagnose(e.Line, "the waking of %v is missing: bpftrace does not see what an interrupt does in the middle of a probe", e.Thread)
		u.stats.Lost++
		u.out(traces.Event{Kind: traces.Loss, Line: e.Line, Count: 1, CPU: -1, Time: traces.Time{Stamp: e.Stamp}, Since: asleep})
		delete(u.unwoken, pid)
	case e.Kind == traces.Woken, e.Kind == traces.ProcessExit:
		delete(u.unwoken, pid)
	}
	u.out(e)
}

// flush gives out all that is held back.
func (u *unsorted) flush() { u.order.flush(u.pass) }

// A reorderer puts events in the order of their stamps. It holds events back
// until no earlier one can come any more.
type reorderer struct {
	events []traces.Event // held back, at any place
	free   []int32        // places in events that are free
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
func (r *reorderer) push(e traces.Event, emit func(traces.Event)) bool {
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
func (r *reorderer) pop(emit func(traces.Event)) {
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
	r.events[first.place] = traces.Event{}
	r.free = append(r.free, first.place)
	r.gone = max(r.gone, first.stamp)
	emit(e)
}

// flush lets all go.
func (r *reorderer) flush(emit func(traces.Event)) {
	for len(r.heap) > 0 {
		r.pop(emit)
	}
}
