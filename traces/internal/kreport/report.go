// Package kreport finds oopses, hung tasks and warnings inside a kernel log.
package kreport

import (
	"bytes"
	"slices"
	"strings"

	"github.com/kthread-tla/tracecheck/traces"
	"github.com/kthread-tla/tracecheck/traces/internal/scan"
)

// A Parser finds the kernel's reports in a kernel log: hung tasks, dumps of
// tasks, lockups, oopses and warnings. It takes every message, in the log's
// order, and says for each report one Stacked event when the report has ended.
//
// A report is many messages, and printk keeps only each of them in one piece:
// other CPUs' messages may stand in between. With PRINTK_CALLER a message says
// who printed it, and every caller's report is put together by itself. Without,
// a line that is no part of a report is passed over, up to a limit; where a
// report of another kind begins before one has ended, nobody can tell whose the
// frames after that are, so the first is Cut and the other keeps no frame.
//
// So these hold of every stack, also of one that is Cut: its frames were on the
// task's stack, and in this order. If it is Cut, there may be others between
// them, before and after; and of an oops, a warning, a lockup and an NMI, which
// stop a running CPU, they may all be those of an interrupt on top of the task.
type Parser struct {
	open    []*pending
	n       int    // messages so far
	before  int    // line of the message before
	stall   int    // n of the latest RCU stall's first line, 0: none to be served
	stalled string // that line
	// Up to which n the rest of a report that began so may come among lines that
	// have no caller.
	mixed [sources]int

	file, fileAt int // the latest /proc/PID/stack's PID with its name before each frame, and n

	recent [32]seen // the latest reports, to know a copy by
	next   int

	copies     int // reports not told, because they were told before
	suppressed int // line where khungtaskd says that it will report no more; 0: none
}

// seen is what makes two reports the same: a log may hold one twice, by a
// console's side and a pstore's. Their text alone does not: khungtaskd repeats
// itself.
type seen struct {
	stamp int64
	title string
	task  traces.Task
	cut   bool
}

// A source is what a report began with, and so what its lines are and how it
// ends.
type source uint8

const (
	noSource      source = iota
	hungLine             // INFO: task x:1 blocked for more than 120 seconds.
	taskLine             // task:x state:D …, as sysrq-t and sysrq-w have it
	dumpLine             // Task dump for CPU 1:
	nmiLine              // NMI backtrace for cpu 1
	procLine             // # cat /proc/1/stack
	lockupLine           // BUG: soft lockup - CPU#1 stuck for 23s! [x:1]
	stallLine            // rcu: INFO: rcu_sched self-detected stall on CPU
	deathLine            // BUG: unable to handle …, Oops: …, Internal error: …
	complaintLine        // WARNING: …, BUG: scheduling while atomic: …
	cutLine              // ------------[ cut here ]------------
	cpuLine              // CPU: 1 PID: 1 Comm: x …, by itself the beginning of dump_stack()
	traceLine            // Call Trace:, by itself the rest of something
	endLine              // ends what is open, and begins nothing
	partLine             // Oops#1 Part1: pstore's own line, the log is cut here
	sources              // how many there are
)

// A pending is a report that has begun.
type pending struct {
	source source
	caller string
	stack  traces.Stack
	kernel string
	stamp  int64
	line   int // of its first message
	before int // of the message before that
	n      int // Parser.n at its latest line

	tracing

	lined bool   // its task line has been seen
	whole bool   // its end has been seen: no frame is missing at the end
	mixed bool   // another report's frames may come
	at    string // the function that the first line names as the place
}

// A tracing is how far the stack of a report has come.
type tracing struct {
	traced   bool   // "Call Trace:" or a frame has been seen
	above    bool   // in the part of an interrupt on top of the task
	shut     bool   // what comes may look like frames, and is no part of the stack
	broken   bool   // a frame was there that cannot be read, or a line is missing
	bottom   bool   // a frame is where stacks begin
	tasked   bool   // <TASK> has been seen: </TASK> will come
	prefixed bool   // every frame has the file's name before it
	wasUp    bool   // an interrupt's part has been seen
	strange  int    // lines in a row that are no part of it
	regs     int    // how many of the frames are from the registers
	regsAt   string // the last of them, with its offset
}

