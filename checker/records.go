package checker

import (
	"math"
	"slices"

	"github.com/kthread-tla/tracecheck/checker/internal/model"
	"github.com/kthread-tla/tracecheck/traces"
)

// A thread that has ended and been judged may still be stopped, long after. Until its
// pid is used again a record of it is kept: what was said of it, with the states of the
// graph in which it was left, and the events that a report of another stop names. Such
// a stop makes a life of it once more, which goes on from there.

// A record is what is kept of a life that is over. It is one line of the CPU's cache:
// TestRoom.
type record struct {
	said             *Verdict
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
	hasCode          bool
	forked, gone     bool // see traced
	freed            bool // see tracedMore
}

// maxRecords is how many there are at most: one for each pid that a kernel has if
// nobody asks for more (include/linux/threads.h PID_MAX_DEFAULT), else for as many as
// were the latest.
const maxRecords = 1 << 15

// records are by the last digits of pids. Only those parts are there that have
// something in them.
type records [maxRecords / partSize]*[partSize]record

// of is where the record of a pid is, if there is one; nil: there is not.
func (rs *records) of(pid int) *record {
	pid %= maxRecords
	if part := rs[pid/partSize]; part != nil {
		return &part[pid%partSize]
	}
	return nil
}

// room is the place for the record of a pid.
func (rs *records) room(pid int) *record {
	part := &rs[pid%maxRecords/partSize]
	if *part == nil {
		*part = new([partSize]record)
	}
	return &(*part)[pid%partSize]
}

// A resumed says what a life goes on from.
type resumed struct {
	events int // its first ones, which came before
	ends   []endsBy
}

// An endsBy is where the orders that fit end by the rules of some eras; m is nil
// where it is not all of that.
type endsBy struct {
	m    *model.Machine
	ends model.StateSet
}

// from is where a life goes on by the rules of a machine: nowhere where it did not fit
// these. It is nil for one that begins.
func (r *resumed) from(m *model.Machine) *model.StateSet {
	if r == nil {
		return nil
	}
	var s model.StateSet
	for _, e := range r.ends {
		if e.m == m {
			s = s.Union(e.ends)
		}
	}
	return &s
}

// within are those of some rules that a life has fitted so far, or, where it has
// fitted none of them or begins, all.
func (r *resumed) within(rs []*eraChecker) []*eraChecker {
	var fit []*eraChecker
	for _, c := range rs {
		if r != nil && slices.ContainsFunc(r.ends, func(e endsBy) bool { return e.m == c.m }) {
			fit = append(fit, c)
		}
	}
	if fit == nil {
		return rs
	}
	return fit
}

// A remnant says what of a life a record of it has: the events with these indices, -1
// is none. It is nil where no record can be made of the life.
type remnant struct {
	call, ret int // the stop and its return
	end       int // what shows the end, where there is no return
}

