// Package kreport finds oopses, hung tasks and warnings inside a kernel log.
package kreport

import (
	"bytes"
	"slices"
	"strings"

	"github.com/kthread-tla/tracecheck/traces"
	"github.com/kthread-tla/tracecheck/traces/internal/scan"
)

// A Parser finds the kernel's reports in a kernel log: hung tasks, dumps of tasks,
// lockups, oopses and warnings. It takes every message in the log's order, and emits
// one KernelReport event for each report when the report has ended.
//
// A report is many messages, and printk keeps only each message in one piece: messages
// of other CPUs may stand between them. With CONFIG_PRINTK_CALLER each message names
// its caller, and the Parser puts together the report of each caller. Without it, the
// Parser skips lines that are no part of a report, up to a limit. Where another report
// begins before one has ended, nobody can tell which of them the later frames belong
// to: the first is Cut, and the other keeps no frame.
//
// Every stack, also one that is Cut, can therefore be relied on for this: its frames
// were on the task's stack, in this order. A Cut stack may lack frames anywhere. An
// oops, a warning, a lockup and an NMI stop a CPU that runs: all frames of their stacks
// may be those of an interrupt on top of the task.
//
// The zero Parser is ready to use.
type Parser struct {
	open       []*pending
	messages   int    // how many have come
	before     int    // line of the message before
	stallAt    int    // messages at the first line of the latest RCU stall; 0: no stall is open
	stallTitle string // that line
	// mixed has, for each kind of report, up to which message lines of such a report may
	// still come that name no caller.
	mixed [lineKinds]int

	// prefixedPID is of the latest /proc/PID/stack that grep printed, with the file's name
	// before each frame; prefixedAt is the message.
	prefixedPID, prefixedAt int

	recent [32]reportKey // the latest reports: a copy of one of them is left out
	next   int           // where in recent the next one goes

	copies     int // how many copies were left out
	suppressed int // line where khungtaskd says that it will report no more; 0: none
}

// A reportKey is what two copies of one report have in common. A log may hold a report
// twice, from a console and from pstore. The text alone does not show a copy, because
// khungtaskd repeats itself.
type reportKey struct {
	stamp int64
	title string
	task  traces.Task
	cut   bool
}

// A lineKind says what a line begins or ends. The kind of a report's first line decides
// which lines belong to the report, and where it ends.
type lineKind uint8

const (
	otherLine     lineKind = iota // begins and ends nothing
	hungLine                      // INFO: task x:1 blocked for more than 120 seconds.
	taskLine                      // task:x state:D …, as sysrq-t and sysrq-w print it
	dumpLine                      // Task dump for CPU 1:
	nmiLine                       // NMI backtrace for cpu 1
	procLine                      // # cat /proc/1/stack
	lockupLine                    // BUG: soft lockup - CPU#1 stuck for 23s! [x:1]
	stallLine                     // rcu: INFO: rcu_sched self-detected stall on CPU
	deathLine                     // BUG: unable to handle …, Oops: …, Internal error: …
	complaintLine                 // WARNING: …, BUG: scheduling while atomic: …
	cutLine                       // ------------[ cut here ]------------
	cpuLine                       // CPU: 1 PID: 1 Comm: x …; alone it begins the output of dump_stack()
	traceLine                     // Call Trace:; alone it begins the rest of some report
	endLine                       // ends an open report, and begins none
	partLine                      // Oops#1 Part1: pstore's own line, the log is cut here
	lineKinds                     // the number of kinds
)

// A pending is a report that has begun and not ended.
type pending struct {
	kind   lineKind // of its first line, or of a later one that says more
	caller string
	stack  traces.Stack
	kernel string // the release that it names; empty: none so far
	stamp  int64
	line   int // of its first message
	before int // of the message before its first
	latest int // Parser.messages at its latest line

	tracing

	hasTaskLine bool   // its taskLine has come
	endSeen     bool   // its end has come: no outer frame is missing
	mixed       bool   // frames of another report may come
	place       string // the function that the first line names; empty: none
}

// A tracing is how far the stack of a report has been read.
type tracing struct {
	hasTrace     bool   // "Call Trace:" or a frame has come
	inInterrupt  bool   // the lines are about an interrupt on top of the task
	ignoreFrames bool   // lines that look like frames are no part of the stack any more
	hasGap       bool   // a frame could not be read, or a line is missing
	hasBase      bool   // the outermost frame is one that stacks begin with
	hasTaskMark  bool   // <TASK> has come: </TASK> will
	prefixed     bool   // every frame has the file's name before it
	hadInterrupt bool   // an interrupt's part has come
	foreign      int    // the latest lines in a row that are no part of the report
	regFrames    int    // how many of the frames are from registers
	lastRegFrame string // the last of them, with its offset
}

