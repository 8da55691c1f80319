package life

import "github.com/kthread-tla/tracecheck/traces"

// A thread that sleeps and wakes for hours has millions of events. From time to time the
// caller judges the first of them for good: then the life goes on from the states that
// they lead to, and the life keeps only those that show more than the scheduler's work.

// foldAt is how many events a traced life may have before the caller is asked to fold it.
const foldAt = 1 << 8

// Full returns a life that has so many events that the caller should fold it; nil: none
// has. It is the life of the latest event.
func (a *Assembler) Full() *Life {
	l := a.touched
	if l == nil || !l.Trace.on || len(l.compact) < max(int(l.traceMore.foldAt), foldAt) || len(a.traced.unnamed) > 0 {
		return nil
	}
	return l
}

// Fold forgets those of the life's first n events that only show the scheduler's work. said
// has the states that the n events lead to.
func (l *Life) Fold(n int, said *Said) {
	kept, full := l.compact[:0], l.full[:0]
	past := 0
	for i := range l.compact {
		k := l.compact[i]
		if i < n {
			if k.Kind == traces.Woken || k.Kind == traces.SwitchIn || k.Kind == traces.SwitchOut || k.Kind == traces.OwnCall {
				continue
			}
			past++
		}
		if k.Partial {
			full = append(full, fullEvent{len(kept), l.fullAt(i)})
		}
		kept = append(kept, k)
	}
	l.compact, l.full, l.events = kept, full, nil
	l.Revived = &Revival{past, said}
	l.Judged = -1
	l.traceMore.foldAt = int32(len(kept) + foldAt)
}

// FoldLater asks for no fold until the life has twice as many events.
func (l *Life) FoldLater() { l.traceMore.foldAt = int32(2 * len(l.compact)) }

// InWhichCall returns the index of the first of the life's first n events that makes a call
// which has not gone on by then: the caller's sleep or its wake of the thread is not among
// them, nor the return. n: there is none.
func (l *Life) InWhichCall(n int) int {
	first := n
	for i := range l.compact[:n] {
		k := &l.compact[i]
		if k.Kind != traces.StopCall && k.Kind != traces.ParkCall || k.By == Nobody || k.By == ManyTasks {
			continue
		}
		goesOn := false
		for j := i + 1; j < n && !goesOn; j++ {
			e := &l.compact[j]
			by := e.By
			switch {
			case e.Kind == traces.SwitchOut && e.State == 'D':
				by = e.Thread
			case e.Kind == traces.Woken && e.Thread == TheThread, e.Kind == traces.StopReturn, e.Kind == traces.ParkReturn:
			default:
				continue
			}
			goesOn = by != Nobody && by != ManyTasks && l.SameTask(by) == l.SameTask(k.By)
		}
		if !goesOn {
			return i
		}
	}
	return first
}