const (
	maxOpen     = 32  // reports open at once, one a caller
	maxFrames   = 512 // frames of a stack; kernel stacks overflow before
	maxStrange  = 8   // foreign lines in a row between a trace's lines
	maxHead     = 24  // foreign lines in a row before a trace
	maxIdle     = 400 // messages of others while a caller's report waits
	mixedFor    = 100 // messages for which what is left of a cut report may come
	maxTitle    = 256
	maxCommSize = 64 // TASK_COMM_LEN is 16; kworkers' names are shown longer
)

// A Message is one message of a kernel log.
type Message struct {
	Line   int    // number of its first line
	Text   []byte // without stamp, level and line end
	Stamp  int64  // microseconds since boot; negative where the log has none
	Lost   int    // messages missing before it; -1: some, nobody knows how many
	Caller []byte // who printed it, as PRINTK_CALLER says: "T310" a task's pid, "C0" a CPU; may be empty
}

// Message takes the next message of a log, and gives emit the reports that have
// ended by it. m.Text and m.Caller are not kept.
func (r *Parser) Message(m *Message, emit func(traces.Event)) {
	r.n++
	if m.Lost != 0 {
		r.Flush(emit)
	}
	if len(r.open) > 0 {
		r.expire(emit)
	}
	msg := unindent(m.Text)
	src := begins(msg)
	p := r.of(string(m.Caller))
	switch {
	case p == nil && src == noSource:
	case src == partLine:
		r.Flush(emit)
	case p != nil && p.joins(src, msg):
		p.join(src, msg)
		p.mine(r, m)
	case src != noSource:
		if p != nil {
			r.leaves(p)
			r.end(p, emit)
		}
		r.begin(src, msg, m, emit)
	default:
		ours, ended := p.take(msg)
		switch {
		case ended:
			if ours {
				p.mine(r, m)
			} else if p.traced {
				r.leaves(p)
			}
			r.end(p, emit)
		case ours:
			p.mine(r, m)
		}
	}
	r.before = m.Line
}

// Skip takes n messages that are no report's, while none is open; the last of
// them is on a line.
func (r *Parser) Skip(n, line int) {
	r.n += n
	r.before = line
}

// unindent is a message without blanks before it.
func unindent(msg []byte) []byte {
	for len(msg) > 0 && (msg[0] == ' ' || msg[0] == '\t') {
		msg = msg[1:]
	}
	return msg
}

// Idle says that no report is open.
func (r *Parser) Idle() bool { return len(r.open) == 0 }

// Flush ends all that is open: the log ends here, or is interrupted.
func (r *Parser) Flush(emit func(traces.Event)) {
	for len(r.open) > 0 {
		first := slices.MinFunc(r.open, func(a, b *pending) int { return a.line - b.line })
		r.end(first, emit)
	}
	r.stall, r.mixed = 0, [sources]int{}
}

// of is the caller's open report.
func (r *Parser) of(caller string) *pending {
	for _, p := range r.open {
		if p.caller == caller {
			return p
		}
	}
	return nil
}

// expire ends what nobody has written to for long, when others have.
func (r *Parser) expire(emit func(traces.Event)) {
	for i := 0; i < len(r.open); {
		p := r.open[i]
		idle := r.n - p.n
		if idle > maxIdle || idle > maxStrange && p.over() {
			r.end(p, emit)
			continue
		}
		i++
	}
}

// serial says whether a report that began with a is never mixed with one that
// begins with b: one function goes from task to task (kernel/hung_task.c
// check_hung_uninterruptible_tasks, kernel/sched/core.c show_state_filter), or
// holds a lock meanwhile (lib/nmi_backtrace.c).
func serial(a, b source) bool {
	switch a {
	case hungLine, nmiLine:
		return a == b
	case taskLine, dumpLine:
		return b == taskLine || b == dumpLine
	}
	return false
}

// leaves notes that what is missing of p may still come, among others' lines.
// Not from a caller who has turned to something else; and nothing is missing
// of what is complete or has no frames.
func (r *Parser) leaves(p *pending) {
	if p.caller != "" || p.complete() && !p.mixed {
		return
	}
	switch p.source {
	case stallLine, cutLine, procLine:
		return
	}
	r.mixed[p.source] = r.n + mixedFor
}

// mixes says whether what is left of another report may come in one that begins
// now.
func (r *Parser) mixes(src source) bool {
	for by, until := range r.mixed {
		if until >= r.n && !serial(source(by), src) {
			return true
		}
	}
	return false
}

