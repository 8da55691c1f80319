package checker

import (
	"slices"

	"github.com/kthread-tla/tracecheck/checker/internal/life"
	"github.com/kthread-tla/tracecheck/checker/internal/model"
	"github.com/kthread-tla/tracecheck/traces"
)

// A history is what a life's log says, in the form in which it is searched: operations
// with their windows, and what may have happened unseen.
type history struct {
	model.Query
	life        *Life
	foreignWake bool // As.ForeignWake makes a difference for this life

	// The values that a thread has ended with, as the log shows them: the
	// indices of two events that differ, if there are two.
	differ [2]int
	// The value that the second of these shows.
	otherCode int
	// The one value that it shows, where hasCode.
	code    int
	hasCode bool
	shownBy int // index of the first event that shows it

	callers bool // the scheduler's work on the tasks that stop or park the thread fits no order

	unannounced int // index of the first return that no message of a call announced; -1: none

	stops []life.Call // of kthread_stop
	parks []life.Call // of kthread_park

	hung bool // a report shows a stop of the thread blocked
	died bool // an oops in threadfn ended the thread
	gone bool // a report shows that a stop of it found it gone, with no reference held

	// unordered has the events that prove nothing about time, because their actions may
	// happen unseen at any time anyhow. A drawn interleaving shows them at their action.
	unordered []int
}

// newHistory makes operations of a life's events. No window is narrower than the evidence
// allows. A window that is too wide accepts more orders, and so never accuses wrongly.
func newHistory(m *model.Machine, l *Life) *history {
	h := &history{Query: model.Query{Machine: m, Hidden: m.All}, life: l, differ: [2]int{-1, -1}, unannounced: -1}
	h.stops = l.Calls(traces.StopCall, traces.StopReturn)
	h.parks = l.Calls(traces.ParkCall, traces.ParkReturn)
	if l.Traced() {
		h.addTrace()
	} else {
		h.addMessages()
	}
	return h
}

// value notes the exit code that an event shows, if it shows one.
func (h *history) value(l *Life, i int) {
	if e := &l.Events()[i]; e.HasCode {
		h.shows(i, e.Code)
	}
}

// shows notes that event i shows the thread's exit code. A thread has one exit code, and
// every stop of it returns that, so two different codes fit no order.
func (h *history) shows(i, code int) {
	switch {
	case !h.hasCode:
		h.code, h.hasCode, h.shownBy = code, true, i
	case h.code != code && h.differ[0] < 0:
		h.differ, h.otherCode, h.Impossible = [2]int{h.shownBy, i}, code, true
	}
}

// parksAtOnce is how many kthread_park() were under way at the same time.
func (h *history) parksAtOnce(l *Life) int {
	now, most := 0, 0
	for i := range l.Events() {
		switch l.Events()[i].Kind {
		case traces.ParkCall:
			now++
			most = max(most, now)
		case traces.ParkReturn:
			now = max(0, now-1)
		}
	}
	return most
}

// pending counts the stops that have not returned.
func (h *history) pending() int {
	n := 0
	for _, s := range h.stops {
		if s.Returned < 0 {
			n++
		}
	}
	return n
}

// returned counts the stops that have returned.
func (h *history) returned() int { return len(h.stops) - h.pending() }

// stopsItself says whether the thread is in a kthread_stop() of itself.
func (h *history) stopsItself() bool {
	return slices.ContainsFunc(h.stops, func(s life.Call) bool {
		return s.Made >= 0 && s.Returned < 0 && h.life.Thread.PID != 0 && h.life.Events()[s.Made].By.PID == h.life.Thread.PID
	})
}

// ended says whether the log shows that threadfn came to an end, before it shows that a
// stop of the thread went wrong.
func (h *history) ended() bool {
	for _, e := range h.life.Events() {
		switch e.Kind {
		case traces.Return, traces.Exit:
			return true
		case traces.KernelReport:
			if e.Stack.Report == traces.Oops || e.Stack.Report == traces.Warning {
				return e.Thread.PID == h.life.Thread.PID
			}
		}
	}
	return false
}
