package ktrace

import (
	"bytes"

	"github.com/kthread-tla/tracecheck/traces"
	"github.com/kthread-tla/tracecheck/traces/internal/scan"
)

// bpftraceLayout reads the format of docs/events.md, one JSON object a line, which
// traces/bpf/kthread.bt prints, and other tracers may:
//
//	{"kt":1,"ts":42629479709,"cpu":1,"ev":"stop","tid":294,"pid":367,"task15":"guest.sh       ","comm15":"kt_ok          "}
//
// `bpftrace -f json` wraps each line once more:
//
//	{"type": "printf", "data": "{\"kt\":1,…}\n"}
//	{"type": "lost_events", "data": {"events": 12}}
type bpftraceLayout struct {
	lost  traceLoss
	inner []byte // the line inside of a wrapped one, decoded
	ev    bpfEvent
	read  int  // how many events have come, to compare with the script's count at its end
	ended bool // the latest begin, or the file's, has its end
}

// A bpfEvent has the fields of a line; has says which of them are set.
type bpfEvent struct {
	bpfNumbers
	kind, ctx, fn    []byte
	task, comm       []byte
	addr             uint64
	letter           byte // of the state
	has              bpfField
	taskBuf, commBuf [64]byte
	scratch          [64]byte
}

// bpfNumbers are the fields that are numbers.
type bpfNumbers struct {
	version, ts, cpu, tid, pid, prev, next, ret, code, events, state int64
}

// A bpfField is a set of fields.
type bpfField uint32

const (
	bpfKT bpfField = 1 << iota
	bpfTS
	bpfCPU
	bpfTID
	bpfPID
	bpfPrev
	bpfNext
	bpfRet
	bpfCode
	bpfEvents
	bpfAddr
	bpfState
	bpfTask
	bpfComm
	bpfEv
	bpfCtx
	bpfFunc
)

func (b *bpftraceLayout) loss() traceLoss { return b.lost }

func (b *bpftraceLayout) refusal() string {
	return "the output of another bpftrace script, whose words are its own: record with traces/bpf/kthread.bt, or print what docs/events.md says"
}

func (b *bpftraceLayout) unwrap(line []byte, rec *record) traceClass {
	line = bytes.TrimSpace(line)
	switch {
	case len(line) == 0, line[0] == '#':
		return noEvent
	case isAttached(line), line[0] == '@':
		return noEvent // messages of bpftrace itself, and its maps at the end
	case scan.HasPrefix(line, "Lost "):
		n, i := scan.Digits(line, len("Lost "))
		if i > len("Lost ") && string(line[i:]) == " events" {
			b.lost = traceLoss{cpu: -1, count: int(n)}
			return lossLine
		}
	case scan.HasPrefix(line, `{"type":`):
		return b.wrapped(line, rec)
	}
	if line[0] == '{' {
		return b.object(line, rec)
	}
	if isBpftraceText(line) {
		return refusedLine
	}
	return unknownLine
}

// isAttached says whether a line is "Attaching 4 probes..." or "Attached 4 probes", which
// bpftrace prints first.
func isAttached(line []byte) bool {
	i := len("Attaching ")
	if scan.HasPrefix(line, "Attached ") {
		i = len("Attached ")
	} else if !scan.HasPrefix(line, "Attaching ") {
		return false
	}
	_, end := scan.Digits(line, i)
	return end > i && scan.HasPrefix(line[end:], " probe")
}

// isBpftraceText says whether a line has no JSON in it.
func isBpftraceText(line []byte) bool {
	return bytes.IndexByte(line, '"') < 0
}

