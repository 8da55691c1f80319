package checker

import (
	"fmt"
	"math/rand/v2"
	"strings"

	"github.com/kthread-tla/tracecheck/traces"
)

// A tracePrinter prints events as a tracer does, one or more lines each. What
// it cannot print it leaves out.
type tracePrinter struct {
	name  string
	begin string
	end   string
	print func(e *traces.Event) string
}

// fields are an event's name and its fields, as the kernel's own format strings
// have them; ok is false where there is no such event.
func fields(e *traces.Event, probe func(e *traces.Event) (name, text string)) (name, text string, ok bool) {
	switch e.Kind {
	case traces.Fork:
		return "sched_process_fork", fmt.Sprintf("comm=kthreadd pid=2 child_comm=kthreadd child_pid=%d", e.Thread.PID), true
	case traces.Woken:
		return "sched_waking", fmt.Sprintf("comm=%s pid=%d prio=120 target_cpu=001", e.Thread.Comm, e.Thread.PID), true
	case traces.SwitchOut:
		return "sched_switch", fmt.Sprintf("prev_comm=%s prev_pid=%d prev_prio=120 prev_state=%c ==> next_comm=swapper/1 next_pid=0 next_prio=120",
			e.By.Comm, e.By.PID, e.State), true
	case traces.SwitchIn:
		return "sched_switch", fmt.Sprintf("prev_comm=swapper/1 prev_pid=0 prev_prio=120 prev_state=R ==> next_comm=%s next_pid=%d next_prio=120",
			e.Thread.Comm, e.Thread.PID), true
	case traces.ProcessExit:
		return "sched_process_exit", fmt.Sprintf("comm=%s pid=%d prio=120", e.Thread.Comm, e.Thread.PID), true
	case traces.Freed:
		return "sched_process_free", fmt.Sprintf("comm=%s pid=%d prio=120", e.Thread.Comm, e.Thread.PID), true
	case traces.StopCall:
		return "sched_kthread_stop", fmt.Sprintf("comm=%s pid=%d", e.Thread.Comm, e.Thread.PID), true
	case traces.StopReturn:
		return "sched_kthread_stop_ret", fmt.Sprintf("ret=%d", e.Code), true
	}
	name, text = probe(e)
	return name, text, name != ""
}

// kprobe are the probes of ftrace's --record-recipe, with the pid that a probe
// may print too (p:park kthread_park pid=+0x9a8($arg1):s32).
func kprobe(e *traces.Event) (name, text string) {
	pid := fmt.Sprintf("pid=%d", e.Thread.PID)
	switch e.Kind {
	case traces.ParkMe:
		return "__kthread_parkme", "(__kthread_parkme+0x0/0x90)"
	case traces.ExitCall:
		return "kthread_exit", fmt.Sprintf("(kthread_exit+0x4/0x30) code=%d", e.Code)
	case traces.ShouldStop:
		return "kthread_should_stop__return", fmt.Sprintf("(worker+0x5e/0xa0 [lab] <- kthread_should_stop) ret=%d", e.Code)
	case traces.ParkCall:
		return "kthread_park", "(kthread_park+0x0/0x90) " + pid
	case traces.ParkReturn:
		return "kthread_park__return", fmt.Sprintf("(worker+0x5e/0xa0 [lab] <- kthread_park) ret=%d", e.Code)
	case traces.Unpark:
		return "kthread_unpark", "(kthread_unpark+0x0/0x60) " + pid
	}
	return "", ""
}

func noProbe(*traces.Event) (name, text string) { return "", "" }

func seconds(e *traces.Event) string { return fmt.Sprintf("%d.%06d", e.Stamp/1e9, e.Stamp/1e3%1e6) }

// byOf is who does it, as tracers name the idle task.
func byOf(e *traces.Event, idle string) traces.Task {
	if e.By.PID == 0 {
		return traces.Task{Comm: idle}
	}
	if e.By.PID == e.Thread.PID {
		return e.Thread
	}
	return e.By
}

