package ktrace

import (
	"bytes"

	"github.com/kthread-tla/tracecheck/traces"
	"github.com/kthread-tla/tracecheck/traces/internal/scan"
)

// ftraceLayout reads what the kernel prints in trace and trace_pipe, and what `trace-cmd
// report` prints, which has the same columns:
//
//	          <idle>-0       [001] dNh2.    36.824876: sched_wakeup: comm=kthreadd pid=2 …
//	        guest.sh-294     (    294) [000] .....    47.890757: stop: (kthread_stop+0x4/0x170) task=0x…
//	       trace-cmd-446   [000]    84.991277: sched_waking:         comm=ktlab_bg pid=305 …
//	kthreadd-2         0dNh2. 1234us!: sched_switch: …                     option latency-format
//	          <idle>-0       [001] d..2.    36.824876: kthread_stop <-stop_say    tracer function
//	 0)  guest.s-294   |   0.500 us    |  kthread_should_stop();                tracer function_graph
//
// The name has 16 columns (kernel/trace/trace_output.c trace_print_context), so the dash
// before the pid is the 17th byte, whatever dashes the name has. Pasted lines may have lost
// their leading blanks.
type ftraceLayout struct {
	lost       traceLoss
	padded     bool // the latest event had blanks behind its name, as trace-cmd prints it
	contextRow int  // header: which flag tells interrupts, counted from 0; -1: none; valid where flagRows > 0
	flagRows   int  // header: how many lines that name a flag have come
	statsCPU   int  // the CPU that trace-cmd's statistics are about; valid where inStats
	inStats    bool // trace-cmd's statistics have begun
	cpus       int  // how many CPUs the latest header says the trace is of; 0: there was none
	graph      graphLayout
	reason     string // why the latest line of class refusedLine is of no use
	kernel     []byte // the release that the header names, with class kernelLine
}

func (f *ftraceLayout) loss() traceLoss { return f.lost }

func (f *ftraceLayout) refusal() string { return f.reason }

func (f *ftraceLayout) unwrap(line []byte, rec *record) traceClass {
	if len(line) == 0 {
		return noEvent
	}
	switch line[0] {
	case '#':
		return f.header(line)
	case 'C', 'c', 'v', 'e', 'o', 'd', 'b', 'n', 'r', 'B':
		if class := f.statusLine(line); class != unknownLine {
			return class
		}
	}
	at, ok := f.task(line, rec)
	if !ok {
		if f.latencyLine(line, rec) || f.verboseLine(line, rec) {
			return traceEvent
		}
		return f.tasklessLine(line, rec)
	}
	at, ok = f.flagsAndStamp(line, at, rec)
	if !ok || !f.event(line, at, rec) {
		return unknownLine
	}
	return traceEvent
}

// task reads the beginning of a line, up to the CPU. at is behind the CPU.
func (f *ftraceLayout) task(line []byte, rec *record) (at int, ok bool) {
	const dash = 16
	if len(line) > dash && line[dash] == '-' {
		if at, ok := f.taskAt(line, dash, rec); ok {
			return at, true
		}
	}
	// The line has lost its leading blanks. The name has at most 15 bytes; of two dashes
	// that fit, the later one stands before the pid.
	for i := min(dash-1, len(line)-1); i >= 0; i-- {
		if line[i] == '-' {
			if at, ok := f.taskAt(line, i, rec); ok {
				return at, true
			}
		}
	}
	// Other text stands before the name, as grep's file name and line number do.
	for i := dash + 1; i < len(line) && i < 200; i++ {
		if line[i] == '-' {
			if at, ok := f.taskAt(line, i, rec); ok {
				// Nobody can tell where that text ends and the name begins.
				rec.comm = nil
				return at, true
			}
		}
	}
	return 0, false
}

// taskAt reads "-PID  (TGID) [CPU]" at the dash. The name is what stands before it.
func (f *ftraceLayout) taskAt(line []byte, dash int, rec *record) (at int, ok bool) {
	pid, i := scan.Digits(line, dash+1)
	if i == dash+1 || i-dash > 11 || i == len(line) || line[i] != ' ' && line[i] != '(' && line[i] != '[' {
		return 0, false
	}
	i = skipTGID(line, scan.SkipBlanks(line, i))
	cpu, i, ok := cpuAt(line, i)
	if !ok || i >= len(line) || line[i] != ' ' {
		return 0, false
	}
	rec.comm = line[scan.SkipBlanks(line[:dash], 0):dash]
	rec.pid, rec.cpu = int(pid), cpu
	return i, true
}

