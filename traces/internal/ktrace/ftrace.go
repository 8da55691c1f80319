package ktrace

import (
	"bytes"

	"github.com/kthread-tla/tracecheck/traces"
	"github.com/kthread-tla/tracecheck/traces/internal/scan"
)

// ftraceLayout reads what the kernel prints in trace and trace_pipe, and what
// `trace-cmd report` prints, which is laid out alike:
//
//	          <idle>-0       [001] dNh2.    36.824876: sched_wakeup: comm=kthreadd pid=2 …
//	        guest.sh-294     (    294) [000] .....    47.890757: stop: (kthread_stop+0x4/0x170) task=0x…
//	       trace-cmd-446   [000]    84.991277: sched_waking:         comm=ktlab_bg pid=305 …
//	kthreadd-2         0dNh2. 1234us!: sched_switch: …                     option latency-format
//	          <idle>-0       [001] d..2.    36.824876: kthread_stop <-stop_say    tracer function
//	 0)  guest.s-294   |   0.500 us    |  kthread_should_stop();                tracer function_graph
//
// kernel/trace/trace_output.c trace_print_context: the name has 16 columns, so
// the dash before the pid is the 17th byte, wherever else the name has dashes.
// Text that was pasted may have lost its leading blanks.
type ftraceLayout struct {
	lost    traceLoss
	padded  bool // the latest event had blanks behind its name: trace-cmd does that
	flags   int  // header: which flag tells interrupts, counted from 0; valid where art > 0
	art     int  // header: lines that name a flag
	overrun int  // of trace-cmd's statistics: the CPU that they are about, -1: none
	stats   bool // overrun is valid
	graph   graphLayout
	why     string
	kernel  []byte // the release that a header names, with class kernelLine
}

func (f *ftraceLayout) loss() traceLoss { return f.lost }

func (f *ftraceLayout) refusal() string { return f.why }

func (f *ftraceLayout) unwrap(line []byte, rec *record) traceClass {
	if len(line) == 0 {
		return noEvent
	}
	switch line[0] {
	case '#':
		return f.header(line)
	case 'C', 'c', 'v', 'e', 'o', 'd', 'b', 'n', 'r', 'B':
		if class := f.report(line); class != unknownLine {
			return class
		}
	}
	at, ok := f.task(line, rec)
	if !ok {
		if f.latencyLine(line, rec) || f.verboseLine(line, rec) {
			return traceEvent
		}
		return f.rest(line, rec)
	}
	at, ok = f.flagsAndStamp(line, at, rec)
	if !ok || !f.event(line, at, rec) {
		return unknownLine
	}
	return traceEvent
}

// task reads a line's beginning, up to the CPU; at is behind it.
func (f *ftraceLayout) task(line []byte, rec *record) (at int, ok bool) {
	const dash = 16
	if len(line) > dash && line[dash] == '-' {
		if at, ok := f.taskAt(line, dash, rec); ok {
			return at, true
		}
	}
	// Leading blanks have gone. The name has at most 15 bytes; of two dashes
	// that fit, the later one is the pid's.
	for i := min(dash-1, len(line)-1); i >= 0; i-- {
		if line[i] == '-' {
			if at, ok := f.taskAt(line, i, rec); ok {
				return at, true
			}
		}
	}
	// Something stands before it: grep's file name and line number.
	for i := dash + 1; i < len(line) && i < 200; i++ {
		if line[i] == '-' {
			if at, ok := f.taskAt(line, i, rec); ok {
				// Of what stands before the name nobody knows the end.
				rec.comm = nil
				return at, true
			}
		}
	}
	return 0, false
}

// taskAt reads "-PID  (TGID) [CPU]" at the dash, and takes what stands before
// for the name.
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

// skipTGID skips "(  294) " and "(-------) ".
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

