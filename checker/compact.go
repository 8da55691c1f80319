package checker

import (
	"cmp"
	"math"
	"slices"

	"github.com/kthread-tla/tracecheck/traces"
)

// slack is by how much the stamps that two CPUs put on the same moment may
// differ, in nanoseconds. ftrace takes its local clock only where the TSCs (or
// their like) agree (kernel/trace/trace.c tracing_set_default_clock, 4.17 and
// later), and then they do to a microsecond. What one task does, and what a
// waking carries over, is in order without any clock.
const slack = 10e6

// A kept is an event of a traced life in few bytes. A long trace has millions
// of them, and most lives are judged without a look at more.
type compactEvent struct {
	stamp      int64
	line       int
	code       int32
	cpu        int16
	kind       traces.Kind
	state      byte
	thread, by uint8 // in Life.tasks
	hasCode    bool
	late       bool
	partial    bool // the rest does not hold it all: it is in Life.whole
	context    traces.Context
	clock      traces.Clock
	coarse     uint8 // 1 + the power of ten of Coarse; 0: 0
}

// Places in Life.tasks, and what is none.
const (
	theThread = 0 // the life's own
	manyTasks = 254
	nobody    = 255
)

// A lifeTask is a task that the events of a traced life name.
type lifeTask struct {
	comm string
	pid  int32
	same uint8 // the first place with this pid
}

// A whole is an event that is more than a kept can hold.
type fullEvent struct {
	index int // in Life.kept
	event *traces.Event
}

// keep adds an event to the life's.
func (l *Life) keep(e *traces.Event) {
	if !l.trace.on {
		l.events = append(l.events, *e)
		l.kinds = l.kinds.With(e.Kind)
		return
	}
	k := compactEvent{
		stamp: e.Stamp, line: e.Line, code: int32(e.Code), cpu: int16(e.CPU), by: nobody,
		kind: e.Kind, state: e.State, hasCode: e.HasCode, late: e.Late, context: e.Context, clock: e.Clock,
	}
	if e.Thread.PID != l.Thread.PID {
		k.thread = l.taskIndex(&e.Thread)
	}
	if e.By.PID != 0 || e.By.Comm != "" {
		k.by = l.taskIndex(&e.By)
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
		k.partial = true
	}
	if k.partial || k.thread == manyTasks || k.by == manyTasks || e.Probe || e.Func != "" || e.Since != 0 || e.Before != 0 || e.Count != 0 ||
		e.Text != "" || e.Kernel != "" || e.OrNames != nil || e.Set != nil || e.Stack != nil || e.Thread.Addr != 0 || e.By.Addr != 0 ||
		int(k.code) != e.Code || int(k.cpu) != e.CPU {
		k.partial = true
		event := *e
		l.full = append(l.full, fullEvent{len(l.compact), &event})
	}
	l.trace.left = 0
	if k.kind == traces.SwitchOut && k.thread == theThread {
		l.trace.left = k.state
	}
	l.compact, l.events = append(l.compact, k), nil
}

// task is the place of a task in the life's table.
func (l *Life) taskIndex(t *traces.Task) uint8 {
	for i := theThread + 1; i < len(l.tasks); i++ {
		if k := &l.tasks[i]; int(k.pid) == t.PID && k.comm == t.Comm {
			return uint8(i)
		}
	}
	n := len(l.tasks)
	if n >= manyTasks || int(int32(t.PID)) != t.PID {
		return manyTasks
	}
	same := theThread
	if t.PID != l.Thread.PID {
		for same = theThread + 1; same < n && int(l.tasks[same].pid) != t.PID; same++ {
		}
	}
	l.tasks = append(l.tasks, lifeTask{t.Comm, int32(t.PID), uint8(same)})
	return uint8(n)
}

// named is the task at a place of the table. The thread's own name is the one
// that it has now.
func (l *Life) taskAt(place uint8) traces.Task {
	switch place {
	case theThread:
		return traces.Task{Comm: l.Thread.Comm, PID: l.Thread.PID}
	case nobody, manyTasks:
		return traces.Task{}
	}
	t := &l.tasks[place]
	return traces.Task{Comm: t.comm, PID: int(t.pid)}
}

// wholeAt is the whole event of which kept[i] holds but a part.
func (l *Life) fullAt(i int) *traces.Event {
	n, _ := slices.BinarySearchFunc(l.full, i, func(w fullEvent, i int) int { return cmp.Compare(w.index, i) })
	return l.full[n].event
}

// event is the event kept[i].
func (l *Life) event(i int) traces.Event {
	k := &l.compact[i]
	if k.partial {
		return *l.fullAt(i)
	}
	e := traces.Event{
		Kind: k.kind, Line: k.line, Thread: l.taskAt(k.thread), By: l.taskAt(k.by), Code: int(k.code), HasCode: k.hasCode,
		CPU: int(k.cpu), Stamp: k.stamp, Clock: k.clock, State: k.state, Context: k.context, Late: k.late,
	}
	if k.coarse > 0 {
		e.Coarse = [...]int64{1, 10, 100, 1e3, 1e4, 1e5, 1e6}[k.coarse-1]
	}
	return e
}

// caller is the task that kept[i] is by.
func (l *Life) caller(i int) traces.Task {
	if l.compact[i].partial {
		return l.fullAt(i).By
	}
	return l.taskAt(l.compact[i].by)
}

// Events are what the log shows of the life, in the log's order.
func (l *Life) Events() []traces.Event {
	if l.events == nil && l.compact != nil {
		events := make([]traces.Event, len(l.compact))
		for i := range l.compact {
			events[i] = l.event(i)
		}
		l.events = events
	}
	return l.events
}

// count is how many events there are.
func (l *Life) count() int { return max(len(l.compact), len(l.events)) }

// latest is the latest event, if it is of a kind and the thread's own; else nil.
func (l *Life) latest(kind traces.Kind) *compactEvent {
	if n := len(l.compact); n > 0 && l.compact[n-1].kind == kind && l.compact[n-1].thread == theThread {
		return &l.compact[n-1]
	}
	return nil
}

// InTime says whether the stamps never run against the order of the lines.
func (l *Life) InTime() bool {
	for i := range l.compact {
		k := &l.compact[i]
		if k.clock != traces.Nanoseconds || k.stamp >= math.MaxInt64-2*slack || i > 0 && k.stamp < l.compact[i-1].stamp {
			return false
		}
	}
	return true
}

// Restamped is the life with other stamps.
func (l *Life) Restamped(clock traces.Clock, stamp func(i int) int64) *Life {
	as := *l
	as.events, as.compact, as.full = nil, slices.Clone(l.compact), slices.Clone(l.full)
	for i := range as.compact {
		as.compact[i].clock, as.compact[i].stamp = clock, stamp(i)
	}
	for i := range as.full {
		w := &as.full[i]
		event := *w.event
		event.Clock, event.Stamp = clock, stamp(w.index)
		w.event = &event
	}
	return &as
}

// DropEvents forgets what Events has made of a traced life: it is made again when
// somebody asks.
func (l *Life) DropEvents() {
	if l.trace.on {
		l.events = nil
	}
}

// Compact are the events of a traced life, in the log's order; nil: the life is not
// traced. They must not be changed.
func (l *Life) Compact() []compactEvent { return l.compact }

// SameTask is the first place with the pid that the task at a place has.
func (l *Life) SameTask(place uint8) uint8 { return l.tasks[place].same }