// skipTGID is the column behind "(  294) " or "(-------) ", i where neither is there.
func skipTGID(line []byte, i int) int {
	if i >= len(line) || line[i] != '(' {
		return i
	}
	j := i + 1
	for j < len(line) && (line[j] == ' ' || line[j] == '-' || scan.IsDigit(line[j])) {
		j++
	}
	if j >= len(line) || line[j] != ')' {
		return i
	}
	return scan.SkipBlanks(line, j+1)
}

// flagsAndStamp reads what stands between the CPU and the event: the flags, which may be
// missing, and the stamp. at is behind the stamp.
func (f *ftraceLayout) flagsAndStamp(line []byte, i int, rec *record) (at int, ok bool) {
	i = skipTGID(line, scan.SkipBlanks(line, i)) // 4.13 prints the TGID here
	if at, ok := stampAt(line, i, rec); ok {
		return at, true
	}
	end := i
	for end < len(line) && line[end] != ' ' {
		end++
	}
	if end == i || end-i > 8 || !IsFlags(line[i:end]) {
		return 0, false
	}
	rec.context = f.context(line[i:end])
	return stampAt(line, scan.SkipBlanks(line, end), rec)
}

// IsFlags says whether b may be the flags of an event: it has nothing but letters, digits,
// points and '#'.
func IsFlags(b []byte) bool {
	for _, c := range b {
		if !(c == '.' || c == '#' || scan.IsDigit(c) || 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z') {
			return false
		}
	}
	return true
}

// context reads from the flags in whose context an event happened
// (kernel/trace/trace_output.c trace_print_lat_fmt). The third flag tells hard and soft
// interrupts and NMIs, both of 4 flags (to 5.14 or so) and of 5. Patched kernels have more
// flags; their header says which one it is.
func (f *ftraceLayout) context(flags []byte) traces.Context {
	i := 2
	switch {
	case f.flagRows > 0:
		i = f.contextRow
	case len(flags) != 4 && len(flags) != 5:
		return traces.UnknownContext
	}
	if i < 0 || i >= len(flags) {
		return traces.UnknownContext
	}
	switch flags[i] {
	case 's':
		if len(flags) == 4 {
			// Old kernels also print it where the task itself has disabled soft
			// interrupts: kernel/trace/trace.c tracing_generic_entry_update tested
			// SOFTIRQ_MASK, later kernels SOFTIRQ_OFFSET.
			return traces.UnknownContext
		}
		return traces.InterruptContext
	case 'h', 'H', 'z', 'Z':
		return traces.InterruptContext
	case '.':
		return traces.TaskContext
	}
	return traces.UnknownContext
}

// event reads "event: body", or "fn <-caller" of the function tracer.
func (f *ftraceLayout) event(line []byte, i int, rec *record) bool {
	i = scan.SkipBlanks(line, i)
	if i < len(line)-2 && line[i] == '(' && line[i+1] == '+' { // trace-cmd report --ts-diff
		if j := bytes.IndexByte(line[i:], ')'); j >= 0 {
			i = scan.SkipBlanks(line, i+j+1)
		}
	}
	end := i
	for end < len(line) && line[end] != ' ' && line[end] != ':' && line[end] != '(' {
		end++
	}
	if end == i {
		return i == len(line) // an event without a name
	}
	f.padded = false
	if end < len(line) && line[end] == ':' {
		at := end + 1
		if at < len(line) && line[at] != ' ' {
			// "sched:sched_switch: ", or a mark in the buffer that begins so.
			next := at
			for next < len(line) && line[next] != ' ' && line[next] != ':' {
				next++
			}
			if next == len(line) || line[next] != ':' || next+1 < len(line) && line[next+1] != ' ' {
				rec.event, rec.body = line[i:end], line[at:]
				return true
			}
			i, end, at = at, next, next+1
		}
		body := scan.SkipBlanks(line, at)
		f.padded = body > at+1
		rec.event, rec.body = line[i:end], line[body:]
		return true
	}
	// kthread_stop <-stop_say, kthread_stop(k=0x…) <-stop_say
	fn, args := line[i:end], []byte(nil)
	rest := line[end:]
	if len(rest) > 0 && rest[0] == '(' {
		closing := scan.LastIndexOf(rest, ") <-")
		if closing < 0 {
			return true // raw_syscalls and the like: not needed
		}
		args, rest = rest[1:closing], rest[closing+1:]
	}
	if scan.HasPrefix(rest, " <") && scan.IndexOf(rest, " <-") >= 0 { // option sym-addr: "fn <ffffffffa06d3e80> <-caller <…>"
		if plus := bytes.IndexByte(fn, '+'); plus > 0 {
			fn = fn[:plus]
		}
		rec.fn, rec.body = fn, args
		return true
	}
	return !bytes.Contains(line[i:], schedWord) // else two lines have become one
}