// remnantOf is the remnant of a life by what has been said of it.
func remnantOf(l *Life, v *Verdict) *remnant {
	if v.Fits != FitsYes || v.ForeignWake || slices.ContainsFunc(v.how.ends, func(e endsBy) bool { return e.m == nil }) ||
		!l.trace.on || !l.inTime() || l.trace.lossy || l.resumed != nil || l.more.maybeStopped || l.Doubt || l.Crash > 0 || len(l.kept) == 0 ||
		len(l.whole)+len(l.Incidents)+len(l.Suspected) > 0 {
		return nil
	}
	r := remnant{-1, -1, -1}
	for i := range l.kept {
		switch k := &l.kept[i]; k.kind {
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
			if r.end < 0 || !l.kept[r.end].hasCode {
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
		call, ret := l.kept[r.call].by, l.kept[r.ret].by
		if call == nobody || ret == nobody || l.tasks[call].same != l.tasks[ret].same {
			return nil
		}
	}
	return &r
}

// record keeps of a life that has ended for good what a later stop would be judged by,
// if that is so little, with what was said of it or, by m, of others.
func (ls *lives) record(l *Life, said *Verdict, m *memo) {
	pid := l.Thread.PID
	if l.slot >= 0 || !l.trace.ended || l.more.calls > 0 || uint(pid-1) >= pidLimit-1 ||
		len(ls.addr.of)+len(ls.addr.renamed)+len(ls.addr.stops) > 0 || ls.lived(pid) != l.Incarnation {
		return
	}
	var of *remnant
	if m != nil {
		said, of = &m.verdict, m.remnant
	} else if of = remnantOf(l, said); of != nil {
		v := *said
		v.Life, v.Stops, v.Replaces, v.how.history = nil, nil, nil, nil
		said = &v
	}
	if of == nil {
		return
	}
	end := of.end
	if of.ret >= 0 {
		end = of.ret
	}
	k := &l.kept[end]
	if uint64(k.line) > math.MaxUint32 || l.revision > math.MaxUint16 {
		return
	}
	call, by := uint32(0), keptTask{}
	if of.call >= 0 {
		call = uint32(l.kept[of.call].line)
	}
	if of.ret >= 0 && k.by != nobody {
		by = l.tasks[k.by]
	}
	// It is written and not read: its place is in no cache.
	*ls.records.room(pid) = record{
		said: said, last: l.kept[len(l.kept)-1].stamp, // its events are in time
		by: by.comm, byPID: by.pid, pid: int32(pid), incarnation: int32(l.Incarnation), revision: uint16(max(1, l.revision)),
		call: call, line: uint32(k.line), code: k.code, hasCode: k.hasCode, kind: k.kind, state: k.state,
		forked: l.trace.forked, gone: l.trace.gone, freed: l.more.freed,
	}
}

// lived is how many lives a pid has had.
func (ls *lives) lived(pid int) int {
	if part := ls.used[pid/partSize]; part != nil {
		return int(part[pid%partSize])
	}
	return 0
}

// resume makes a life once more of a thread that is over and is stopped now; nil: there
// is no record of it, or it may be another thread, or one that is stopped so soon that
// what came before may not have been all over.
func (ls *lives) resume(e *traces.Event) *Life {
	pid := e.Thread.PID
	if e.Kind != traces.StopCall || e.Clock != traces.Nanoseconds || uint(pid-1) >= pidLimit-1 || !ls.sees().Has(traces.Fork) {
		return nil
	}
	r := ls.records.of(pid)
	if r == nil || int(r.pid) != pid || int(r.incarnation) != ls.lived(pid) || r.last+slack >= e.Stamp-slack {
		return nil
	}
	room := ls.room()
	l := &room.life
	said := *r.said
	said.Revision = int(r.revision)
	*l = Life{
		Thread: traces.Task{Comm: e.Thread.Comm, PID: pid}, Incarnation: int(r.incarnation), Kernel: ls.kernel, boot: ls.boot, room: room,
		trace:    traced{on: true, forked: r.forked, begun: true, ended: true, gone: r.gone},
		more:     tracedMore{freed: r.freed, stopped: r.kind == traces.StopReturn, seenAt: ls.seenAt},
		revision: int32(r.revision), before: &said,
	}
	l.tasks = room.tasks[:1]
	by := uint8(nobody)
	if r.by != "" || r.byPID != 0 {
		by = l.task(&traces.Task{Comm: r.by, PID: int(r.byPID)})
	}
	l.kept = room.kept[:0]
	if r.call > 0 {
		l.kept = append(l.kept, kept{kind: traces.StopCall, line: int(r.call), stamp: r.last, clock: traces.Nanoseconds, by: by})
	}
	l.kept = append(l.kept, kept{
		kind: r.kind, line: int(r.line), stamp: r.last, clock: traces.Nanoseconds, by: by, state: r.state, code: r.code, hasCode: r.hasCode,
	})
	l.resumed = &resumed{len(l.kept), said.how.ends}
	ls.insert(l)
	ls.past.add(l)
	ls.interest.Add(pid)
	r.pid = 0
	return l
}
