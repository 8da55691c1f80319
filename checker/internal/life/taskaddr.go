package life

import "github.com/kthread-tla/tracecheck/traces"

// addresses finds lives by the address of their task_struct, which is all that some probes
// show of a thread. The pid of an address is learned from events that have both; from the
// probe and the tracepoint of one kthread_stop(), which follow each other; and, up to 6.3,
// from a creator, which names its thread (task_rename) before kthread_create_on_node()
// returns the address to it. Other addresses have no life.
type addresses struct {
	lives   map[uint64]*Life
	renamed map[int]*Life  // by a creator's pid: the new thread that it named last
	stops   map[int]uint64 // by a stopper's pid: the address of the unknown thread that it is stopping
	forks   int32          // threads forked so far
}

// identify gives a pid to an event that has only an address, if the address is known. It
// learns the address from an event that has both.
func (a *Assembler) identify(e *traces.Event) {
	addr := &a.traced.addr
	switch e.Kind {
	case traces.Renamed:
		if l := a.byPID.get(e.Thread.PID); l != nil && l.Whole() && e.By.PID != 0 && e.By.PID != e.Thread.PID {
			if addr.renamed == nil {
				addr.renamed = make(map[int]*Life)
			}
			addr.renamed[e.By.PID] = l
		}
		return
	case traces.Create:
		delete(addr.lives, e.Thread.Addr) // whoever had it is gone
		if l := addr.renamed[e.By.PID]; l != nil {
			delete(addr.renamed, e.By.PID)
			if e.Thread.PID == 0 && l.openAt >= 0 && l.Whole() {
				e.Thread.PID, e.Thread.Comm = l.Thread.PID, l.Thread.Comm
			}
		}
	case traces.StopCall, traces.ParkCall, traces.Unpark, traces.Fork:
	default:
		return // no address is learned from other events, such as a wake_up_process()
	}
	switch l := addr.lives[e.Thread.Addr]; {
	case e.Thread.Addr == 0:
	case e.Thread.PID != 0:
		if l := a.byPID.get(e.Thread.PID); l != nil && e.Kind != traces.Fork {
			a.bind(e.Thread.Addr, l)
		}
	case l != nil && a.holds(l):
		e.Thread.PID, e.Thread.Comm = l.Thread.PID, l.Thread.Comm
	}
}

// bind notes that an address belongs to a life.
func (a *Assembler) bind(addr uint64, l *Life) {
	if addr == 0 || !l.Trace.on {
		return
	}
	if a.traced.addr.lives == nil {
		a.traced.addr.lives = make(map[uint64]*Life)
	}
	a.traced.addr.lives[addr] = l
	l.traceMore.addr, l.traceMore.bound = addr, a.traced.addr.forks
}

// holds says whether a life's address still belongs to it. It does as long as no other
// thread has been forked. After a fork the life's thread must be known to exist still.
func (a *Assembler) holds(l *Life) bool {
	t := &l.Trace
	switch {
	case l.openAt < 0 || !l.Whole():
		return false
	case l.traceMore.bound == a.traced.addr.forks:
		return true
	case t.Ended || l.StopReturned():
		return a.sees().Has(traces.Freed) && !l.traceMore.freed
	}
	return a.sees().Has(traces.ProcessExit)
}

// noteStop notes that a task stops an unknown thread, by the thread's address.
func (a *Assembler) noteStop(by int, addr uint64) {
	if a.traced.addr.stops == nil {
		a.traced.addr.stops = make(map[int]uint64)
	}
	a.traced.addr.stops[by] = addr
}

// bindStop notes that l is the thread that a task stops, if that was unknown so far.
func (a *Assembler) bindStop(by int, l *Life) {
	if addr, ok := a.traced.addr.stops[by]; ok {
		a.bind(addr, l)
		delete(a.traced.addr.stops, by)
	}
}

// dropStop notes that a task's stop of an unknown thread is over, so that it will never be
// known whose it was. It may have been of any thread that has no other address.
func (a *Assembler) dropStop(by int) {
	addr, ok := a.traced.addr.stops[by]
	if !ok {
		return
	}
	delete(a.traced.addr.stops, by)
	for l := range a.alive() {
		l.noteMaybeStopped(addr)
	}
}

// noteMaybeStopped notes that a stop of an address may have been of this life's thread.
func (l *Life) noteMaybeStopped(addr uint64) {
	if l.Trace.on && (addr == 0 || l.traceMore.addr == 0 || l.traceMore.addr == addr) {
		l.traceMore.maybeStopped = true
	}
}

// mayHaveBeenStopped notes that a life ends while stops of unknown threads go on.
func (a *Assembler) mayHaveBeenStopped(l *Life) {
	for _, addr := range a.traced.addr.stops {
		l.noteMaybeStopped(addr)
	}
}

// ShowsStops says whether the log shows each stop of the thread.
func (l *Life) ShowsStops() bool { return l.Sees.Has(traces.StopCall) && !l.traceMore.maybeStopped }
