package ktrace

import (
	"bytes"

	"github.com/kthread-tla/tracecheck/traces"
	"github.com/kthread-tla/tracecheck/traces/internal/scan"
)

// Probes on functions. The user chooses their names and their arguments; the function
// stands in the text:
//
//	stop: (kthread_stop+0x4/0x170) task=0xff190faec29aa100
//	stop_ret: (stop_say+0x5e/0xa0 [ktlab] <- kthread_stop) ret=42
//
// trace-cmd and perf print bare addresses, "(ffffffffa06d3e80)". The event must then be
// named after the function, as perf and ftrace name probes by default.

// A function is one on which probes are of use.
type function uint8

const (
	noFunction function = iota
	kthreadStop
	kthreadPark
	kthreadUnpark
	kthreadParkme
	kthreadShouldStop
	kthreadCreate
	kthreadExit
	kthreadCompleteAndExit
	doExit
	wakeUpProcess
	threadFunction
)

// functionOf is the function that b names, noFunction where probes on it are of no use.
func functionOf(b []byte) function {
	switch string(b) {
	case "kthread_stop":
		return kthreadStop
	case "kthread_park":
		return kthreadPark
	case "kthread_unpark":
		return kthreadUnpark
	case "kthread_parkme", "__kthread_parkme":
		return kthreadParkme
	case "kthread_should_stop":
		return kthreadShouldStop
	case "kthread_create_on_node", "__kthread_create_on_node":
		return kthreadCreate
	case "kthread_exit":
		return kthreadExit
	case "kthread_complete_and_exit":
		return kthreadCompleteAndExit
	case "do_exit":
		return doExit
	case "wake_up_process":
		return wakeUpProcess
	case "kthread_worker_fn", "smpboot_thread_fn", "worker_thread", "rescuer_thread":
		return threadFunction // threadfns of the kernel itself
	}
	return noFunction
}

// A site is where a probe hit: "(fn+0x4/0x170)", "(caller+0x5e/0xa0 [mod] <- fn)".
type site struct {
	fn      []byte // nil where only an address is printed
	off     uint64 // within fn
	module  bool   // fn is in a module
	returns bool   // fn returns; false: it is entered
	args    []byte // the probe's arguments
}

// probeSite reads the parentheses at the beginning of a probe's text.
func probeSite(b []byte) (s site, ok bool) {
	if len(b) == 0 || b[0] != '(' {
		return s, false
	}
	// No symbol of the kernel has parentheses in it.
	end := bytes.IndexByte(b, ')')
	if end < 0 {
		return s, false
	}
	in := b[1:end]
	s.args = bytes.TrimLeft(b[end+1:], " ")
	if i := scan.IndexOf(in, " <- "); i >= 0 {
		s.returns = true
		in = in[i+len(" <- "):]
	}
	if len(in) == 0 {
		return s, false
	}
	if i := scan.IndexOf(in, " ["); i >= 0 {
		s.module = true
		in = in[:i]
	}
	if plus := bytes.IndexByte(in, '+'); plus > 0 {
		off := in[plus+1:]
		if slash := bytes.IndexByte(off, '/'); slash >= 0 {
			off = off[:slash]
		}
		v, ok := printedNumber(off)
		if !ok {
			return s, false
		}
		s.fn, s.off = in[:plus], v
		return s, true
	}
	if isAddress(in) {
		return s, true
	}
	s.fn = in
	return s, true
}

// isAddress says whether b is an address of the kernel without 0x, as trace-cmd and perf
// print it. An address in user space (uprobe) has 0x or fewer digits.
func isAddress(b []byte) bool {
	if len(b) != 16 && len(b) != 8 {
		return false
	}
	for _, c := range b {
		if _, ok := scan.HexDigit(c); !ok {
			return false
		}
	}
	d, _ := scan.HexDigit(b[0])
	return d >= 8
}

// maxEntry is how far behind a function's symbol a probe on its entry may be, in bytes:
// behind endbr64 it is 4.
const maxEntry = 8

// probe makes an event of a record of a kprobe. It ignores any other record.
func (t *Decoder) probe(n int, rec *record) {
	s, ok := probeSite(rec.body)
	if !ok {
		return
	}
	fn := s.fn
	if fn == nil {
		fn = probeName(rec.event)
	}
	f := functionOf(fn)
	if f == noFunction || s.module || !s.returns && s.off > maxEntry {
		return
	}
	t.function(n, rec, f, fn, s.returns, s.args)
}

// probeName is the function after which a tool has named a probe: p_kthread_exit_0,
// r_kthread_stop_0 (the kernel), kthread_stop, kthread_stop_1, kthread_stop__return (perf),
// kthread_stop__entry, kthread_stop__exit.
func probeName(b []byte) []byte {
	if scan.HasPrefix(b, "p_") || scan.HasPrefix(b, "r_") {
		b = b[2:]
	}
	for _, end := range []string{"__return", "__entry", "__exit"} {
		if scan.HasSuffix(b, end) {
			b = b[:len(b)-len(end)]
			break
		}
	}
	i := len(b)
	for i > 0 && scan.IsDigit(b[i-1]) {
		i--
	}
	if i < len(b) && i > 1 && b[i-1] == '_' {
		b = b[:i-1]
	}
	return b
}

// A probeArgs has the arguments of a probe, whatever names they have.
type probeArgs struct {
	task    traces.Task // from "comm", "pid", and the first number that may be a task's address
	nums    [2]uint64   // the first two numbers
	n       int         // how many numbers there are
	code    uint64      // the argument called code, result, ret …
	hasCode bool
}