func ftraceLine(head string) func(e *traces.Event) string {
	return func(e *traces.Event) string {
		if e.Kind == traces.Loss {
			return fmt.Sprintf("CPU:%d [LOST %d EVENTS]\n", e.CPU, e.Count)
		}
		name, text, ok := fields(e, kprobe)
		if !ok {
			return ""
		}
		by := byOf(e, "<idle>")
		context := '.'
		if e.Context == traces.InterruptContext {
			context = 'h'
		}
		return fmt.Sprintf(head, by.Comm, by.PID, e.CPU, context, seconds(e), name, text)
	}
}

// ndjson is the project's own format.
func ndjson(e *traces.Event) string {
	head := func(ev string) string {
		context := "task"
		if e.Context == traces.InterruptContext {
			context = "irq"
		}
		return fmt.Sprintf(`{"kt":1,"ts":%d,"cpu":%d,"ev":"%s","ctx":"%s","tid":%d,"task":"%s"`, e.Stamp, e.CPU, ev, context, e.By.PID, byOf(e, "swapper/0").Comm)
	}
	about := fmt.Sprintf(`,"pid":%d,"comm":"%s"}`+"\n", e.Thread.PID, e.Thread.Comm)
	switch e.Kind {
	case traces.Loss:
		return fmt.Sprintf("Lost %d events\n", e.Count)
	case traces.Fork:
		return head("fork") + about
	case traces.Woken:
		return head("waking") + about
	case traces.SwitchOut:
		return head("switch") + fmt.Sprintf(`,"prev":%d,"next":0,"state":"%c"}`+"\n", e.By.PID, e.State)
	case traces.SwitchIn:
		return head("switch") + fmt.Sprintf(`,"prev":0,"next":%d,"state":"R","comm":"%s"}`+"\n", e.Thread.PID, e.Thread.Comm)
	case traces.ProcessExit:
		return head("exit") + "}\n"
	case traces.Freed:
		return head("free") + about
	case traces.StopCall:
		return head("stop") + about
	case traces.StopReturn:
		return head("stop_ret") + fmt.Sprintf(`,"ret":%d}`+"\n", e.Code)
	case traces.ParkMe:
		return head("parkme") + "}\n"
	case traces.ExitCall:
		return head("exit_call") + fmt.Sprintf(`,"code":%d}`+"\n", e.Code)
	case traces.ShouldStop:
		return head("should_stop") + fmt.Sprintf(`,"ret":%d}`+"\n", e.Code)
	case traces.ParkCall:
		return head("park") + about
	case traces.ParkReturn:
		return head("park_ret") + fmt.Sprintf(`,"ret":%d}`+"\n", e.Code)
	case traces.Unpark:
		return head("unpark") + about
	}
	return ""
}

// perfTrace is perf trace's: milliseconds since the beginning, names in quotes,
// numbers as they are.
func perfTrace(e *traces.Event) string {
	name, text, ok := fields(e, noProbe)
	if !ok {
		return ""
	}
	bits := map[byte]int{'R': 0, 'S': 1, 'D': 2, 'X': 16, 'Z': 32, 'P': 64, 'I': 128}
	var args []string
	for _, f := range strings.Fields(text) {
		key, value, ok := strings.Cut(f, "=")
		switch {
		case !ok || f == "==>":
			continue
		case strings.HasSuffix(key, "comm"):
			value = `"` + value + `"`
		case key == "prev_state":
			value = fmt.Sprint(bits[value[0]])
		case key == "ret":
			value = fmt.Sprint(uint32(int32(e.Code)))
		case key == "target_cpu":
			value = "1"
		}
		args = append(args, key+": "+value)
	}
	by := byOf(e, "swapper")
	return fmt.Sprintf("%10.3f %s/%d sched:%s(%s)\n", float64(e.Stamp)/1e6, by.Comm, by.PID, name, strings.Join(args, ", "))
}