// begin opens the report that msg begins.
func (r *Parser) begin(src source, msg []byte, m *Message, emit func(traces.Event)) {
	switch src {
	case endLine:
		if scan.HasPrefix(msg, future) {
			r.suppressed = m.Line
		}
		if waiter, owner, lock, ok := parseBlocked(msg); ok {
			emit(traces.Event{Kind: traces.Blocked, Line: m.Line, Thread: waiter, By: owner, Text: lock, Time: traces.Time{Stamp: max(m.Stamp, 0) * 1000}})
		}
		if bytes.Contains(msg, []byte("RCU")) {
			r.stall = 0 // the rest of the stall's report is about RCU's own threads
		}
		return
	case stallLine:
		r.stall, r.stalled = r.n, title(msg)
	}
	if len(r.open) == maxOpen {
		r.end(slices.MinFunc(r.open, func(a, b *pending) int { return a.n - b.n }), emit)
	}
	p := &pending{
		source: src, caller: string(m.Caller), stamp: m.Stamp,
		line: m.Line, before: r.before,
		mixed: len(m.Caller) == 0 && r.mixes(src),
	}
	switch src {
	case hungLine:
		p.stack.Report = traces.HungTask
	case lockupLine, stallLine:
		p.stack.Report = traces.Lockup
	case nmiLine, dumpLine:
		p.stack.Report = traces.TaskDump
		if r.stall > 0 && r.n-r.stall < maxIdle {
			p.stack.Report, p.stack.Title = traces.Lockup, r.stalled
		}
	case deathLine:
		p.stack.Report = traces.Oops
	case complaintLine:
		p.stack.Report = traces.Warning
	default:
		p.stack.Report = traces.TaskDump
	}
	p.join(src, msg)
	if p.prefixed {
		// Others' lines may have ended one of this task, of which this is the rest.
		pid := p.stack.Task.PID
		p.broken = pid == r.file && r.n-r.fileAt < maxIdle
		r.file, r.fileAt = pid, r.n
	}
	p.mine(r, m)
	r.open = append(r.open, p)
}

// mine notes that the message is p's.
func (p *pending) mine(r *Parser, m *Message) {
	p.stack.Last = m.Line
	p.strange = 0
	p.n = r.n
}

// brief says that p's report has nothing after its trace that is worth waiting
// for; an oops or a warning has an end of its own.
func (p *pending) brief() bool { return p.source != deathLine && p.source != complaintLine }

// complete says that no frame can be missing at the outer end.
func (p *pending) complete() bool { return p.whole || p.bottom }

// over says that no further frame can come, so that a foreign line ends p.
func (p *pending) over() bool {
	if !p.brief() {
		return false
	}
	return p.whole || p.bottom && !p.tasked && outermost(p.stack.Frames[len(p.stack.Frames)-1].Func)
}

// end takes p off the open reports and emits it, if it says anything.
func (r *Parser) end(p *pending, emit func(traces.Event)) {
	r.open = slices.DeleteFunc(r.open, func(q *pending) bool { return q == p })
	s := p.stack
	s.Cut = !p.complete() || p.broken || p.mixed
	if p.mixed {
		s.Frames = nil
	}
	if p.at != "" {
		// What is inside of it is the report's own machinery: dump_stack, __warn,
		// kasan_report and others, which differ by age.
		switch i := s.Index(p.at); {
		case i > 0:
			s.Frames = s.Frames[i:]
		case i < 0 && !p.complete():
			s.Frames = nil
		}
	}
	if len(s.Frames) == 0 {
		s.Cut = true
	}
	switch p.source {
	case cutLine, cpuLine, traceLine:
		return // no report, or nothing is known of which
	case procLine:
		if len(s.Frames) == 0 {
			return
		}
	}
	if s.Task == (traces.Task{}) && (s.Cut || s.Report != traces.Oops && s.Report != traces.Warning) {
		return
	}
	key := seen{p.stamp, s.Title, s.Task, s.Cut}
	if p.stamp >= 0 {
		for _, k := range r.recent {
			if k.stamp == key.stamp && k.title == key.title && k.task == key.task && (!k.cut || key.cut) {
				r.copies++
				return
			}
		}
		r.recent[r.next%len(r.recent)] = key
		r.next++
	}
	emit(traces.Event{
		Kind: traces.Stacked, Line: p.line, Before: p.before, Thread: s.Task,
		Text: s.Title, Kernel: p.kernel, Stack: &s, Time: traces.Time{Stamp: max(0, p.stamp) * 1000},
	})
}