// latencyLine reads a line of the option latency-format: the name is cut to 8
// bytes, and the stamp counts from the beginning of the trace.
func (f *ftraceLayout) latencyLine(line []byte, rec *record) bool {
	const dash = 8
	if len(line) > dash && line[dash] == '-' && f.latencyAt(line, dash, rec) {
		return true
	}
	for i := min(dash-1, len(line)-1); i >= 0; i-- {
		if line[i] == '-' && f.latencyAt(line, i, rec) {
			return true
		}
	}
	return false
}

// latencyAt is latencyLine for a dash between name and pid.
func (f *ftraceLayout) latencyAt(line []byte, dash int, rec *record) bool {
	pid, i := scan.Digits(line, dash+1)
	if i == dash+1 || i-dash > 11 || i == len(line) || line[i] != ' ' {
		return false
	}
	from := scan.SkipBlanks(line, i)
	cpu, i := scan.Digits(line, from)
	if i == from || i-from > 4 || i == len(line) {
		return false
	}
	end := i
	for end < len(line) && line[end] != ' ' {
		end++
	}
	flags := line[i:end]
	if len(flags) < 3 || len(flags) > 8 || scan.IsDigit(flags[0]) || !IsFlags(flags) {
		return false
	}
	at := scan.SkipBlanks(line, end)
	v, i := scan.Digits(line, at)
	switch {
	case i == at || i >= len(line):
		return false
	case line[i] == 'u' && i+2 < len(line) && line[i+1] == 's':
		i += 2
		if i < len(line) && line[i] != ':' {
			i++ // the mark of a long wait
		}
		if i >= len(line) || line[i] != ':' || v > 9e15 {
			return false
		}
		rec.stamp, rec.coarse, rec.clock = v*1000, 1000, traces.Nanoseconds
		i++
	default: // a clock that does not count time, or trace-cmd report -l
		next, ok := stampAt(line, at, rec)
		if !ok {
			return false
		}
		i = next
	}
	rec.comm = line[scan.SkipBlanks(line[:dash], 0):dash]
	if len(rec.comm) == 8 {
		rec.comm = nil // cut
	}
	rec.pid, rec.cpu, rec.context = int(pid), int(cpu), f.context(flags)
	return f.event(line, i, rec)
}

// verboseLine reads a line of the options latency-format and verbose:
//
//	bash   1234   1 0 00000000 00000001 [0000000012345678] 12.345ms (+0.001ms): sched_switch: …
//
// The time counts from the beginning of the trace. The flags are a number, in which
// TRACE_FLAG_HARDIRQ 0x08, TRACE_FLAG_SOFTIRQ 0x10 and TRACE_FLAG_NMI 0x40 tell interrupts
// (include/linux/trace_events.h).
func (f *ftraceLayout) verboseLine(line []byte, rec *record) bool {
	const width = 16
	if len(line) < width+30 || line[width] != ' ' {
		return false
	}
	i := scan.SkipBlanks(line, width)
	pid, next := scan.Digits(line, i)
	if next == i || next >= len(line) || line[next] != ' ' || next-i > 10 {
		return false
	}
	i = scan.SkipBlanks(line, next)
	cpu, next := scan.Digits(line, i)
	if next == i || next >= len(line) || line[next] != ' ' || cpu > 1<<20 {
		return false
	}
	i = scan.SkipBlanks(line, next)
	flags, next := scan.Digits(line, i)
	if next == i || next >= len(line) || line[next] != ' ' {
		return false
	}
	// preempt count, index
	i = next
	for range 2 {
		i = scan.SkipBlanks(line, i)
		end := scan.SkipHex(line, i)
		if end == i || end >= len(line) || line[end] != ' ' {
			return false
		}
		i = end
	}
	i = scan.SkipBlanks(line, i)
	if i >= len(line) || line[i] != '[' {
		return false
	}
	end := scan.SkipHex(line, i+1)
	if end >= len(line) || line[end] != ']' {
		return false
	}
	i = scan.SkipBlanks(line, end+1)
	v, next := scan.Digits(line, i)
	if next == i || v > 9e9 {
		return false
	}
	switch {
	case next+6 < len(line) && line[next] == '.':
		frac, after := scan.Digits(line, next+1)
		if after != next+4 || !scan.HasPrefix(line[after:], "ms ") {
			return false
		}
		rec.stamp, rec.coarse, rec.clock = v*1e6+frac*1e3, 1000, traces.Nanoseconds
		next = after + 3
	case next < len(line) && line[next] == ' ':
		rec.stamp, rec.coarse, rec.clock = v, 1, traces.Ticks
		next++
	default:
		return false
	}
	closing := scan.IndexOf(line[next:], "): ")
	if next >= len(line) || line[next] != '(' || closing < 0 {
		return false
	}
	rec.comm = line[scan.SkipBlanks(line[:width], 0):width]
	rec.pid, rec.cpu = int(pid), int(cpu)
	rec.context = traces.TaskContext
	if flags&(0x08|0x10|0x40) != 0 {
		rec.context = traces.InterruptContext
	}
	return f.event(line, next+closing+3, rec)
}