// flagsAndStamp reads what stands between the CPU and the event: the flags,
// if any, and the stamp.
func (f *ftraceLayout) flagsAndStamp(line []byte, i int, rec *record) (at int, ok bool) {
	i = skipTGID(line, scan.SkipBlanks(line, i)) // 4.13 had it here for a while
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

// IsFlags says whether b looks like the flags of an event: none of it is
// anything but a letter, a digit, a point or a '#'.
func IsFlags(b []byte) bool {
	for _, c := range b {
		if !(c == '.' || c == '#' || scan.IsDigit(c) || 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z') {
			return false
		}
	}
	return true
}

// context reads the flags: the third says hard and soft interrupts and NMIs,
// of 4 flags (to 5.14 or so) and of 5; patched kernels have more, and their
// header says which it is. kernel/trace/trace_output.c trace_print_lat_fmt
func (f *ftraceLayout) context(flags []byte) traces.Context {
	i := 2
	switch {
	case f.art > 0:
		i = f.flags
	case len(flags) != 4 && len(flags) != 5:
		return traces.UnknownContext
	}
	if i < 0 || i >= len(flags) {
		return traces.UnknownContext
	}
	switch flags[i] {
	case 's':
		if len(flags) == 4 {
			// In old kernels it is there too where the task itself has disabled
			// soft interrupts: kernel/trace/trace.c tracing_generic_entry_update
			// took SOFTIRQ_MASK, and later SOFTIRQ_OFFSET.
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

// event reads "event: body" or, of the function tracer, "fn <-caller".
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
			return true // of no use: raw_syscalls and the like
		}
		args, rest = rest[1:closing], rest[closing+1:]
	}
	if scan.HasPrefix(rest, " <") && scan.IndexOf(rest, " <-") >= 0 { // option sym-addr: "fn <ffffffffa06d3e80> <-caller <…>"
		if plus := bytes.IndexByte(fn, '+'); plus > 0 {
			fn = fn[:plus]
		}
		rec.fn, rec.body = fn, args
	}
	return true
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
// Its times are of the trace's beginning; the flags are a number, of which
// TRACE_FLAG_HARDIRQ 0x08 and TRACE_FLAG_SOFTIRQ 0x10 tell interrupts, and
// TRACE_FLAG_NMI 0x40 (include/linux/trace_events.h).
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

// header reads a line that begins with '#'. The first lines say what is in
// the buffer, and which columns follow:
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
			f.lost = traceLoss{cpu: int(cpu), began: true}
			return lossLine
		}
		return noEvent
	}
	if i := scan.IndexOf(line, "=> "); i >= 0 && scan.IndexOf(line, "_-") >= 0 {
		what := line[i+3:]
		if scan.HasPrefix(what, "CPU#") { // of the latency format, which prints the CPU there
			f.art, f.flags = 0, -1
			return noEvent
		}
		if scan.HasPrefix(what, "irqs-off") {
			f.art, f.flags = 0, -1
		}
		if scan.HasPrefix(what, "hardirq/softirq") {
			f.flags = f.art
		}
		f.art++
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
		if k == j+1 || in >= written {
			return noEvent
		}
		f.lost = traceLoss{cpu: -1, count: int(written - in), start: true, cpus: 1}
		if p := scan.IndexOf(rest, "#P:"); p >= 0 {
			if cpus, end := scan.Digits(rest, p+3); end > p+3 && cpus > 0 && cpus <= maxCPUs {
				f.lost.cpus = int(cpus)
			}
		}
		return lossLine
	}
	f.graph.header(line)
	return noEvent
}

// report reads the lines between the events, the kernel's and trace-cmd's:
//
//	CPU:0 [LOST 80 EVENTS]        kernel/trace/trace.c print_trace_line
//	CPU:1 [LOST EVENTS]
//	CPU:1 [12 EVENTS DROPPED]     trace-cmd report
//	CPU:1 [EVENTS DROPPED]
//	CPU 1 is empty
//	cpus=2
//	overrun: 12                   trace-cmd's statistics of a CPU
func (f *ftraceLayout) report(line []byte) traceClass {
	switch {
	case scan.HasPrefix(line, "CPU:"), scan.HasPrefix(line, "CPU: "):
		i := scan.SkipBlanks(line, len("CPU:"))
		cpu, j := scan.Digits(line, i)
		if j == i || cpu >= maxCPUs {
			return unknownLine
		}
		rest := bytes.TrimRight(line[j:], " ")
		if len(rest) == 0 {
			f.stats, f.overrun = true, int(cpu)
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
	case f.stats && (scan.HasPrefix(line, "overrun: ") || scan.HasPrefix(line, "dropped events: ") || scan.HasPrefix(line, "commit overrun: ")):
		n, end := scan.Digits(line, scan.IndexOf(line, ": ")+2)
		if end == len(line) && n > 0 {
			f.lost = traceLoss{cpu: f.overrun, count: int(n), unplaced: true}
			return lossLine
		}
		return noEvent
	case f.stats && (scan.HasPrefix(line, "entries: ") || scan.HasPrefix(line, "bytes: ") || scan.HasPrefix(line, "oldest event ts: ") ||
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

// rest is for lines without a task: the function_graph tracer's, stacks, and
// options whose output is of no use.
func (f *ftraceLayout) rest(line []byte, rec *record) traceClass {
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
		f.why = "an event without its task, as the trace option nocontext-info prints it: who did it and when is not there; set context-info and record again"
		return refusedLine
	}
	if isRaw(body) {
		f.why = "numbers only, as the trace options raw, hex and bin print them: clear the option and record again"
		return refusedLine
	}
	return unknownLine
}

// isBareEvent recognises an event of the scheduler without anything before it.
func isBareEvent(b []byte) bool {
	i := bytes.IndexByte(b, ':')
	if i <= 0 || !scan.HasPrefix(b, "sched_") || !scan.HasPrefix(b[i:], ": ") {
		return false
	}
	rest := b[i+2:]
	return scan.HasPrefix(rest, "comm=") || scan.HasPrefix(rest, "prev_comm=") || scan.HasPrefix(rest, "ret=") || scan.HasPrefix(rest, "parent_comm=")
}

// isRaw recognises lines of the option raw, "294 1 36824876000 type: 318", and
// of hex.
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
