package checker

import (
	"math"

	"github.com/kthread-tla/tracecheck/traces"
)

// A kept is an event of a traced life in few bytes. A long trace has millions
// of them, and most lives are judged without a look at more.
type kept struct {
	stamp  int64
	line   int
	name   string        // of By, or, where the event is about another thread than the life's, of that
	whole  *traces.Event // the event itself, where the rest does not hold it all; else nil
	thread int32         // pid
	by     int32         // pid
	code   int32
	cpu    int16
	kind   traces.Kind
	state  byte
	// What is left of an event, in bits.
	hasCode, probe, late bool
	context              traces.Context
	clock                traces.Clock
	coarse               uint8 // 1 + the power of ten of Coarse; 0: 0
}

// keep adds an event to the life's.
func (l *Life) keep(e *traces.Event) {
	if l.trace == nil {
		l.events = append(l.events, *e)
		l.has = l.has.With(e.Kind)
		return
	}
	k := kept{
		stamp: e.Stamp, line: e.Line, thread: int32(e.Thread.PID), by: int32(e.By.PID), code: int32(e.Code), cpu: int16(e.CPU),
		kind: e.Kind, state: e.State, hasCode: e.HasCode, probe: e.Probe, late: e.Late, context: e.Context, clock: e.Clock,
	}
	own := e.Thread.PID == l.Thread.PID
	if k.name = e.By.Comm; !own {
		k.name = e.Thread.Comm
	}
	switch e.Coarse {
	case 0:
	case 1:
		k.coarse = 1
	case 1e3:
		k.coarse = 4
	case 1e6:
		k.coarse = 7
	default:
		k.coarse = math.MaxUint8
	}
	if k.coarse == math.MaxUint8 || !own && e.By != (traces.Task{}) || e.Func != "" || e.Since != 0 || e.Before != 0 || e.Count != 0 ||
		e.Text != "" || e.Kernel != "" || e.OrNames != nil || e.Set != nil || e.Stack != nil || e.Thread.Addr != 0 || e.By.Addr != 0 ||
		int(k.thread) != e.Thread.PID || int(k.by) != e.By.PID || int(k.code) != e.Code || int(k.cpu) != e.CPU {
		whole := *e
		k.whole = &whole
	}
	l.kept, l.events = append(l.kept, k), nil
}

// event is the event that was kept. Where it is about the life's own thread its
// name is the one that the life has now.
func (l *Life) event(k *kept) traces.Event {
	if k.whole != nil {
		return *k.whole
	}
	e := traces.Event{
		Kind: k.kind, Line: k.line, Thread: traces.Task{PID: int(k.thread)}, By: traces.Task{PID: int(k.by)}, Code: int(k.code), HasCode: k.hasCode,
		CPU: int(k.cpu), Stamp: k.stamp, Clock: k.clock, State: k.state, Context: k.context, Late: k.late, Probe: k.probe,
	}
	if e.Thread.PID == l.Thread.PID {
		e.Thread.Comm, e.By.Comm = l.Thread.Comm, k.name
	} else {
		e.Thread.Comm = k.name
	}
	if k.coarse > 0 {
		e.Coarse = [...]int64{1, 10, 100, 1e3, 1e4, 1e5, 1e6}[k.coarse-1]
	}
	return e
}

// caller is the task that an event about the life's own thread is by.
func (k *kept) caller() traces.Task {
	if k.whole != nil {
		return k.whole.By
	}
	return traces.Task{Comm: k.name, PID: int(k.by)}
}

// Events are what the log shows of the life, in the log's order.
func (l *Life) Events() []traces.Event {
	if l.events == nil && l.kept != nil {
		events := make([]traces.Event, len(l.kept))
		for i := range l.kept {
			events[i] = l.event(&l.kept[i])
		}
		l.events = events
	}
	return l.events
}

// count is how many events there are.
func (l *Life) count() int { return max(len(l.kept), len(l.events)) }

// latest says whether the latest event is of a kind and about a pid.
func (l *Life) latest(kind traces.Kind, pid int) (k *kept, ok bool) {
	if len(l.kept) == 0 {
		return nil, false
	}
	k = &l.kept[len(l.kept)-1]
	return k, k.kind == kind && int(k.thread) == pid
}
