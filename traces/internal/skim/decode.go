package skim

import (
	"math"
	"math/bits"
	"slices"

	"github.com/kthread-tla/tracecheck/traces"
	"github.com/kthread-tla/tracecheck/traces/internal/ktrace"
	"github.com/kthread-tla/tracecheck/traces/internal/scan"
)

// next is room for the next decoded line, which keep keeps.
func (out *Block) next() *ktrace.Decoded {
	n := len(out.Decoded)
	if n == cap(out.Decoded) {
		out.Decoded = slices.Grow(out.Decoded, max(n/2, 64))
	}
	return &out.Decoded[:n+1][n]
}

// keep keeps what next has given out. It returns Line.Decoded.
func (out *Block) keep() int32 {
	out.Decoded = out.Decoded[:len(out.Decoded)+1]
	return int32(len(out.Decoded))
}

// Decode decodes a line by itself; nil: it must be handed to the decoder. What it returns is
// good until the next call.
func (g *Scanner) Decode(line []byte) (*ktrace.Decoded, *ktrace.Names) {
	if g.names == nil {
		return nil, nil
	}
	g.bound()
	g.one.Decoded = g.one.Decoded[:0]
	if l := g.line(line, &g.one); l.Decoded > 0 {
		g.one.Names = g.names.Names
		return &g.one.Decoded[l.Decoded-1], &g.one.Names
	}
	return nil, nil
}

// A stampHead is what stands between the CPU and the point of the stamp, "d..2.    36". For
// some while a trace has but a few of them.
type stampHead struct {
	flags, seconds uint64 // the eight columns behind the CPU, and those before the point
	wholeSeconds   int64  // the whole seconds of the stamp, in nanoseconds
	place          uint8  // of the flags in Names.Flags
	known          bool   // flags and seconds have all its columns
}

// Where things are in the lines that readHead reads.
const (
	dash     = 16 // before the pid
	cpuWidth = len("[001] ")
	decimals = 6
)

// headWidth is how many columns a line has at least that readHead reads.
const headWidth = 72

// headKnown says whether readHead can read lines with the columns of g.columns.
func (g *Scanner) headKnown() bool {
	return g.stamp == g.name-2 && g.name >= g.bracket+cpuWidth+8 && g.bracket > dash+1 && g.name <= headWidth-8
}

// readHead reads what stands before the name of an event whose columns are known:
//
//	comm-123     [001] d..2.    36.824876: sched_…
//
// Known are the pid, and where it begins.
//
// A number masked by 63 is no larger, which spares the checks of bounds.
func (g *Scanner) readHead(line []byte, s *ktrace.Decoded, pid int32, from int) bool {
	const (
		frame  = ' ' | '['<<8 | ']'<<40 | ' '<<48 // " [001] "
		frames = 0xff | 0xff<<8 | 0xff<<40 | 0xff<<48
		point  = ('.' ^ '0') << 8
	)
	if !g.simple || from != dash+1 || len(line) < headWidth {
		return false
	}
	left := (*[headWidth]byte)(line)
	flags, seconds := scan.Eight(left[:], int(uint(g.bracket+cpuWidth)&63)), scan.Eight(left[:], int(uint(g.name-17)&63))
	w := scan.Eight(left[:], int(uint(g.bracket-1)&63))
	cpu := (w ^ scan.EachZero) >> 16 & 0xffffff
	micros := scan.Eight(left[:], int(uint(g.name-10)&63)) ^ scan.EachZero // the last second's digit, the point and six decimals
	if (w^frame)&frames|scan.Others(cpu)|scan.Others(micros>>16)|(micros^point)&0xff00|
		uint64(left[0]^' ')|uint64(left[dash]^'-')|uint64(left[uint(g.name-1)&63]^' ') != 0 {
		return false
	}
	h := &g.heads[flags*0x9e3779b97f4a7c15>>58]
	if !h.known || h.flags != flags || h.seconds != seconds {
		if !g.stampHead(line, h) {
			return false
		}
	}
	s.CPU = uint16(cpu&0xff*100 + cpu>>8&0xff*10 + cpu>>16)
	s.Stamp = h.wholeSeconds + int64(scan.Value(micros>>16<<16))*1000
	if s.Flags = h.place; pid == 0 {
		s.Flags = ktrace.InIdle
	}
	return true
}

