package ktrace

import (
	"github.com/kthread-tla/tracecheck/traces"
)

// reorderWindow is by how much the stamp of a line may be below that of an earlier line of
// an unsorted trace, in nanoseconds. bpftrace reads the buffers of the CPUs in turn; the
// largest difference measured was 70 ms.
const reorderWindow = 1e9

// maxReorder bounds the events that are held back.
const maxReorder = 1 << 16

// An unsorted sorts the events of a trace whose lines are not in the order of the events.
type unsorted struct {
	stats   *traces.Stats
	out     func(traces.Event)
	order   reorderer
	unwoken map[int]int // threads that were forked, with the line where they went to sleep; 0: they have been woken since
}

// hold takes an event and releases it in the order of the stamps. A Loss has no stamp, and
// stays at the newest one.
func (u *unsorted) hold(e traces.Event) {
	if e.Kind == traces.Loss {
		e.Stamp, e.Since = u.order.newest, 0
	}
	if u.order.push(e, u.release) {
		return
	}
	u.stats.Diagnose(e.Line, "%v of %v comes %d ms too late: its place is not known, not used", e.Kind, e.Thread, (u.order.newest-e.Stamp)/1e6)
	u.stats.Lost++
	u.order.push(traces.Event{Kind: traces.Loss, Line: e.Line, Count: 1, CPU: e.CPU, Time: traces.Time{Stamp: u.order.newest}}, u.release)
}

// cutShort emits a Loss before the events that are held back: the trace has no end, so the
// tracer was killed, or its output was. It prints the CPUs' buffers in turn, so what it had
// not yet printed may be as old as the events that wait here (reorderWindow).
func (u *unsorted) cutShort(line int) {
	if len(u.order.heap) == 0 {
		return
	}
	u.stats.Diagnose(line, "there is no line \"end\": the tracer was cut short, and its last second may be incomplete")
	first := u.order.events[u.order.heap[0].place].Line
	u.out(traces.Event{Kind: traces.Loss, Line: first, CPU: -1, Time: traces.Time{Stamp: u.order.heap[0].stamp}, Extent: traces.Extent{Since: first - 1, ToEnd: true}})
}

// release emits an event whose turn has come. A BPF program does not run in an interrupt on
// top of another BPF program, and nobody counts that (kernel/trace/bpf_trace.c
// trace_call_bpf): the waking that an interrupt does may be missing. It is missing where a
// thread runs after a sleep without having been woken; release then emits a Loss that is
// about this thread alone.
func (u *unsorted) release(e traces.Event) {
	pid := e.Thread.PID
	asleep, forked := u.unwoken[pid]
	switch {
	case e.Kind == traces.Fork:
		if len(u.unwoken) >= maxNames {
			clear(u.unwoken)
		}
		u.unwoken[pid] = 0
	case !forked:
	case e.Kind == traces.SwitchOut && e.State != 'R':
		u.unwoken[pid] = e.Line
	case e.Kind == traces.SwitchIn && asleep > 0 && u.stats.Seen.Has(traces.Woken):
		u.stats.Diagnose(e.Line, "the waking of %v is missing: bpftrace does not see what an interrupt does in the middle of a probe", e.Thread)
		u.stats.Lost++
		u.out(traces.Event{Kind: traces.Loss, Thread: e.Thread, Line: e.Line, Count: 1, CPU: -1, Time: traces.Time{Stamp: e.Stamp}, Extent: traces.Extent{Since: asleep}})
		u.unwoken[pid] = 0
	case e.Kind == traces.Woken:
		u.unwoken[pid] = 0
	case e.Kind == traces.ProcessExit:
		delete(u.unwoken, pid)
	}
	u.out(e)
}

// flush releases all events that are held back.
func (u *unsorted) flush() { u.order.flush(u.release) }

// A reorderer sorts events by their stamps. It holds each back until no earlier one can
// come.
type reorderer struct {
	events   []traces.Event // held back, at any place
	free     []int32        // the free places in events
	heap     []queued
	seq      int64 // how many events have come: it orders equal stamps
	newest   int64 // the largest stamp that has come
	released int64 // the largest stamp that was released
}

// A queued is an event that is held back, as the heap has it.
type queued struct {
	stamp, seq int64
	place      int32
}

func (a queued) before(b queued) bool {
	return a.stamp < b.stamp || a.stamp == b.stamp && a.seq < b.seq
}

// push takes an event, and emits those whose turn has come. It is false where e comes too
// late, and takes nothing then.
func (r *reorderer) push(e traces.Event, emit func(traces.Event)) bool {
	if e.Stamp < r.released {
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
	r.heap = append(r.heap, queued{e.Stamp, r.seq, place})
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

// pop emits the earliest event.
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
	r.released = max(r.released, first.stamp)
	emit(e)
}

// flush emits all events.
func (r *reorderer) flush(emit func(traces.Event)) {
	for len(r.heap) > 0 {
		r.pop(emit)
	}
}
