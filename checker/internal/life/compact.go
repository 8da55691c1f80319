package life

import (
	"cmp"
	"math"
	"slices"

	"github.com/kthread-tla/tracecheck/checker/internal/clock"
	"github.com/kthread-tla/tracecheck/traces"
)

// Slack is by how much the stamps that two CPUs put on the same moment may differ, in
// nanoseconds, where nothing says it better.
const Slack = clock.Slack

// A CompactEvent is an event of a traced life in few bytes. A long trace has millions
// of them, and most lives are judged by nothing else.
type CompactEvent struct {
	Stamp      int64
	Line       int
	Code       int32
	cpu        int16
	Kind       traces.Kind
	State      byte
	Thread, By uint8 // places in Life.tasks
	HasCode    bool
	Late       bool
	Partial    bool // the event does not fit: all of it is in Life.full
	Context    traces.Context
	Clock      traces.Clock
	coarse     uint8 // 1 + the power of ten of Coarse; 0: 0
}

// Special places in Life.tasks.
const (
	TheThread = 0 // the life's own
	ManyTasks = 254
	Nobody    = 255
)

// A task is an entry of Life.tasks.
type task struct {
	comm string
	pid  int32
	same uint8 // the first place with this pid
}

// A fullEvent is an event that does not fit into a CompactEvent.
type fullEvent struct {
	index int // in Life.compact
	event *traces.Event
}

// Keep adds an event to the life. The event is copied.
func (l *Life) Keep(e *traces.Event) {
	if !l.Trace.on {
		l.events = append(l.events, *e)
		l.kinds = l.kinds.With(e.Kind)
		return
	}
	k := CompactEvent{
		Stamp: e.Stamp, Line: e.Line, Code: int32(e.Code), cpu: int16(e.CPU), By: Nobody,
		Kind: e.Kind, State: e.State, HasCode: e.HasCode, Late: e.Late, Context: e.Context, Clock: e.Clock,
	}
	switch {
	case e.Thread.PID == l.Thread.PID:
		if e.Thread.Comm != l.Thread.Comm && e.Thread.Comm != "" && !l.Trace.unnamed {
			l.addAlias(e.Thread)
		}
	default:
		k.Thread = l.taskIndex(&e.Thread)
	}
	if e.By.PID != 0 || e.By.Comm != "" {
		k.By = l.taskIndex(&e.By)
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
		k.Partial = true
	}
	if k.Partial || k.Thread == ManyTasks || k.By == ManyTasks || e.Probe || e.Func != "" || e.Since != 0 || e.Before != 0 || e.Count != 0 ||
		e.Text != "" || e.Kernel != "" || e.OrNames != nil || e.Set != nil || e.Stack != nil || e.Thread.Addr != 0 || e.By.Addr != 0 ||
		int(k.Code) != e.Code || int(k.cpu) != e.CPU {
		k.Partial = true
		event := *e
		l.full = append(l.full, fullEvent{len(l.compact), &event})
	}
	l.Trace.left = 0
	if k.Kind == traces.SwitchOut && k.Thread == TheThread {
		l.Trace.left = k.State
	}
	l.compact, l.events = append(l.compact, k), nil
}

// setCaller names the task that did event i, which the log has shown since.
func (l *Life) setCaller(i int, by traces.Task) {
	l.compact[i].By, l.events = l.taskIndex(&by), nil
	if l.compact[i].Partial {
		l.fullAt(i).By = by
	}
}

// taskIndex returns the place of a task in Life.tasks, and adds the task if it is new.
func (l *Life) taskIndex(t *traces.Task) uint8 {
	for i := TheThread + 1; i < len(l.tasks); i++ {
		if k := &l.tasks[i]; int(k.pid) == t.PID && k.comm == t.Comm {
			return uint8(i)
		}
	}
	n := len(l.tasks)
	if n >= ManyTasks || int(int32(t.PID)) != t.PID {
		return ManyTasks
	}
	same := TheThread
	if t.PID != l.Thread.PID {
		for same = TheThread + 1; same < n && int(l.tasks[same].pid) != t.PID; same++ {
		}
	}
	l.tasks = append(l.tasks, task{t.Comm, int32(t.PID), uint8(same)})
	return uint8(n)
}

// TaskAt returns the task at a place of Life.tasks. The life's own thread has its latest
// name.
func (l *Life) TaskAt(place uint8) traces.Task {
	switch place {
	case TheThread:
		return traces.Task{Comm: l.Thread.Comm, PID: l.Thread.PID}
	case Nobody, ManyTasks:
		return traces.Task{}
	}
	t := &l.tasks[place]
	return traces.Task{Comm: t.comm, PID: int(t.pid)}
}

