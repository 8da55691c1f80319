package life

import (
	"math"

	"github.com/kthread-tla/tracecheck/traces"
)

// A thread that has ended and been judged may be stopped again, long after. So a tombstone
// is kept until its pid is used again. It has the verdict, and the events that a report of
// another stop names. Such a stop revives the life, which goes on from there.

// A tombstone is what is kept of a life that is over. It fits into one cache line:
// TestLifeSlot.
type tombstone struct {
	said             *Said
	last             int64  // the latest stamp
	by               string // the name of who has stopped it
	byPID            int32
	pid, incarnation int32  // pid 0: of none
	call             uint32 // the line of the stop; 0: it is not in the log
	line             uint32 // of its return, or of what else shows the end
	code             int32  // what that says, where hasCode
	revision         uint16
	kind             traces.Kind // of that line
	state            byte
	flags            tombFlags
	name             [3]byte // nameHash of the thread's last name
}

// tombFlags are facts about the life, a bit each.
type tombFlags uint8

const (
	tombHasCode tombFlags = 1 << iota
	tombForked            // see Trace
	tombGone
	tombFreed // see traceRest
	tombNamed // the thread's name is known
)

// flagIf is f where it holds, else 0.
func (f tombFlags) flagIf(holds bool) tombFlags {
	if holds {
		return f
	}
	return 0
}

// maxTombstones bounds the tombstones. It is PID_MAX_DEFAULT (include/linux/threads.h), so
// by default each pid of a kernel has one. With more pids, a new tombstone takes the place
// of an older one whose pid has the same last digits.
const maxTombstones = 1 << 15

// tombstones is a table by pid modulo maxTombstones. A part of it exists once something is
// put into it.
type tombstones [maxTombstones / partSize]*[partSize]tombstone

// find returns the tombstone at the place of a pid. It may be that of another pid, or not
// in use. nil: there is none.
func (rs *tombstones) find(pid int) *tombstone {
	pid %= maxTombstones
	if part := rs[pid/partSize]; part != nil {
		return &part[pid%partSize]
	}
	return nil
}

// slot returns the place for the tombstone of a pid, to be written.
func (rs *tombstones) slot(pid int) *tombstone {
	part := &rs[pid%maxTombstones/partSize]
	if *part == nil {
		*part = new([partSize]tombstone)
	}
	return &(*part)[pid%partSize]
}

// TombEvents are the events that a tombstone keeps, as indices in Life.Events; -1: none.
type TombEvents struct {
	call, ret int // the stop and its return
	end       int // what shows the end, where there is no return
}

// TombEvents returns the events that a tombstone of the life would keep; nil: the life
// cannot have one.
func (l *Life) TombEvents() *TombEvents {
	if !l.Trace.on || !l.InTime() || l.Trace.Lossy || l.Revived != nil || l.traceMore.maybeStopped || l.Doubt || l.Crash > 0 || len(l.compact) == 0 ||
		len(l.full)+len(l.Incidents)+len(l.Suspected) > 0 {
		return nil
	}
	r := TombEvents{-1, -1, -1}
	for i := range l.compact {
		switch k := &l.compact[i]; k.Kind {
		case traces.StopCall:
			if r.call >= 0 {
				return nil
			}
			r.call = i
		case traces.StopReturn:
			if r.ret >= 0 {
				return nil
			}
			r.ret = i
		case traces.ProcessExit, traces.ExitCall, traces.SwitchOut:
			if k.Thread != TheThread {
				continue // a caller goes to sleep
			}
			if r.end < 0 || !l.compact[r.end].HasCode {
				r.end = i
			}
		}
	}
	switch {
	case r.ret < 0:
		if r.call >= 0 || r.end < 0 {
			return nil
		}
	case r.call >= 0:
		call, ret := l.compact[r.call].By, l.compact[r.ret].By
		if call == Nobody || ret == Nobody || l.tasks[call].same != l.tasks[ret].same {
			return nil
		}
	}
	return &r
}

// CanBury says whether a judged life may get a tombstone, as far as the Assembler knows: it
// has ended for good, and its pid has not been used again, or by a thread that still has a
// life.
func (a *Assembler) CanBury(l *Life) bool {
	pid := l.Thread.PID
	return l.openAt < 0 && l.Trace.Ended && l.traceMore.calls == 0 && uint(pid-1) < pidLimit-1 &&
		len(a.traced.addr.lives)+len(a.traced.addr.renamed)+len(a.traced.addr.stops) == 0 &&
		(a.incarnationOf(pid) == l.Incarnation || a.incarnationOf(pid) == l.Incarnation+1 && a.byPID.get(pid) != nil)
}