const (
	maxOpen          = 32  // reports open at once, one a caller
	maxFrames        = 512 // frames of a stack; kernel stacks overflow before
	maxForeign       = 8   // foreign lines in a row between the lines of a trace
	maxForeignBefore = 24  // foreign lines in a row before a trace
	maxIdle          = 400 // messages of others, after which a caller's report ends
	mixedFor         = 100 // messages among which the rest of a cut report may come
	maxTitle         = 256 // bytes
	maxCommSize      = 64  // bytes; TASK_COMM_LEN is 16, but the names of kworkers are printed longer
)

// A Message is one message of a kernel log.
type Message struct {
	Line   int    // number of its first line
	Text   []byte // without stamp, level and line end
	Stamp  int64  // microseconds since boot; negative where the log has none
	Lost   int    // messages missing before it; -1: some, nobody knows how many
	Caller []byte // who printed it, by PRINTK_CALLER: "T310" a task's pid, "C0" a CPU; may be empty
}

// Message takes the next message of a log, and emits the reports that end with it or
// before it. The Parser keeps neither m.Text nor m.Caller.
func (r *Parser) Message(m *Message, emit func(traces.Event)) {
	r.messages++
	if m.Lost != 0 {
		r.Flush(emit)
	}
	if len(r.open) > 0 {
		r.expire(emit)
	}
	msg := unindent(m.Text)
	kind := kindOf(msg)
	p := r.openReport(string(m.Caller))
	switch {
	case p == nil && kind == otherLine:
	case kind == partLine:
		r.Flush(emit)
	case p != nil && p.joins(kind, msg):
		p.join(kind, msg)
		p.adopt(r, m)
	case kind != otherLine:
		if p != nil {
			r.expectRest(p)
			r.end(p, emit)
		}
		r.begin(kind, msg, m, emit)
	default:
		ours, ended := p.bodyLine(msg)
		switch {
		case ended:
			if ours {
				p.adopt(r, m)
			} else if p.hasTrace {
				r.expectRest(p)
			}
			r.end(p, emit)
		case ours:
			p.adopt(r, m)
		}
	}
	r.before = m.Line
}

// Skip takes n messages that belong to no report; line is the line of the last one. No
// report may be open.
func (r *Parser) Skip(n, line int) {
	r.messages += n
	r.before = line
}

// unindent is a message without the blanks and tabs before it.
func unindent(msg []byte) []byte {
	for len(msg) > 0 && (msg[0] == ' ' || msg[0] == '\t') {
		msg = msg[1:]
	}
	return msg
}

// Idle says that no report is open.
func (r *Parser) Idle() bool { return len(r.open) == 0 }

// Flush ends all open reports and emits them: the log ends here, or messages are missing.
func (r *Parser) Flush(emit func(traces.Event)) {
	for len(r.open) > 0 {
		first := slices.MinFunc(r.open, func(a, b *pending) int { return a.line - b.line })
		r.end(first, emit)
	}
	r.stallAt, r.mixed = 0, [lineKinds]int{}
}

// openReport is the open report of a caller, nil where it has none.
func (r *Parser) openReport(caller string) *pending {
	for _, p := range r.open {
		if p.caller == caller {
			return p
		}
	}
	return nil
}

// expire ends the reports whose callers have been silent while others wrote.
func (r *Parser) expire(emit func(traces.Event)) {
	for i := 0; i < len(r.open); {
		p := r.open[i]
		idle := r.messages - p.latest
		if idle > maxIdle || idle > maxForeign && p.finished() {
			r.end(p, emit)
			continue
		}
		i++
	}
}

// neverMixed says whether a report of kind a is never mixed with a later one of kind b.
// That is so where one function goes from task to task (kernel/hung_task.c
// check_hung_uninterruptible_tasks, kernel/sched/core.c show_state_filter), and where a
// lock is held for the whole report (lib/nmi_backtrace.c).
func neverMixed(a, b lineKind) bool {
	switch a {
	case hungLine, nmiLine:
		return a == b
	case taskLine, dumpLine:
		return b == taskLine || b == dumpLine
	}
	return false
}

// expectRest notes that the rest of p may still come among the lines of others. No rest
// comes where p's caller is known, because the caller has turned to something else, or
// where p is complete or has no frames.
func (r *Parser) expectRest(p *pending) {
	if p.caller != "" || p.complete() && !p.mixed {
		return
	}
	switch p.kind {
	case stallLine, cutLine, procLine:
		return
	}
	r.mixed[p.kind] = r.messages + mixedFor
}