// fullAt is the whole event of which compact[i] holds only a part.
func (l *Life) fullAt(i int) *traces.Event {
	n, _ := slices.BinarySearchFunc(l.full, i, func(w fullEvent, i int) int { return cmp.Compare(w.index, i) })
	return l.full[n].event
}

// event is the event compact[i], whole.
func (l *Life) event(i int) traces.Event {
	k := &l.compact[i]
	if k.Partial {
		return *l.fullAt(i)
	}
	e := traces.Event{
		Kind: k.Kind, Line: k.Line, Thread: l.TaskAt(k.Thread), By: l.TaskAt(k.By), Code: int(k.Code), HasCode: k.HasCode,
		CPU: int(k.cpu), Time: traces.Time{Stamp: k.Stamp, Clock: k.Clock}, State: k.State, Context: k.Context, Late: k.Late,
	}
	e.Coarse = k.Coarse()
	return e
}

// CPU is the event's CPU; -1: the trace has none.
func (k *CompactEvent) CPU() int { return int(k.cpu) }

// Coarse is the step of the event's stamp, in its clock's units; 0: not known.
func (k *CompactEvent) Coarse() int64 {
	return [...]int64{0, 1, 10, 100, 1e3, 1e4, 1e5, 1e6}[k.coarse]
}

// Caller is the task that did event i, of a traced life.
func (l *Life) Caller(i int) traces.Task {
	if l.compact[i].Partial {
		return l.fullAt(i).By
	}
	return l.TaskAt(l.compact[i].By)
}

// Func is the function of the probe that shows event i, of a traced life; empty: event i is
// no probe's.
func (l *Life) Func(i int) string {
	if l.compact[i].Partial {
		return l.fullAt(i).Func
	}
	return ""
}

// Code is the value that event i shows, of a traced life; 0 where it shows none.
func (l *Life) Code(i int) int {
	if l.compact[i].Partial {
		return l.fullAt(i).Code
	}
	return int(l.compact[i].Code)
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

// Count is how many events there are.
func (l *Life) Count() int { return max(len(l.compact), len(l.events)) }

// answersAgain says whether the latest two events are calls of kthread_should_stop() by the
// thread that have returned this value.
func (l *Life) answersAgain(code int) bool {
	n := len(l.compact)
	for i := n - 2; i < n; i++ {
		if i < 0 || l.compact[i].Kind != traces.ShouldStop || int(l.compact[i].Code) != code {
			return false
		}
	}
	return true
}

// dropLatest takes the latest event out of the life.
func (l *Life) dropLatest() {
	n := len(l.compact) - 1
	if l.compact[n].Partial {
		l.full = l.full[:len(l.full)-1]
	}
	l.compact, l.events = l.compact[:n], nil
}

// InTime says whether the stamps never run against the order of the lines.
func (l *Life) InTime() bool {
	for i := range l.compact {
		k := &l.compact[i]
		if k.Clock != traces.Nanoseconds || k.Stamp >= math.MaxInt64-2*Slack || i > 0 && k.Stamp < l.compact[i-1].Stamp {
			return false
		}
	}
	return true
}

// Restamped returns a copy of the life with other stamps: stamp(i) for event i. Its events
// are of no CPU.
func (l *Life) Restamped(by traces.Clock, stamp func(i int) int64) *Life {
	as := *l
	as.events, as.compact, as.full = nil, slices.Clone(l.compact), slices.Clone(l.full)
	as.traceMore.offsets = offsets{}
	for i := range as.compact {
		k := &as.compact[i]
		k.Clock, k.Stamp, k.cpu = by, stamp(i), -1
	}
	for i := range as.full {
		w := &as.full[i]
		event := *w.event
		event.Clock, event.Stamp, event.CPU = by, stamp(w.index), -1
		w.event = &event
	}
	return &as
}

// DropEvents frees the list that Events has made of a traced life. The next call of Events
// makes it again.
func (l *Life) DropEvents() {
	if l.Trace.on {
		l.events = nil
	}
}

// Compact are the events of a traced life, in the log's order; nil: the life is not
// traced. They must not be changed.
func (l *Life) Compact() []CompactEvent { return l.compact }

// SameTask returns the first place in Life.tasks with the same pid as this one.
func (l *Life) SameTask(place uint8) uint8 { return l.tasks[place].same }
