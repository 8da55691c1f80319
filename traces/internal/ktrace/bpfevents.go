package ktrace

import (
	"github.com/kthread-tla/tracecheck/traces"
)

// bpf makes events of a record of this format.
func (t *Decoder) bpf(n int, rec *record) {
	e := rec.bpf
	need := func(f bpfField) bool { return e.has&f == f }
	pid := func(v int64) (int, bool) { return int(v), v > 0 && v <= maxPID }
	// The task in whose context; its name is remembered for lines that have
	// only its pid.
	by := traces.Task{}
	if rec.pid > 0 {
		by.PID = rec.pid
		by.Comm = t.names.ofPID(rec.pid, rec.comm, e.has&bpfTask != 0)
	}
	thread := traces.Task{Addr: e.addr}
	if p, ok := pid(e.pid); ok && need(bpfPID) {
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
	own := rec.pid > 0 // it is about the task itself
	ok := true
	switch string(e.kind) {
	case "fork":
		out.Kind, ok = traces.Fork, thread.PID > 0
	case "waking", "wakeup":
		out.Kind, ok = traces.Woken, thread.PID > 0
		out.Late = e.kind[len(e.kind)-1] == 'p'
	case "switch":
		prev, ok1 := pid(e.prev)
		next, ok2 := pid(e.next)
		if !need(bpfPrev|bpfNext) || e.prev < 0 || e.next < 0 {
			ok = false
			break
		}
		if ok1 {
			letter := byte(0)
			if need(bpfState) {
				letter = e.letter
			}
			t.send(n, rec, traces.Event{Kind: traces.SwitchOut, Thread: traces.Task{Comm: t.names.ofPID(prev, e.task, e.has&bpfTask != 0), PID: prev}, State: letter})
		}
		if ok2 {
			t.send(n, rec, traces.Event{Kind: traces.SwitchIn, Thread: traces.Task{Comm: t.names.ofPID(next, e.comm, e.has&bpfComm != 0), PID: next}})
		}
		return
	case "exit":
		out.Kind, out.Thread, ok = traces.ProcessExit, by, own
	case "free":
		out.Kind, ok = traces.Freed, thread.PID > 0
	case "stop":
		out.Kind, ok = traces.StopCall, has
	case "stop_ret":
		out.Kind, out.Thread, ok = traces.StopReturn, traces.Task{}, own && need(bpfRet)
		out.Code, out.HasCode = ToInt(uint64(e.ret)), true
	case "parkme":
		out.Kind, out.Thread, out.Probe, ok = traces.ParkMe, by, true, own
	case "exit_call":
		out.Kind, out.Thread, out.Probe, ok = traces.ExitCall, by, true, own
		if need(bpfCode) {
			out.Code, out.HasCode = ToInt(uint64(e.code)), out.Func != "do_exit"
		}
		if out.Func == "" {
			out.Func = "kthread_exit"
		}
	case "should_stop":
		out.Kind, out.Thread, out.Probe, ok = traces.ShouldStop, by, true, own && need(bpfRet)
		if out.HasCode = true; e.ret&0xff != 0 {
			out.Code = 1
		}
	case "threadfn":
		out.Kind, out.Thread, out.Probe, ok = traces.ThreadFn, by, true, own
	case "park":
		out.Kind, out.Probe, ok = traces.ParkCall, true, has
	case "park_ret":
		out.Kind, out.Thread, out.Probe, ok = traces.ParkReturn, traces.Task{}, true, own && need(bpfRet)
		out.Code, out.HasCode = ToInt(uint64(e.ret)), true
	case "unpark":
		out.Kind, out.Probe, ok = traces.Unpark, true, has
	case "create_ret":
		switch {
		case has:
			out.Kind, out.Probe = traces.Create, true
		case need(bpfRet) && e.ret < 0:
			out.Kind, out.Probe, out.Thread, out.Code, out.HasCode = traces.CreateFailed, true, traces.Task{}, ToInt(uint64(e.ret)), true
		default:
			ok = false
		}
	case "wake":
		out.Kind, out.Probe, ok = traces.Wake, true, has
	default:
		return // an event of a later version
	}
	if !ok {
		t.unreadable(n, rec)
		return
	}
	t.send(n, rec, out)
}