// stampHead reads what stands between the CPU and the point of the stamp.
func (g *Scanner) stampHead(line []byte, h *stampHead) bool {
	i, point := g.bracket+cpuWidth, g.name-2-decimals-1
	h.known = false
	v, began := scan.NumberLeft(line, point)
	if began == point || began < i || line[began-1] != ' ' {
		return false
	}
	end := i
	for end < began && line[end] != ' ' {
		end++
	}
	if end-i > 8 || !ktrace.IsFlags(line[i:end]) {
		return false
	}
	for _, c := range line[end:began] {
		if c != ' ' {
			return false
		}
	}
	place, ok := g.names.flagsAt(ktrace.FlagColumns{Columns: scan.Eight(line, i), N: uint8(end - i)})
	if !ok {
		return false
	}
	*h = stampHead{
		flags: scan.Eight(line, i), seconds: scan.Eight(line, point-8), wholeSeconds: int64(v) * 1e9, place: place,
		known: point-i <= 16, // these have all its columns
	}
	return true
}

// contextComm is the name of the task in whose context an event happened.
func (g *Scanner) contextComm(line []byte) []byte {
	i := 0
	for i < 16 {
		blanks := bits.TrailingZeros64(scan.Eight(line, i)^scan.EachBlank) / 8
		if i += blanks; blanks < 8 {
			break
		}
	}
	return line[i:16]
}

// readSwitch reads the text of a sched_switch. Known are the pid of the current task and
// where it ends, the next pid, and where " next_pid=" begins. If the text begins as the
// latest one of that task did, it is read by one comparison.
func (g *Scanner) readSwitch(line []byte, s *ktrace.Decoded, prev int32, end int, next int32, at int) bool {
	const first, pid, prio, state, mid = "prev_comm=", " prev_pid=", " prev_prio=", " prev_state=", " ==> next_comm="
	known := g.names.begin(prev, s.CPU)
	if i, n := g.name, int(known.n); known.PID == prev && n > 0 && i+n+len(mid) < at && string(known.text[:n]) == string(line[i:i+n]) {
		s.Thread = known.TaskRef
		return g.readState(line, s, i+n, next, at)
	}
	i := g.name + ktrace.NameWidth
	if i += len(first); at < i+len(pid+prio+state+mid)+8 || string(line[i-len(first):i]) != first {
		return false
	}
	// The previous task is the current one. The line is not decoded where the two have
	// different names: of a thread that has just got its name, or of a task that ftrace
	// does not know. The idle task always has another name there.
	comm := g.contextComm(line)
	if prev == 0 {
		comm = line[i:scan.DigitsEnd(line, i+len("swapper/"))]
	}
	if !scan.HasPrefix(line[i:at], string(comm)) {
		return false
	}
	prevComm := comm
	i += len(comm)
	if i+len(pid) > at || string(line[i:i+len(pid)]) != pid {
		return false
	}
	i += len(pid)
	number := line[len("            comm-"):end]
	if !scan.HasPrefix(line[i:at], string(number)) {
		return false
	}
	i += len(number)
	if i+len(prio) > at || string(line[i:i+len(prio)]) != prio {
		return false
	}
	i += len(prio)
	if line[i] == '-' {
		i++
	}
	i = scan.DigitsEnd(line, i)
	if i+len(state)+len(mid) > at || !scan.IsDigit(line[i-1]) || string(line[i:i+len(state)]) != state {
		return false
	}
	i += len(state)
	g.names.task(&s.Thread, prevComm, prev)
	if text := line[g.name:i]; len(text) <= len(known.text) {
		known.TaskRef, known.n = s.Thread, uint8(copy(known.text[:], text))
	}
	return g.readState(line, s, i, next, at)
}