// wrapped reads a line of `bpftrace -f json`.
func (b *bpftraceLayout) wrapped(line []byte, rec *record) traceClass {
	i := scan.SkipBlanks(line, len(`{"type":`))
	kind, i, ok := jsonString(line, i, b.ev.scratch[:0])
	if !ok {
		return unknownLine
	}
	i = scan.SkipBlanks(line, i)
	const data = `"data":`
	if i >= len(line) || line[i] != ',' {
		return unknownLine
	}
	i = scan.SkipBlanks(line, i+1)
	if !scan.HasPrefix(line[i:], data) {
		return unknownLine
	}
	i = scan.SkipBlanks(line, i+len(data))
	switch string(kind) {
	case "printf":
		b.inner, _, ok = jsonString(line, i, b.inner[:0])
		if !ok {
			return unknownLine
		}
		inner := bytes.TrimSpace(b.inner)
		if len(inner) == 0 {
			return noEvent
		}
		if inner[0] != '{' {
			return refusedLine
		}
		return b.object(inner, rec)
	case "lost_events":
		const events = `"events":`
		j := scan.IndexOf(line[i:], events)
		if j < 0 {
			return unknownLine
		}
		n, _ := scan.Digits(line, scan.SkipBlanks(line, i+j+len(events)))
		b.lost = traceLoss{cpu: -1, count: int(n)}
		return lossLine
	}
	return noEvent // attached_probes, map, hist, time …
}

// object reads a JSON object: an event, or the script's begin and end.
func (b *bpftraceLayout) object(line []byte, rec *record) traceClass {
	e := &b.ev
	*e = bpfEvent{bpfNumbers: bpfNumbers{tid: -1}}
	if !e.parse(line) || e.has&bpfKT == 0 || e.version != 1 || e.has&bpfEv == 0 {
		return unknownLine
	}
	switch string(e.kind) {
	case "begin":
		b.read, b.ended = 0, false
		return noEvent
	case "end":
		b.ended = true
		if e.has&bpfEvents != 0 && e.events > int64(b.read) {
			b.lost = traceLoss{cpu: -1, count: int(e.events) - b.read, unplaced: true}
			return lossLine
		}
		return noEvent
	}
	b.read++
	if e.has&bpfTS == 0 || e.ts < 0 {
		return unknownLine
	}
	rec.stamp, rec.coarse, rec.clock = e.ts, 1, traces.Nanoseconds
	if e.has&bpfCPU != 0 && e.cpu >= 0 && e.cpu < maxCPUs {
		rec.cpu = int(e.cpu)
	}
	if e.has&bpfTID != 0 && e.tid >= 0 && e.tid <= maxPID {
		rec.pid = int(e.tid)
	} else if string(e.kind) == "switch" && e.has&bpfPrev != 0 && e.prev >= 0 && e.prev <= maxPID {
		rec.pid = int(e.prev)
	}
	rec.comm = e.task
	switch string(e.ctx) {
	case "task":
		rec.context = traces.TaskContext
	case "irq":
		rec.context = traces.InterruptContext
	}
	rec.event = e.kind
	rec.bpf = e
	return traceEvent
}

// maxPID is larger than any pid (include/linux/threads.h PID_MAX_LIMIT is 2^22).
const maxPID = 1 << 30

// parse reads the fields of a flat object. It skips an unknown field, whatever its value.
// It is false where b is no whole object.
func (e *bpfEvent) parse(b []byte) bool {
	i := scan.SkipBlanks(b, 1)
	for {
		if i >= len(b) {
			return false
		}
		if b[i] == '}' {
			return i == len(b)-1
		}
		key, next, ok := jsonString(b, i, e.scratch[:0])
		if !ok {
			return false
		}
		i = scan.SkipBlanks(b, next)
		if i >= len(b) || b[i] != ':' {
			return false
		}
		i = scan.SkipBlanks(b, i+1)
		if i, ok = e.field(b, i, key); !ok {
			return false
		}
		i = scan.SkipBlanks(b, i)
		if i < len(b) && b[i] == ',' {
			i = scan.SkipBlanks(b, i+1)
		} else if i >= len(b) || b[i] != '}' {
			return false
		}
	}
}

// number is the field of a name, nil where the name is not that of a number.
func (e *bpfEvent) number(key []byte) (*int64, bpfField) {
	switch string(key) {
	case "kt":
		return &e.version, bpfKT
	case "ts":
		return &e.ts, bpfTS
	case "cpu":
		return &e.cpu, bpfCPU
	case "tid":
		return &e.tid, bpfTID
	case "pid":
		return &e.pid, bpfPID
	case "prev":
		return &e.prev, bpfPrev
	case "next":
		return &e.next, bpfNext
	case "ret":
		return &e.ret, bpfRet
	case "code":
		return &e.code, bpfCode
	case "events":
		return &e.events, bpfEvents
	}
	return nil, 0
}

