package ktrace

import (
	"github.com/kthread-tla/tracecheck/traces"
)

// bpf makes events of a record in the format of docs/events.md.
func (t *Decoder) bpf(n int, rec *record) {
	e := rec.bpf
	need := func(f bpfField) bool { return e.has&f == f }
	// by is the task in whose context the event happened. Its name is kept for lines that
	// have only its pid.
	by := traces.Task{}
	if rec.pid > 0 {
		by.PID = rec.pid
		by.Comm = t.names.ofPID(rec.pid, rec.comm, e.has&bpfTask != 0)
	}
	thread := traces.Task{Addr: e.addr}
	if p, ok := bpfPIDOf(e.pid); ok && need(bpfPID) {
		if string(e.kind) == "fork" {
			t.names.forget(p)
		}
		thread.PID = p
		thread.Comm = t.names.ofPID(p, e.comm, e.has&bpfComm != 0)
	}
	out := traces.Event{By: by, Thread: thread}
	if need(bpfFunc) {
		out.Func = t.names.intern(e.fn)
	}
	has := thread != traces.Task{}
	own := rec.pid > 0 // by is known: the event may be about the task itself
	ok := true
	switch string(e.kind) {
	case "fork":
		out.Kind, ok = traces.Fork, thread.PID > 0
	case "waking", "wakeup":
		out.Kind, ok = traces.Woken, thread.PID > 0
		out.Late = e.kind[len(e.kind)-1] == 'p'
	case "switch":
		if ok = need(bpfPrev|bpfNext) && e.prev >= 0 && e.next >= 0; ok {
			t.bpfSwitch(n, rec)
			return
		}
	case "exit":
		out.Kind, out.Thread, ok = traces.ProcessExit, by, own
	case "free":
		out.Kind, ok = traces.Freed, thread.PID > 0
	case "stop":
		out.Kind, ok = traces.StopCall, has
	case "stop_ret":
		out.Kind, out.Thread, ok = traces.StopReturn, traces.Task{}, own && need(bpfRet)
		out.Code, out.HasCode = ToInt(uint64(e.ret)), true
	default:
		known := false
		if known, ok = t.bpfProbe(e, &out, by, own); !known {
			return // an event of a later version of the format
		}
	}
	if !ok {
		t.unreadable(n, rec)
		return
	}
	t.send(n, rec, out)
}

// bpfSwitch emits SwitchOut and SwitchIn of a switch.
func (t *Decoder) bpfSwitch(n int, rec *record) {
	e := rec.bpf
	if prev, ok := bpfPIDOf(e.prev); ok {
		letter := byte(0)
		if e.has&bpfState != 0 {
			letter = e.letter
		}
		t.send(n, rec, traces.Event{Kind: traces.SwitchOut, Thread: traces.Task{Comm: t.names.ofPID(prev, e.task, e.has&bpfTask != 0), PID: prev}, State: letter})
	}
	if next, ok := bpfPIDOf(e.next); ok {
		t.send(n, rec, traces.Event{Kind: traces.SwitchIn, Thread: traces.Task{Comm: t.names.ofPID(next, e.comm, e.has&bpfComm != 0), PID: next}})
	}
}

// bpfPIDOf is the value of a field as a task's pid. ok is false for an idle task.
func bpfPIDOf(v int64) (pid int, ok bool) { return int(v), v > 0 && v <= maxPID }

// bpfProbe fills in out what a probe on a function shows. by is the task in whose context
// it hit; own says that by is known. known is false for an event that is none of a probe,
// ok is false where the line lacks a field that the event needs.
func (t *Decoder) bpfProbe(e *bpfEvent, out *traces.Event, by traces.Task, own bool) (known, ok bool) {
	need := func(f bpfField) bool { return e.has&f == f }
	has := out.Thread != traces.Task{}
	out.Probe, ok = true, true
	switch string(e.kind) {
	case "parkme":
		out.Kind, out.Thread, ok = traces.ParkMe, by, own
	case "exit_call":
		out.Kind, out.Thread, ok = traces.ExitCall, by, own
		if need(bpfCode) {
			out.Code, out.HasCode = ToInt(uint64(e.code)), true
		}
		if out.Func == "" {
			out.Func = "kthread_exit"
		}
	case "should_stop":
		out.Kind, out.Thread, ok = traces.ShouldStop, by, own && need(bpfRet)
		if out.HasCode = true; e.ret&0xff != 0 {
			out.Code = 1
		}
	case "threadfn":
		out.Kind, out.Thread, ok = traces.ThreadFn, by, own
	case "park":
		out.Kind, ok = traces.ParkCall, has
	case "park_ret":
		out.Kind, out.Thread, ok = traces.ParkReturn, traces.Task{}, own && need(bpfRet)
		out.Code, out.HasCode = ToInt(uint64(e.ret)), true
	case "unpark":
		out.Kind, ok = traces.Unpark, has
	case "create_ret":
		switch {
		case has:
			out.Kind = traces.Create
		case need(bpfRet) && e.ret < 0:
			out.Kind, out.Thread, out.Code, out.HasCode = traces.CreateFailed, traces.Task{}, ToInt(uint64(e.ret)), true
		default:
			ok = false
		}
	case "wake":
		out.Kind, ok = traces.Wake, has
	default:
		return false, false
	}
	return true, ok
}