// What stands behind a state.
var midBegin, midEnd = word(" ==> nex"), word("xt_comm=")

// readState reads the rest of a sched_switch, from the state on, which is mostly one letter.
func (g *Scanner) readState(line []byte, s *ktrace.Decoded, i int, next int32, at int) bool {
	const mid = " ==> next_comm="
	var state byte
	if c := line[i] | 0x20; 'a' <= c && c <= 'z' && i+1+len(mid) <= at && scan.Eight(line, i+1) == midBegin && scan.Eight(line, i+8) == midEnd {
		state = line[i]
		i++
	} else {
		letters := i
		for line[i] != ' ' {
			i++
		}
		if i+len(mid) > at || !ktrace.IsState(line[letters:i]) || string(line[i:i+len(mid)]) != mid {
			return false
		}
		state = ktrace.StateLetter(line[letters:i])
	}
	if at-(i+len(mid)) > ktrace.MaxComm {
		return false
	}
	s.Kind = traces.SwitchOut
	if state == 'x' { // what the kernel printed for TASK_DEAD to 4.13
		state = 'X'
	}
	s.Extra = int32(state)
	if s.Other = (ktrace.TaskRef{}); next != 0 { // an idle task's name says nothing
		g.names.taskIn(&s.Other, line, i+len(mid), at, next)
	}
	if state == 'X' || state == 'Z' {
		g.hints.clear(s.Thread.PID)
	}
	return true
}

// readWake reads the text of a sched_waking or a sched_wakeup. Known are the pid, and where
// " pid=" begins.
func (g *Scanner) readWake(line []byte, s *ktrace.Decoded, pid int32, at int) bool {
	const first = "comm="
	name := g.name + ktrace.NameWidth + len(first)
	if at < name || at > name+ktrace.MaxComm || string(line[name-len(first):name]) != first || !g.readContext(line, s) {
		return false
	}
	s.Kind = traces.Woken
	g.names.taskIn(&s.Thread, line, name, at, pid)
	return true
}

// readContext reads the beginning of a line, and who the current task is.
func (g *Scanner) readContext(line []byte, s *ktrace.Decoded) bool {
	if !g.simple {
		return false
	}
	const from = dash + 1
	pid, width := scan.NumberFirst(scan.Eight(line, from))
	if width == 0 {
		v, end := scan.Digits(line, from)
		pid, width = int32(v), end-from
	}
	if width == 0 || !g.readHead(line, s, pid, from) {
		return false
	}
	first, second := scan.Eight(line, 0), scan.Eight(line, 8)
	c := &g.names.contexts[namePlace(first, second)]
	if c.columns[0] != first || c.columns[1] != second {
		c.columns, c.name = [2]uint64{first, second}, g.names.current(g.contextComm(line))
	}
	s.Other = withName(pid, c.name)
	return true
}

// How the names of the scheduler's other events go on behind "sched_", and, behind that,
// their last word and the text.
var (
	processEvent = word("process_")
	kthreadEvent = word("kthread_")
	forkText     = word("fork: co")
	exitText     = word("exit: co")
	freeText     = word("free: co")
	stopText     = word("stop: co")
	returnText   = word("stop_ret")
)

