package checker

import "github.com/kthread-tla/tracecheck/traces"

// Probes tell a thread by the address of its task_struct. Whose it is the log
// shows where an event has a pid as well, where the probe and the tracepoint of
// one kthread_stop() follow each other, and, up to 6.3, where a creator names its
// thread (task_rename) before kthread_create_on_node() returns the address to it.
// Elsewhere the address is nobody's.
type addresses struct {
	of      map[uint64]*Life
	renamed map[int]*Life  // by a task's pid: the new thread that it has named last
	stops   map[int]uint64 // by a task's pid: its stop goes on, of a thread that is not known
	forks   int            // threads forked so far
}

// identify gives a pid to an event that has but an address, where it is known
// whose that is, and learns from one that has both.
func (ls *assembler) identify(e *traces.Event) {
	a := &ls.traced.addr
	switch e.Kind {
	case traces.Renamed:
		if l := ls.byPID.get(e.Thread.PID); l != nil && l.Whole() && e.By.PID != 0 && e.By.PID != e.Thread.PID {
			if a.renamed == nil {
				a.renamed = make(map[int]*Life)
			}
			a.renamed[e.By.PID] = l
		}
		return
	case traces.Create:
		delete(a.of, e.Thread.Addr) // whoever had it is gone
		if l := a.renamed[e.By.PID]; l != nil {
			delete(a.renamed, e.By.PID)
			if e.Thread.PID == 0 && l.openAt >= 0 && l.Whole() {
				e.Thread.PID, e.Thread.Comm = l.Thread.PID, l.Thread.Comm
			}
		}
	case traces.StopCall, traces.ParkCall, traces.Unpark, traces.Fork:
	default:
		return // of a wake_up_process() nothing follows
	}
	switch l := a.of[e.Thread.Addr]; {
	case e.Thread.Addr == 0:
	case e.Thread.PID != 0:
		if l := ls.byPID.get(e.Thread.PID); l != nil && e.Kind != traces.Fork {
			ls.bind(e.Thread.Addr, l)
		}
	case l != nil && ls.holds(l):
		e.Thread.PID, e.Thread.Comm = l.Thread.PID, l.Thread.Comm
	}
}

// bind notes that an address is a life's.
func (ls *assembler) bind(addr uint64, l *Life) {
	if addr == 0 || !l.trace.on {
		return
	}
	if ls.traced.addr.of == nil {
		ls.traced.addr.of = make(map[uint64]*Life)
	}
	ls.traced.addr.of[addr] = l
	l.traceMore.addr, l.traceMore.bound = addr, ls.traced.addr.forks
}

// has says whether the address that was a life's is so still. It is nobody
// else's until another thread is forked; then the life's thread must be known to
// be there.
func (ls *assembler) holds(l *Life) bool {
	t := &l.trace
	switch {
	case l.openAt < 0 || !l.Whole():
		return false
	case l.traceMore.bound == ls.traced.addr.forks:
		return true
	case t.ended || l.StopReturned():
		return ls.sees().Has(traces.Freed) && !l.traceMore.freed
	}
	return ls.sees().Has(traces.ProcessExit)
}

// nameless notes that a task stops a thread that is not known.
func (ls *assembler) noteStop(by int, addr uint64) {
	if ls.traced.addr.stops == nil {
		ls.traced.addr.stops = make(map[int]uint64)
	}
	ls.traced.addr.stops[by] = addr
}

// named notes that a task's stop, if it was of an unknown thread, is that of l.
func (ls *assembler) bindStop(by int, l *Life) {
	if addr, ok := ls.traced.addr.stops[by]; ok {
		ls.bind(addr, l)
		delete(ls.traced.addr.stops, by)
	}
}

// unnamed notes that a task's stop is over, or as good as that, and that nobody
// will learn of whom it was: of any thread whose address is not another one.
func (ls *assembler) dropStop(by int) {
	addr, ok := ls.traced.addr.stops[by]
	if !ok {
		return
	}
	delete(ls.traced.addr.stops, by)
	for l := range ls.alive() {
		l.mayBe(addr)
	}
}

// mayBe notes that a stop of an address may be of this life's thread.
func (l *Life) mayBe(addr uint64) {
	if l.trace.on && (addr == 0 || l.traceMore.addr == 0 || l.traceMore.addr == addr) {
		l.traceMore.maybeStopped = true
	}
}

// ends notes that a life ends while stops of unknown threads go on.
func (ls *assembler) mayHaveBeenStopped(l *Life) {
	for _, addr := range ls.traced.addr.stops {
		l.mayBe(addr)
	}
}

// showsStops says whether the log shows each stop of the thread.
func (l *Life) showsStops() bool { return l.Sees.Has(traces.StopCall) && !l.traceMore.maybeStopped }