// header reads a line that begins with '#'. The first lines of a trace say what the buffer
// has, and name the flags:
//
//	# entries-in-buffer/entries-written: 29/264   #P:2
//	#                              | / _---=> hardirq/softirq
//	##### CPU 0 buffer started ####
//	# nop latency trace v1.1.5 on 6.1.0-18-amd64
//	# latency: 0 us, #29/264, CPU#0 | (M:preempt VP:0, KP:0, SP:0 HP:0 #P:2)
func (f *ftraceLayout) header(line []byte) traceClass {
	if after, ok := bytes.CutPrefix(line, []byte("##### CPU ")); ok {
		cpu, i := scan.Digits(after, 0)
		if i > 0 && scan.HasPrefix(after[i:], " buffer started") && cpu < maxCPUs {
			f.lost = traceLoss{cpu: int(cpu), complete: true}
			return lossLine
		}
		return noEvent
	}
	if i := scan.IndexOf(line, "=> "); i >= 0 && scan.IndexOf(line, "_-") >= 0 {
		what := line[i+3:]
		if scan.HasPrefix(what, "CPU#") { // of the latency format, which prints the CPU there
			f.flagRows, f.contextRow = 0, -1
			return noEvent
		}
		if scan.HasPrefix(what, "irqs-off") {
			f.flagRows, f.contextRow = 0, -1
		}
		if scan.HasPrefix(what, "hardirq/softirq") {
			f.contextRow = f.flagRows
		}
		f.flagRows++
		return noEvent
	}
	rest, ok := []byte(nil), false
	if i := scan.IndexOf(line, "entries-in-buffer/entries-written: "); i >= 0 {
		rest, ok = line[i+len("entries-in-buffer/entries-written: "):], true
	} else if scan.HasPrefix(line, "# latency: ") { // # latency: 0 us, #29/264, CPU#0 | (M:preempt VP:0, KP:0, SP:0 HP:0 #P:2)
		if i := scan.IndexOf(line, ", #"); i >= 0 {
			rest, ok = line[i+len(", #"):], true
		}
	} else if i := scan.IndexOf(line, " latency trace v"); i >= 0 {
		if on := scan.IndexOf(line[i:], " on "); on >= 0 {
			f.kernel = bytes.TrimSpace(line[i+on+len(" on "):])
			return kernelLine
		}
	}
	if ok {
		in, j := scan.Digits(rest, 0)
		if j == 0 || j >= len(rest) || rest[j] != '/' {
			return noEvent
		}
		written, k := scan.Digits(rest, j+1)
		f.cpus = 1
		if p := scan.IndexOf(rest, "#P:"); p >= 0 {
			if cpus, end := scan.Digits(rest, p+3); end > p+3 && cpus > 0 && cpus <= maxCPUs {
				f.cpus = int(cpus)
			}
		}
		if k == j+1 || in >= written {
			return noEvent
		}
		f.lost = traceLoss{cpu: -1, count: int(written - in), fromStart: true, cpus: f.cpus}
		return lossLine
	}
	f.graph.header(line)
	return noEvent
}