// mayBeMixed says whether the rest of another report may come among the lines of a report
// of this kind that begins now.
func (r *Parser) mayBeMixed(kind lineKind) bool {
	for by, until := range r.mixed {
		if until >= r.messages && !neverMixed(lineKind(by), kind) {
			return true
		}
	}
	return false
}

// begin opens the report that msg begins. Of an endLine, which begins none, it takes what
// the line says.
func (r *Parser) begin(kind lineKind, msg []byte, m *Message, emit func(traces.Event)) {
	switch kind {
	case endLine:
		if scan.HasPrefix(msg, noMoreReports) {
			r.suppressed = m.Line
		}
		if waiter, owner, lock, ok := parseBlocked(msg); ok {
			emit(traces.Event{Kind: traces.Blocked, Line: m.Line, Thread: waiter, By: owner, Text: lock, Time: traces.Time{Stamp: max(m.Stamp, 0) * 1000}})
		}
		if bytes.Contains(msg, []byte("RCU")) {
			r.stallAt = 0 // the rest of the stall's report is about threads of RCU
		}
		return
	case stallLine:
		r.stallAt, r.stallTitle = r.messages, title(msg)
	}
	if len(r.open) == maxOpen {
		r.end(slices.MinFunc(r.open, func(a, b *pending) int { return a.latest - b.latest }), emit)
	}
	p := &pending{
		kind: kind, caller: string(m.Caller), stamp: m.Stamp,
		line: m.Line, before: r.before,
		mixed: len(m.Caller) == 0 && r.mayBeMixed(kind),
	}
	switch kind {
	case hungLine:
		p.stack.Report = traces.HungTask
	case lockupLine, stallLine:
		p.stack.Report = traces.Lockup
	case nmiLine, dumpLine:
		p.stack.Report = traces.TaskDump
		if r.stallAt > 0 && r.messages-r.stallAt < maxIdle {
			p.stack.Report, p.stack.Title = traces.Lockup, r.stallTitle
		}
	case deathLine:
		p.stack.Report = traces.Oops
	case complaintLine:
		p.stack.Report = traces.Warning
	default:
		p.stack.Report = traces.TaskDump
	}
	p.join(kind, msg)
	if p.prefixed {
		// This may be the rest of an earlier report of the same task, which lines of
		// others have ended.
		pid := p.stack.Task.PID
		p.hasGap = pid == r.prefixedPID && r.messages-r.prefixedAt < maxIdle
		r.prefixedPID, r.prefixedAt = pid, r.messages
	}
	p.adopt(r, m)
	r.open = append(r.open, p)
}

// adopt notes that a message belongs to p.
func (p *pending) adopt(r *Parser, m *Message) {
	p.stack.Last = m.Line
	p.foreign = 0
	p.latest = r.messages
}

// endsWithTrace says whether nothing of interest follows the trace of p. An oops and a
// warning have an end of their own.
func (p *pending) endsWithTrace() bool { return p.kind != deathLine && p.kind != complaintLine }

// complete says whether p has its outermost frame.
func (p *pending) complete() bool { return p.endSeen || p.hasBase }

// finished says whether no further frame can come. A foreign line then ends p.
func (p *pending) finished() bool {
	if !p.endsWithTrace() {
		return false
	}
	return p.endSeen || p.hasBase && !p.hasTaskMark && isOutermost(p.stack.Frames[len(p.stack.Frames)-1].Func)
}

// end takes p off the open reports. It emits p unless p says nothing of a task, or is a
// copy of an earlier report.
func (r *Parser) end(p *pending, emit func(traces.Event)) {
	r.open = slices.DeleteFunc(r.open, func(q *pending) bool { return q == p })
	s := p.stack
	s.Cut = !p.complete() || p.hasGap || p.mixed
	if p.mixed {
		s.Frames = nil
	}
	if p.place != "" {
		// Frames inside of the place belong to the reporting itself: dump_stack, __warn,
		// kasan_report and others, which differ from release to release.
		switch i := s.Index(p.place); {
		case i > 0:
			s.Frames = s.Frames[i:]
		case i < 0 && !p.complete():
			s.Frames = nil
		}
	}
	if len(s.Frames) == 0 {
		s.Cut = true
	}
	switch p.kind {
	case cutLine, cpuLine, traceLine:
		return // no report, or a report of unknown kind
	case procLine:
		if len(s.Frames) == 0 {
			return
		}
	}
	if s.Task == (traces.Task{}) && (s.Cut || s.Report != traces.Oops && s.Report != traces.Warning) {
		return
	}
	key := reportKey{p.stamp, s.Title, s.Task, s.Cut}
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
		Kind: traces.KernelReport, Line: p.line, Before: p.before, Thread: s.Task,
		Text: s.Title, Kernel: p.kernel, Stack: &s, Time: traces.Time{Stamp: max(0, p.stamp) * 1000},
	})
}