// arguments reads "task=0xff190faec29aa100 pid=381".
func (t *Decoder) arguments(b []byte) (a probeArgs) {
	for len(b) > 0 {
		b = b[skipSeparators(b):]
		eq := bytes.IndexByte(b, '=')
		if eq < 0 {
			if v, ok := printedNumber(bytes.TrimSpace(b)); ok && a.n == 0 { // function_graph prints the value alone
				a.nums[0], a.n = v, 1
			}
			break
		}
		key, val := b[:eq], b[eq+1:]
		var end int
		if len(val) > 0 && val[0] == '"' {
			end = bytes.IndexByte(val[1:], '"') + 2
			if end < 2 {
				end = len(val)
			}
			if string(key) == "comm" && end > 2 {
				a.task.Comm = t.names.intern(val[1 : end-1])
			}
			b = val[end:]
			continue
		}
		for end < len(val) && val[end] != ' ' && val[end] != ',' && val[end] != ')' {
			end++
		}
		v, ok := printedNumber(val[:end])
		b = val[end:]
		if !ok {
			continue
		}
		if a.n < len(a.nums) {
			a.nums[a.n] = v
		}
		a.n++
		switch string(key) {
		case "pid":
			if v > 0 && v <= 1<<30 {
				a.task.PID = int(v)
			}
		case "code", "result", "ret", "retval", "error_code":
			a.code, a.hasCode = v, true
		}
		if a.task.Addr == 0 && isTaskAddress(v) {
			a.task.Addr = v
		}
	}
	return a
}

// skipSeparators is how many blanks and commas b begins with.
func skipSeparators(b []byte) int {
	i := 0
	for i < len(b) && (b[i] == ' ' || b[i] == ',') {
		i++
	}
	return i
}

// isTaskAddress says whether v may be the address of a task: it is in the kernel's half of
// the addresses, and no error (include/linux/err.h IS_ERR).
func isTaskAddress(v uint64) bool {
	if v>>32 == 0 { // a 32-bit kernel
		return v >= 1<<31 && v < 1<<32-4096
	}
	return v >= 1<<63 && !isError(v)
}

// isError says whether v is a pointer that carries an error.
func isError(v uint64) bool {
	return v >= ^uint64(4094) || v>>32 == 0 && v >= 1<<32-4095
}

// exitCode is the value with which a thread calls f to end. known is false where the probe
// has no value.
func exitCode(f function, a *probeArgs) (code int, known bool) {
	switch {
	case f == kthreadExit && a.n > 0:
		return ToInt(a.nums[0]), true
	case f == kthreadCompleteAndExit && a.hasCode:
		return ToInt(a.code), true
	case f == kthreadCompleteAndExit && a.n > 1:
		return ToInt(a.nums[1]), true
	case f == doExit && a.n > 0:
		return ToInt(a.nums[0]), true
	}
	return 0, false
}

// function makes an event of a function's entry or return in the context of
// the record's task.
func (t *Decoder) function(n int, rec *record, f function, name []byte, returns bool, args []byte) {
	a := t.arguments(args)
	e := traces.Event{By: t.by(rec), Probe: true}
	code := func() { // the value returned
		v := a.nums[0]
		if a.hasCode {
			v = a.code
		}
		if a.n > 0 {
			e.Code, e.HasCode = ToInt(v), true
		}
	}
	// Where a function acts on the current task, the task itself must have called it, and
	// not an interrupt.
	own := rec.pid > 0 && rec.context != traces.InterruptContext
	switch f {
	case kthreadStop:
		if e.Kind, e.Thread = traces.StopCall, a.task; returns {
			e.Kind, e.Thread = traces.StopReturn, traces.Task{}
			code()
		}
	case kthreadPark:
		if e.Kind, e.Thread = traces.ParkCall, a.task; returns {
			e.Kind, e.Thread = traces.ParkReturn, traces.Task{}
			code()
		}
	case kthreadUnpark:
		if returns {
			return
		}
		e.Kind, e.Thread = traces.Unpark, a.task
	case kthreadParkme:
		if returns || !own {
			return
		}
		e.Kind, e.Thread = traces.ParkMe, t.current(rec)
	case kthreadShouldStop:
		// The bool is the low byte; an untyped $retval has the rest of the register too.
		// Without a value nobody knows what the function returned.
		if !returns || !own || a.n == 0 {
			return
		}
		e.Kind, e.Thread = traces.ShouldStop, t.current(rec)
		if code(); e.Code&0xff != 0 {
			e.Code = 1
		} else {
			e.Code = 0
		}
	case kthreadCreate:
		if !returns || a.n == 0 {
			return
		}
		switch v := a.nums[0]; {
		case isError(v):
			e.Kind, e.Code, e.HasCode = traces.CreateFailed, ToInt(v), true
		case isTaskAddress(v):
			e.Kind, e.Thread = traces.Create, traces.Task{Addr: v}
		default:
			return
		}
	case kthreadExit, kthreadCompleteAndExit, doExit:
		if returns || !own {
			return
		}
		e.Kind, e.Thread = traces.ExitCall, t.current(rec)
		e.Code, e.HasCode = exitCode(f, &a)
	case wakeUpProcess:
		if returns || a.task == (traces.Task{}) {
			return
		}
		e.Kind, e.Thread = traces.Wake, a.task
	case threadFunction:
		if returns || !own {
			return
		}
		e.Kind, e.Thread = traces.ThreadFn, t.current(rec)
	}
	e.Func = t.names.intern(name)
	t.send(n, rec, e)
}
