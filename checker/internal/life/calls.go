package life

import "github.com/kthread-tla/tracecheck/traces"

// A Call is one call of kthread_stop or kthread_park.
type Call struct {
	Made, Returned int // indices in Life.Events, -1 where the log does not show it
}

// Calls pairs each return with its call: with the call of the same caller if the log names
// callers, else with the first call that has not returned. Callers without names can be
// exchanged, so a wrong pair allows the same orders as the right one, if the log has all
// calls. If it may miss some, nothing may be concluded from the pairs.
func (l *Life) Calls(calls, returns traces.Kind) (pairs []Call) {
	for i := range l.Events() {
		e := &l.Events()[i]
		switch e.Kind {
		case calls:
			pairs = append(pairs, Call{i, -1})
		case returns:
			open := -1
			for n, s := range pairs {
				if s.Returned >= 0 {
					continue
				}
				by := l.Events()[s.Made].By
				if by == e.By || by.PID != 0 && by.PID == e.By.PID {
					open = n
					break
				}
				if open < 0 && (by == traces.Task{} || e.By == traces.Task{}) {
					open = n
				}
			}
			if open >= 0 {
				pairs[open].Returned = i
			} else {
				pairs = append(pairs, Call{-1, i})
			}
		}
	}
	return pairs
}

// pending returns the stops that have not returned.
func pending(l *Life) (open []Call) {
	for _, s := range l.Calls(traces.StopCall, traces.StopReturn) {
		if s.Returned < 0 {
			open = append(open, s)
		}
	}
	return open
}

// StopReturned says whether the return of a stop is among the events.
func (l *Life) StopReturned() bool {
	for i := range l.Events() {
		if l.events[i].Kind == traces.StopReturn {
			return true
		}
	}
	return false
}