// joins says whether a line that could begin a report is a further line of p instead.
func (p *pending) joins(kind lineKind, msg []byte) bool {
	switch kind {
	case deathLine:
		// "BUG: unable to handle …" and "Oops: 0002 [#1]", "kernel BUG at …" and
		// "invalid opcode: 0000 [#1]", "Unable to handle …" and "Internal error: …"
		if p.kind == cutLine {
			return true
		}
		if p.kind != deathLine && p.kind != complaintLine || p.hasTrace || p.stack.Task.Comm != "" {
			return false
		}
		// KASAN's first line is printed twice where a function was inlined: syzbot names
		// inlined functions in lines of their own.
		return isSecondDeathLine(msg) || bytes.HasPrefix(msg, kasan) && strings.HasPrefix(p.stack.Title, string(kasan))
	case complaintLine:
		return p.kind == cutLine
	case traceLine:
		return !p.hasTrace && p.kind != procLine && p.kind != cutLine
	case taskLine:
		t, _, ok := parseTaskLine(msg)
		if !ok || p.hasTrace || p.hasTaskLine {
			return false
		}
		return p.kind == dumpLine || p.kind == hungLine && t.PID == p.stack.Task.PID
	case cpuLine:
		t, _, _ := parseCPULine(msg)
		known := p.stack.Task
		switch p.kind {
		case deathLine, complaintLine, lockupLine, stallLine, nmiLine:
			if known.PID != 0 && known.PID != t.PID {
				return false
			}
			return !p.hasTrace || known.Comm == "" && p.kind == deathLine
		}
	case procLine:
		pid, rest := parseProcStack(msg)
		return p.kind == procLine && p.stack.Task.PID == pid && len(rest) > 0
	}
	return false
}

// join takes the first line of a report, or one that joins it.
func (p *pending) join(kind lineKind, msg []byte) {
	first := p.stack.Title == ""
	if first {
		p.stack.Title = title(msg)
	}
	switch kind {
	case hungLine:
		p.stack.Task, p.stack.Blocked, _ = parseHungLine(msg)
	case taskLine:
		t, state, _ := parseTaskLine(msg)
		if p.stack.Task.PID == 0 {
			p.stack.Task = t
		}
		p.stack.State, p.hasTaskLine = state, true
	case lockupLine:
		p.stack.Task = parseLockupTask(msg)
	case deathLine, complaintLine:
		if p.kind == cutLine {
			p.kind, p.stack.Report = kind, traces.Oops
			if kind == complaintLine {
				p.stack.Report = traces.Warning
			}
			if strings.HasPrefix(p.stack.Title, "---") {
				p.stack.Title = title(msg)
			}
		} else if kind == deathLine {
			p.kind, p.stack.Report = deathLine, traces.Oops
		}
		if kind == complaintLine {
			t, at := parseWarning(msg)
			p.stack.Task, p.place = t, at
		} else if !p.stack.HasAddress {
			p.stack.Address, p.stack.HasAddress = badAddress(msg)
		}
		if i := bytes.Index(msg, []byte(" in ")); bytes.HasPrefix(msg, kasan) && i >= 0 {
			fn, _, _ := bytes.Cut(msg[i+4:], []byte(" "))
			if i := bytes.IndexByte(fn, '+'); i >= 0 {
				fn = fn[:i]
			}
			p.place = functionName(fn)
		}
	case cpuLine:
		t, release, _ := parseCPULine(msg)
		p.stack.Task = t
		if release != nil {
			p.kernel = string(release)
		}
		if p.kind == stallLine {
			p.kind = lockupLine
		}
	case traceLine:
		p.hasTrace = true
	case procLine:
		pid, rest := parseProcStack(msg)
		p.stack.Task.PID = pid
		p.hasTrace = true
		if len(rest) > 0 {
			p.prefixed = true
			p.bodyLine(rest)
		}
	}
}