// Bury keeps a tombstone of a life for which CanBury is true: its events and the verdict.
func (a *Assembler) Bury(l *Life, of *TombEvents, said *Said) {
	pid := l.Thread.PID
	end := of.end
	if of.ret >= 0 {
		end = of.ret
	}
	k := &l.compact[end]
	if uint64(k.Line) > math.MaxUint32 || l.Revision > math.MaxUint16 {
		return
	}
	call, by := uint32(0), task{}
	if of.call >= 0 {
		call = uint32(l.compact[of.call].Line)
	}
	if of.ret >= 0 && k.By != Nobody {
		by = l.tasks[k.By]
	}
	// Write all of it at once, without reading: it is not in the CPU's cache.
	*a.traced.tombstones.slot(pid) = tombstone{
		said: said, last: l.compact[len(l.compact)-1].Stamp, // its events are in time
		by: by.comm, byPID: by.pid, pid: int32(pid), incarnation: int32(l.Incarnation), revision: uint16(max(1, l.Revision)),
		call: call, line: uint32(k.Line), code: k.Code, kind: k.Kind, state: k.State, name: nameHash(l.lastName()),
		flags: tombHasCode.flagIf(k.HasCode) | tombForked.flagIf(l.Trace.Forked) | tombGone.flagIf(l.Trace.gone) |
			tombFreed.flagIf(l.traceMore.freed) | tombNamed.flagIf(l.lastName() != "" && !l.Trace.unnamed),
	}
}

// incarnationOf is how many lives a pid has had.
func (x *index) incarnationOf(pid int) int {
	if part := x.incarnations[pid/partSize]; part != nil {
		return int(part[pid%partSize])
	}
	return 0
}

// revive makes a life again of the tombstone of a thread that is stopped now. If the pid is
// another open life's, the name must tell that it is this thread. nil: there is no tombstone,
// or it may be another thread's, or the stop came so soon that it may have begun before the
// earlier events were over (Slack).
func (a *Assembler) revive(e *traces.Event) *Life {
	pid := e.Thread.PID
	if e.Kind != traces.StopCall || e.Clock != traces.Nanoseconds || uint(pid-1) >= pidLimit-1 || !a.sees().Has(traces.Fork) {
		return nil
	}
	r := a.traced.tombstones.find(pid)
	if r == nil || int(r.pid) != pid || r.last+Slack >= e.Stamp-Slack {
		return nil
	}
	named, same := r.flags&tombNamed != 0 && e.Thread.Comm != "", r.name == nameHash(e.Thread.Comm)
	if beside := a.byPID.get(pid) != nil; named && !same || beside && !named || !beside && int(r.incarnation) != a.incarnationOf(pid) {
		return nil
	}
	slot := a.traced.pool.take()
	l := &slot.life
	*l = Life{
		Trace: Trace{on: true, Forked: r.flags&tombForked != 0, Ended: true, gone: r.flags&tombGone != 0},
		Identity: Identity{
			Thread: traces.Task{Comm: e.Thread.Comm, PID: pid}, Incarnation: int(r.incarnation),
			Kernel: a.printed.kernel, BannerLine: a.printed.bannerLine,
		},
		Revision: int32(r.revision), Said: r.said, slot: slot,
		traceMore: traceRest{freed: r.flags&tombFreed != 0, stopped: r.kind == traces.StopReturn, firstSeen: a.traced.firstSeen},
	}
	l.tasks = slot.tasks[:1]
	by := uint8(Nobody)
	if r.by != "" || r.byPID != 0 {
		by = l.taskIndex(&traces.Task{Comm: r.by, PID: int(r.byPID)})
	}
	l.compact = slot.compact[:0]
	if r.call > 0 {
		l.compact = append(l.compact, CompactEvent{Kind: traces.StopCall, Line: int(r.call), Stamp: r.last, Clock: traces.Nanoseconds, By: by})
	}
	l.compact = append(l.compact, CompactEvent{
		Kind: r.kind, Line: int(r.line), Stamp: r.last, Clock: traces.Nanoseconds, By: by, State: r.state, Code: r.code, HasCode: r.flags&tombHasCode != 0,
	})
	l.Revived = &Revival{len(l.compact), r.said}
	a.place(l)
	a.traced.ended.add(l)
	a.interest.Add(pid)
	r.pid = 0
	return l
}