// readNumber reads the number at i into v. It skips any other value.
func (e *bpfEvent) readNumber(b []byte, i int, v *int64, f bpfField) (next int, ok bool) {
	n, next, ok := jsonInt(b, i)
	if !ok {
		return jsonSkip(b, i)
	}
	*v, e.has = n, e.has|f
	return next, true
}

// readPlain reads the string at i, which has no escapes, into v. It skips any other value.
func (e *bpfEvent) readPlain(b []byte, i int, v *[]byte, f bpfField) (next int, ok bool) {
	if i < len(b) && b[i] == '"' {
		if end := bytes.IndexByte(b[i+1:], '"'); end >= 0 {
			*v, e.has = b[i+1:i+1+end], e.has|f
			return i + end + 2, true
		}
	}
	return jsonSkip(b, i)
}

// readString reads the string at i into v, by way of buf where it has escapes. It skips any
// other value.
func (e *bpfEvent) readString(b []byte, i int, buf []byte, v *[]byte, f bpfField) (next int, ok bool) {
	s, next, ok := jsonString(b, i, buf[:0])
	if !ok {
		return jsonSkip(b, i)
	}
	*v, e.has = s, e.has|f
	return next, true
}

// field reads the value at i of the field that key names. next is behind the value.
func (e *bpfEvent) field(b []byte, i int, key []byte) (next int, ok bool) {
	if v, f := e.number(key); v != nil {
		return e.readNumber(b, i, v, f)
	}
	switch string(key) {
	case "state":
		if i < len(b) && b[i] == '"' {
			s, next, ok := jsonString(b, i, e.scratch[:0])
			if ok && len(s) > 0 && IsState(s) {
				e.letter, e.has = StateLetter(s), e.has|bpfState
			}
			return next, ok
		}
		next, ok := e.readNumber(b, i, &e.state, bpfState)
		if ok {
			e.letter = bitsLetter(e.state)
		}
		return next, ok
	case "addr":
		s, next, ok := jsonString(b, i, e.scratch[:0])
		if !ok {
			return jsonSkip(b, i)
		}
		if v, ok := printedNumber(s); ok && isTaskAddress(v) {
			e.addr, e.has = v, e.has|bpfAddr
		}
		return next, true
	case "ev":
		if i >= len(b) || b[i] != '"' {
			return i, false
		}
		return e.readPlain(b, i, &e.kind, bpfEv)
	case "ctx":
		return e.readPlain(b, i, &e.ctx, bpfCtx)
	case "func":
		return e.readPlain(b, i, &e.fn, bpfFunc)
	case "task15", "comm15":
		// Exactly 15 bytes without escapes, with blanks behind a shorter name.
		if i+1+MaxComm >= len(b) || b[i] != '"' || b[i+1+MaxComm] != '"' {
			return i, false
		}
		name := bytes.TrimRight(b[i+1:i+1+MaxComm], " ")
		if key[0] == 't' {
			e.task, e.has = name, e.has|bpfTask
		} else {
			e.comm, e.has = name, e.has|bpfComm
		}
		return i + MaxComm + 2, true
	case "task":
		return e.readString(b, i, e.taskBuf[:], &e.task, bpfTask)
	case "comm":
		return e.readString(b, i, e.commBuf[:], &e.comm, bpfComm)
	}
	return jsonSkip(b, i)
}

// bitsLetter is the letter of prev_state in a record of sched_switch from 4.14 on
// (include/linux/sched.h TASK_REPORT, include/trace/events/sched.h
// __trace_sched_switch_state). prev_state has one bit; of a task that still runs it has
// none, or 0x100. 0: there is no such state.
func bitsLetter(v int64) byte {
	switch v & 0xff {
	case 0:
		return 'R'
	case 0x01:
		return 'S'
	case 0x02:
		return 'D'
	case 0x04:
		return 'T'
	case 0x08:
		return 't'
	case 0x10:
		return 'X'
	case 0x20:
		return 'Z'
	case 0x40:
		return 'P'
	case 0x80:
		return 'I'
	}
	return 0
}