// bodyLine takes a line that begins no report. ours says that the line belongs to p.
// ended says that p ends: with this line if the line is ours, else before it.
func (p *pending) bodyLine(msg []byte) (ours, ended bool) {
	if p.kind == procLine {
		f := parseFrame(msg)
		if f.kind == reliable || f.kind == dubious {
			p.addFrame(f)
			p.endSeen = p.endSeen || f.last
			return true, false
		}
		p.foreign++
		return false, !p.prefixed || p.foreign > maxForeign
	}
	if len(msg) == 0 {
		return false, p.finished()
	}
	if p.kind == deathLine && p.endSeen && bytes.HasPrefix(msg, []byte("=====")) {
		return true, true // KASAN's last line
	}
	if bytes.HasPrefix(msg, endTrace) {
		p.endSeen = p.endSeen || p.hasTrace
		return true, true
	}
	for msg[0] == '<' {
		rest, mark := cutMark(msg)
		if mark == noMark {
			break
		}
		switch mark {
		case taskBegins:
			p.hasTrace, p.inInterrupt, p.hasTaskMark = true, false, true
		case interruptEnds:
			p.hasTrace, p.inInterrupt = true, false
		case interruptBegins:
			p.hasTrace, p.inInterrupt, p.hadInterrupt = true, true, true
		case taskEnds:
			p.hasTrace, p.inInterrupt = true, false
			p.endSeen, p.ignoreFrames = true, true
			return true, p.endsWithTrace()
		}
		if len(rest) == 0 {
			return true, false
		}
		msg = rest
	}
	if p.headLine(msg) {
		return true, false
	}
	if f := parseFrame(msg); f.kind != noFrame {
		if p.ignoreFrames {
			return false, false
		}
		if p.hasTrace || f.kind != garbled && !f.plain {
			p.addFrame(f)
			return true, false
		}
	}
	if isReportDetail(msg) {
		return false, false
	}
	if p.finished() {
		return false, true
	}
	p.foreign++
	limit := maxForeignBefore
	if p.hasTrace {
		limit = maxForeign
	}
	return false, p.foreign > limit
}

// headLine takes a line that says what a report is about, or where the CPU was. It is
// false for any other line.
func (p *pending) headLine(msg []byte) bool {
	if release, ok := parseTaint(msg); ok {
		if p.kernel == "" {
			p.kernel = string(release)
		}
		return true
	}
	for _, text := range warnTexts {
		// A WARN's text stands before its first line; until 4.16 after it
		// (kernel/panic.c __warn).
		if bytes.HasPrefix(msg, text) && (p.kind == cutLine || p.kind == complaintLine && !p.hasTrace) {
			p.stack.Title = title(msg)
			return true
		}
	}
	if p.kind == deathLine && !p.hasTrace {
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
	if t, ok := parseNoteLine(msg); ok && p.kind == deathLine {
		if p.stack.Task == (traces.Task{}) {
			p.stack.Task = t
		}
		return true
	}
	if t, ok := parseProcessLine(msg); ok && (p.kind == deathLine || p.kind == complaintLine || p.kind == lockupLine || p.kind == stallLine) {
		if p.stack.Task == (traces.Task{}) {
			p.stack.Task = t
		}
		return true
	}
	for _, text := range otherTraces {
		if bytes.HasPrefix(msg, text) {
			p.ignoreFrames = true
			return true
		}
	}
	return p.registerLine(msg)
}

// registerLine takes a line of registers that says where the CPU was: in the innermost
// frame of the task that was interrupted. It is false for any other line.
func (p *pending) registerLine(msg []byte) bool {
	where, user, inTrace := programCounter(msg)
	if where == nil && !user {
		return false
	}
	switch p.kind {
	case deathLine, complaintLine, lockupLine, stallLine, nmiLine:
	default:
		if !p.hasTrace {
			return false
		}
	}
	switch {
	case p.ignoreFrames:
	case user:
		// The CPU was in user space. Registers behind a trace show where the task
		// entered the kernel, so its stack ends here.
		if p.hasTrace && !p.inInterrupt {
			p.endSeen = true
		}
	case !p.hasTrace:
		f := parseWhere(where)
		if f.kind != reliable || string(f.where) == p.lastRegFrame {
			return true
		}
		p.pushFrame(f.fn, f.mod)
		p.regFrames, p.lastRegFrame = len(p.stack.Frames), string(f.where)
		p.hasBase = false // the trace is still to come
	case inTrace && !p.inInterrupt:
		// Where a task was interrupted, x86 prints its registers between the frames
		// (arch/x86/kernel/dumpstack.c show_regs_if_on_stack).
		if f := parseWhere(where); f.kind == reliable {
			p.pushFrame(f.fn, f.mod)
		}
	}
	return true
}

// title is a first line as a report's title: at most maxTitle bytes, no blanks at the end.
func title(msg []byte) string {
	return string(bytes.TrimRight(msg[:min(len(msg), maxTitle)], " "))
}