var tracePrinters = []tracePrinter{
	{"ftrace", "# tracer: nop\n#\n#           TASK-PID     CPU#  |||||  TIMESTAMP  FUNCTION\n#              | |         |   |||||     |         |\n", "",
		ftraceLine("%16s-%-7d [%03d] ..%c.. %12s: %s: %s\n")},
	{"trace_pipe", "", "", ftraceLine("%16s-%-7d [%03d] d.%c2. %12s: %s: %s\n")},
	{"trace_pipe of old", "", "", ftraceLine("%16s-%-5d [%03d] d.%c2 %12s: %s: %s\n")},
	{"trace-cmd", "cpus=2\n", "", func(e *traces.Event) string {
		if e.Kind == traces.Loss {
			return fmt.Sprintf("CPU:%d [%d EVENTS DROPPED]\n", e.CPU, e.Count)
		}
		name, text, ok := fields(e, noProbe)
		if !ok {
			return ""
		}
		switch e.Kind {
		case traces.SwitchOut:
			text = fmt.Sprintf("%s:%d [120] %c ==> swapper/0:0 [120]", e.By.Comm, e.By.PID, e.State)
		case traces.SwitchIn:
			text = fmt.Sprintf("swapper/0:0 [120] R ==> %s:%d [120]", e.Thread.Comm, e.Thread.PID)
		}
		by := byOf(e, "<idle>")
		return fmt.Sprintf("%16s-%-5d [%03d] %12s: %-20s %s\n", by.Comm, by.PID, e.CPU, seconds(e), name+":", text)
	}},
	{"perf script", "", "", func(e *traces.Event) string {
		if e.Kind == traces.Loss {
			return ""
		}
		name, text, ok := fields(e, noProbe)
		if !ok {
			return ""
		}
		by := byOf(e, "swapper")
		return fmt.Sprintf("%16s %5d [%03d] %12s: %32s: %s\n", by.Comm, by.PID, e.CPU, seconds(e), "sched:"+name, text)
	}},
	{"perf trace", "", "", perfTrace},
	{"kthread.bt", `{"kt":1,"ts":1,"cpu":0,"ev":"begin"}` + "\n", `{"kt":1,"ts":1,"cpu":0,"ev":"end"}` + "\n", ndjson},
	{"kthread.bt by bpftrace -f json", "", `{"type": "printf", "data": "{\"kt\":1,\"ts\":1,\"cpu\":0,\"ev\":\"end\"}\n"}` + "\n", func(e *traces.Event) string {
		line := ndjson(e)
		if line == "" || e.Kind == traces.Loss {
			return fmt.Sprintf(`{"type": "lost_events", "data": {"events": %d}}`+"\n", e.Count)
		}
		return `{"type": "printf", "data": "` + strings.NewReplacer(`"`, `\"`, "\n", `\n`).Replace(line) + `"}` + "\n"
	}},
}

// printTrace prints a log by one of the printers. A format without a word for
// losses does not get logs that have some.
func printTrace(log []seen, rng *rand.Rand) (name, text string) {
	lossy := false
	for _, s := range log {
		lossy = lossy || s.event.Kind == traces.Loss
	}
	for {
		p := tracePrinters[rng.IntN(len(tracePrinters))]
		if lossy && strings.HasPrefix(p.name, "perf") {
			continue
		}
		var b strings.Builder
		b.WriteString(p.begin)
		for i := range log {
			e := log[i].event
			if e.By.PID == e.Thread.PID {
				e.By.Comm = e.Thread.Comm
			} else if e.Kind == traces.SwitchOut && e.By.Comm == "" {
				e.By = e.Thread
			}
			b.WriteString(p.print(&e))
		}
		if b.Len() > len(p.begin) {
			b.WriteString(p.end)
		}
		return p.name, b.String()
	}
}