// statusLine reads the lines of the kernel and of trace-cmd that stand between events:
//
//	CPU:0 [LOST 80 EVENTS]        kernel/trace/trace.c print_trace_line
//	CPU:1 [LOST EVENTS]
//	CPU:1 [12 EVENTS DROPPED]     trace-cmd report
//	CPU:1 [EVENTS DROPPED]
//	CPU 1 is empty
//	cpus=2
//	overrun: 12                   trace-cmd's statistics of a CPU
func (f *ftraceLayout) statusLine(line []byte) traceClass {
	switch {
	case scan.HasPrefix(line, "CPU:"), scan.HasPrefix(line, "CPU: "):
		i := scan.SkipBlanks(line, len("CPU:"))
		cpu, j := scan.Digits(line, i)
		if j == i || cpu >= maxCPUs {
			return unknownLine
		}
		rest := bytes.TrimRight(line[j:], " ")
		if len(rest) == 0 {
			f.inStats, f.statsCPU = true, int(cpu)
			return noEvent
		}
		if n, ok := lostEvents(bytes.TrimLeft(rest, " ")); ok {
			f.lost = traceLoss{cpu: int(cpu), count: n}
			return lossLine
		}
	case scan.HasPrefix(line, "CPU ") && scan.HasSuffix(line, " is empty"),
		scan.HasPrefix(line, "cpus=") && scan.AllDigits(line[len("cpus="):]),
		scan.HasPrefix(line, "version = "),
		scan.HasPrefix(line, "CPU ") && scan.HasSuffix(line, " buffer started"):
		return noEvent
	case f.inStats && (scan.HasPrefix(line, "overrun: ") || scan.HasPrefix(line, "dropped events: ") || scan.HasPrefix(line, "commit overrun: ")):
		n, end := scan.Digits(line, scan.IndexOf(line, ": ")+2)
		if end == len(line) && n > 0 {
			f.lost = traceLoss{cpu: f.statsCPU, count: int(n), unplaced: true}
			return lossLine
		}
		return noEvent
	case f.inStats && (scan.HasPrefix(line, "entries: ") || scan.HasPrefix(line, "bytes: ") || scan.HasPrefix(line, "oldest event ts: ") ||
		scan.HasPrefix(line, "now ts: ") || scan.HasPrefix(line, "read events: ") || scan.HasPrefix(line, "Buffer: ")):
		return noEvent
	}
	return unknownLine
}

// lostEvents reads "[LOST 80 EVENTS]", "[LOST EVENTS]" and what trace-cmd
// prints instead, "[80 EVENTS DROPPED]", "[EVENTS DROPPED]".
func lostEvents(b []byte) (n int, ok bool) {
	if len(b) < 2 || b[0] != '[' || b[len(b)-1] != ']' {
		return 0, false
	}
	b = b[1 : len(b)-1]
	if string(b) == "LOST EVENTS" || string(b) == "EVENTS DROPPED" {
		return 0, true
	}
	i := 0
	if scan.HasPrefix(b, "LOST ") {
		i = len("LOST ")
	}
	v, j := scan.Digits(b, i)
	if j == i || string(b[j:]) != " EVENTS" && string(b[j:]) != " EVENTS DROPPED" {
		return 0, false
	}
	return int(v), true
}

// tasklessLine reads lines without a task: those of the function_graph tracer, stacks, and
// lines of trace options that cannot be used.
func (f *ftraceLayout) tasklessLine(line []byte, rec *record) traceClass {
	i := scan.SkipBlanks(line, 0)
	if i == len(line) {
		return noEvent
	}
	body := line[i:]
	switch {
	case scan.HasPrefix(body, "=> "), scan.HasPrefix(body, "<stack trace>"), scan.HasPrefix(body, "<user stack trace>"):
		return noEvent
	case body[0] == '[':
		if n, ok := lostEvents(bytes.TrimRight(body, " ")); ok {
			f.lost = traceLoss{cpu: -1, count: n}
			return lossLine
		}
	}
	if class := f.graph.unwrap(line, rec); class != unknownLine {
		return class
	}
	if isBareEvent(body) {
		f.reason = "an event without its task, as the trace option nocontext-info prints it: who did it and when is not there; set context-info and record again"
		return refusedLine
	}
	if isRaw(body) {
		f.reason = "numbers only, as the trace options raw, hex and bin print them: clear the option and record again"
		return refusedLine
	}
	return unknownLine
}

// isBareEvent says whether b is an event of the scheduler with nothing before it.
func isBareEvent(b []byte) bool {
	i := bytes.IndexByte(b, ':')
	if i <= 0 || !scan.HasPrefix(b, "sched_") || !scan.HasPrefix(b[i:], ": ") {
		return false
	}
	rest := b[i+2:]
	return scan.HasPrefix(rest, "comm=") || scan.HasPrefix(rest, "prev_comm=") || scan.HasPrefix(rest, "ret=") || scan.HasPrefix(rest, "parent_comm=")
}

// isRaw says whether b is a line of the option raw, "294 1 36824876000 type: 318", or of
// the option hex.
func isRaw(b []byte) bool {
	i := 0
	for range 3 {
		end := scan.SkipHex(b, i)
		if end == i || end == len(b) || b[end] != ' ' {
			return false
		}
		i = scan.SkipBlanks(b, end)
	}
	for _, c := range b {
		if !scan.IsDigit(c) && c != ' ' && !('a' <= c && c <= 'z') && c != ':' && c != '?' {
			return false
		}
	}
	return true
}