// joins says whether a line that could begin something is a further line of p.
func (p *pending) joins(src source, msg []byte) bool {
	switch src {
	case deathLine:
		// "BUG: unable to handle …" and "Oops: 0002 [#1]", "kernel BUG at …" and
		// "invalid opcode: 0000 [#1]", "Unable to handle …" and "Internal error: …"
		if p.source == cutLine {
			return true
		}
		if p.source != deathLine && p.source != complaintLine || p.traced || p.stack.Task.Comm != "" {
			return false
		}
		// syzbot's reports name the inlined functions in lines of their own.
		return secondDeathLine(msg) || bytes.HasPrefix(msg, kasan) && strings.HasPrefix(p.stack.Title, string(kasan))
	case complaintLine:
		return p.source == cutLine
	case traceLine:
		return !p.traced && p.source != procLine && p.source != cutLine
	case taskLine:
		t, _, ok := parseTaskLine(msg)
		if !ok || p.traced || p.lined {
			return false
		}
		return p.source == dumpLine || p.source == hungLine && t.PID == p.stack.Task.PID
	case cpuLine:
		t, _, _ := parseCPULine(msg)
		known := p.stack.Task
		switch p.source {
		case deathLine, complaintLine, lockupLine, stallLine, nmiLine:
			if known.PID != 0 && known.PID != t.PID {
				return false
			}
			return !p.traced || known.Comm == "" && p.source == deathLine
		}
	case procLine:
		pid, rest := procStack(msg)
		return p.source == procLine && p.stack.Task.PID == pid && len(rest) > 0
	}
	return false
}

// join takes a line that is a report's first, or joins it.
func (p *pending) join(src source, msg []byte) {
	first := p.stack.Title == ""
	if first {
		p.stack.Title = title(msg)
	}
	switch src {
	case hungLine:
		p.stack.Task, p.stack.Blocked, _ = parseHungLine(msg)
	case taskLine:
		t, state, _ := parseTaskLine(msg)
		if p.stack.Task.PID == 0 {
			p.stack.Task = t
		}
		p.stack.State, p.lined = state, true
	case lockupLine:
		p.stack.Task = lockedUp(msg)
	case deathLine, complaintLine:
		if p.source == cutLine {
			p.source, p.stack.Report = src, traces.Oops
			if src == complaintLine {
				p.stack.Report = traces.Warning
			}
			if strings.HasPrefix(p.stack.Title, "---") {
				p.stack.Title = title(msg)
			}
		} else if src == deathLine {
			p.source, p.stack.Report = deathLine, traces.Oops
		}
		if src == complaintLine {
			t, at := parseWarning(msg)
			p.stack.Task, p.at = t, at
		} else if !p.stack.HasAddress {
			p.stack.Address, p.stack.HasAddress = badAddress(msg)
		}
		if i := bytes.Index(msg, []byte(" in ")); bytes.HasPrefix(msg, kasan) && i >= 0 {
			fn, _, _ := bytes.Cut(msg[i+4:], []byte(" "))
			if i := bytes.IndexByte(fn, '+'); i >= 0 {
				fn = fn[:i]
			}
			p.at = functionName(fn)
		}
	case cpuLine:
		t, release, _ := parseCPULine(msg)
		p.stack.Task = t
		if release != nil {
			p.kernel = string(release)
		}
		if p.source == stallLine {
			p.source = lockupLine
		}
	case traceLine:
		p.traced = true
	case procLine:
		pid, rest := procStack(msg)
		p.stack.Task.PID = pid
		p.traced = true
		if len(rest) > 0 {
			p.prefixed = true
			p.take(rest)
		}
	}
}