// readLifecycle reads the name and the text of a fork, an exit, a free, and a stop.
func (g *Scanner) readLifecycle(line []byte, s *ktrace.Decoded) bool {
	const process, stop, ret = len("process_fork: "), len("kthread_stop: "), len("kthread_stop_ret")
	i := g.name + len("sched_")
	if i+ret+2 >= len(line) {
		return false
	}
	event, text := scan.Eight(line, i), scan.Eight(line, i+8)
	s.Extra = 0
	if event == processEvent {
		switch i += process; text {
		case exitText:
			s.Kind = traces.ProcessExit
			return g.readContext(line, s) && g.readTask(line, s, i)
		case forkText:
			s.Kind = traces.Fork
			return g.readContext(line, s) && g.readFork(line, s, i)
		case freeText:
			s.Kind = traces.Freed
			return g.readContext(line, s) && g.readTask(line, s, i)
		}
		return false
	}
	switch {
	case event != kthreadEvent:
	case text == stopText:
		if s.Kind = traces.StopCall; !g.readContext(line, s) || !g.readTask(line, s, i+stop) {
			return false
		}
		g.hints.Set(s.Thread.PID)
		g.hints.Set(s.Other.PID) // it goes to sleep there
		return true
	case text == returnText && line[i+ret] == ':' && line[i+ret+1] == ' ' && g.readContext(line, s):
		v, ok := ktrace.FieldNumber(line[i+ret+2:], "ret=")
		if !ok {
			return false
		}
		s.Kind, s.Extra = traces.StopReturn, int32(ktrace.ToInt(v))
		g.hints.clear(s.Other.PID)
		return true
	}
	return false
}

// readFork reads the text of a sched_process_fork. Mostly it is a kernel thread's: kthreadd
// is the parent of nobody else.
func (g *Scanner) readFork(line []byte, s *ktrace.Decoded, from int) bool {
	const kthreadd, key = "comm=kthreadd pid=2 child_comm=", " child_pid="
	text := line[from:]
	pid, i := scan.NumberLeft(line, len(line))
	at, name := i-len(key), from+len(kthreadd)
	if pid > 0 && at >= name && at <= name+ktrace.MaxComm && scan.HasPrefix(text, kthreadd) && string(line[at:i]) == key {
		s.Other = ktrace.TaskRef{PID: 2, Name: kthreaddName}
		g.names.taskIn(&s.Thread, line, name, at, pid)
		g.hints.Set(pid)
		return true
	}
	if !scan.HasPrefix(text, "comm=") {
		return false
	}
	comm, parent, child, newPID, ok := ktrace.ParseFork(text)
	if !ok || min(parent, newPID) == 0 || max(parent, newPID) > math.MaxInt32 {
		return false
	}
	if parent != 2 && string(comm) != "kthreadd" {
		s.Extra = ktrace.OtherFork
	}
	g.names.task(&s.Thread, child, int32(newPID))
	g.names.task(&s.Other, comm, int32(parent))
	if s.Extra != ktrace.OtherFork {
		g.hints.Set(int32(newPID))
	}
	return true
}

// readTask reads "comm=… pid=…", with " prio=…" and " group_dead=…" behind it or not.
// Mostly these end the line, and then no other pid can be meant.
func (g *Scanner) readTask(line []byte, s *ktrace.Decoded, from int) bool {
	const first, key, prio, dead = "comm=", " pid=", " prio=", " group_dead="
	text, end := line[from:], len(line)
	if scan.HasSuffix(text, dead+"true") {
		end -= len(dead + "true")
	} else if scan.HasSuffix(text, dead+"false") {
		end -= len(dead + "false")
	}
	if end < len(line) {
		s.Extra = ktrace.GroupDead
	}
	if i := ktrace.PrioLeft(line, end); i < end && string(line[i-len(prio):i]) == prio {
		end = i - len(prio)
	}
	pid, i := scan.NumberLeft(line, end)
	at, name := i-len(key), from+len(first)
	if pid > 0 && at >= name && at <= name+ktrace.MaxComm && scan.HasPrefix(text, first) && string(line[at:i]) == key {
		g.names.taskIn(&s.Thread, line, name, at, pid)
		return true
	}
	comm, p, rest, ok := ktrace.CommPID(text)
	if !ok || !scan.HasPrefix(text, first) || p == 0 || p > math.MaxInt32 {
		return false
	}
	if s.Extra = 0; scan.IndexOf(rest, dead) >= 0 {
		s.Extra = ktrace.GroupDead
	}
	g.names.task(&s.Thread, comm, int32(p))
	return true
}