// take takes a line that begins nothing. ours says that it is one of p's, ended
// that p ends with it, or before it where it is not ours.
func (p *pending) take(msg []byte) (ours, ended bool) {
	if p.source == procLine {
		f := parseFrame(msg)
		if f.kind == reliable || f.kind == dubious {
			p.frame(f)
			p.whole = p.whole || f.last
			return true, false
		}
		p.strange++
		return false, !p.prefixed || p.strange > maxStrange
	}
	if len(msg) == 0 {
		return false, p.over()
	}
	if p.source == deathLine && p.whole && bytes.HasPrefix(msg, []byte("=====")) {
		return true, true // KASAN's last line
	}
	if bytes.HasPrefix(msg, endTrace) {
		p.whole = p.whole || p.traced
		return true, true
	}
	for msg[0] == '<' {
		rest, mark := section(msg)
		if mark == noSection {
			break
		}
		switch mark {
		case taskBegins:
			p.traced, p.above, p.tasked = true, false, true
		case aboveEnds:
			p.traced, p.above = true, false
		case aboveBegins:
			p.traced, p.above, p.wasUp = true, true, true
		case taskEnds:
			p.traced, p.above = true, false
			p.whole, p.shut = true, true
			return true, p.brief()
		}
		if len(rest) == 0 {
			return true, false
		}
		msg = rest
	}
	if p.head(msg) {
		return true, false
	}
	if f := parseFrame(msg); f.kind != noFrame {
		if p.shut {
			return false, false
		}
		if p.traced || f.kind != garbled && !f.plain {
			p.frame(f)
			return true, false
		}
	}
	if furniture(msg) {
		return false, false
	}
	if p.over() {
		return false, true
	}
	p.strange++
	limit := maxHead
	if p.traced {
		limit = maxStrange
	}
	return false, p.strange > limit
}

// head takes a line that says what a report is about, or what the registers
// were.
func (p *pending) head(msg []byte) bool {
	if release, ok := taintLine(msg); ok {
		if p.kernel == "" {
			p.kernel = string(release)
		}
		return true
	}
	for _, text := range messages {
		// The text of a WARN stands before it; until 4.16 after it
		// (kernel/panic.c __warn).
		if bytes.HasPrefix(msg, text) && (p.source == cutLine || p.source == complaintLine && !p.traced) {
			p.stack.Title = title(msg)
			return true
		}
	}
	if p.source == deathLine && !p.traced {
		// mm/kasan/report.c print_error_description
		if i := bytes.Index(msg, []byte(" by task ")); i >= 0 && bytes.Contains(msg[:i], []byte(" of size ")) {
			if t, ok := splitTask(msg[i+len(" by task "):], '/'); ok && p.stack.Task == (traces.Task{}) {
				p.stack.Task = t
			}
			if i := bytes.Index(msg, []byte(" at addr ")); i >= 0 && !p.stack.HasAddress {
				p.stack.Address, p.stack.HasAddress = hexNumber(msg[i+len(" at addr "):])
			}
			return true
		}
	}
	if t, ok := noteLine(msg); ok && p.source == deathLine {
		if p.stack.Task == (traces.Task{}) {
			p.stack.Task = t
		}
		return true
	}
	if t, ok := processLine(msg); ok && (p.source == deathLine || p.source == complaintLine || p.source == lockupLine || p.source == stallLine) {
		if p.stack.Task == (traces.Task{}) {
			p.stack.Task = t
		}
		return true
	}
	for _, text := range otherStacks {
		if bytes.HasPrefix(msg, text) {
			p.shut = true
			return true
		}
	}
	return p.registers(msg)
}

// registers takes a line that says where the CPU was: the innermost frame of
// what was interrupted.
func (p *pending) registers(msg []byte) bool {
	where, user, inTrace := pointer(msg)
	if where == nil && !user {
		return false
	}
	switch p.source {
	case deathLine, complaintLine, lockupLine, stallLine, nmiLine:
	default:
		if !p.traced {
			return false
		}
	}
	switch {
	case p.shut:
	case user:
		// The task came from user space, where its stack ends; or, before any
		// trace, was there.
		if p.traced && !p.above {
			p.whole = true
		}
	case !p.traced:
		f := parseWhere(where)
		if f.kind != reliable || string(f.where) == p.regsAt {
			return true
		}
		p.push(f.fn, f.mod)
		p.regs, p.regsAt = len(p.stack.Frames), string(f.where)
		p.bottom = false // what the trace has is to come
	case inTrace && !p.above:
		// x86's stack of a task that was interrupted: its registers stand between
		// the frames (arch/x86/kernel/dumpstack.c show_regs_if_on_stack).
		if f := parseWhere(where); f.kind == reliable {
			p.push(f.fn, f.mod)
		}
	}
	return true
}

func title(msg []byte) string {
	return string(bytes.TrimRight(msg[:min(len(msg), maxTitle)], " "))
}
