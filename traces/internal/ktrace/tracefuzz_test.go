package ktrace

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/kthread-tla/tracecheck/traces"
	"github.com/kthread-tla/tracecheck/traces/internal/scan"
)

// Whatever is in a trace: nothing panics, every line is counted, events have the numbers of
// their lines, diagnostics are counted, and the first lines of a trace give the first of
// its events.
func FuzzTrace(f *testing.F) {
	files, err := filepath.Glob("../../samples/recorded/*")
	if err != nil || len(files) == 0 {
		f.Fatal(err, len(files))
	}
	for _, file := range files {
		in, err := os.ReadFile(file)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(in[:min(len(in), 4000)])
	}
	for _, line := range []string{
		"  <idle>-0         0dNh2.    0us : sched_waking: comm=kt pid=347 prio=120 target_cpu=000\n",
		"           <...>      294   1 0 00000000 00000001 [00000000000003e8] 12.345ms (+0.001ms): sched_kthread_stop: comm=kt pid=347\n",
		" 0)  guest.s-294   |               |    /* sched_kthread_stop: comm=kt pid=338 */\n 0)  guest.s-294   =>   kt_ok-338  \n 0)   0.500 us    |  kthread_should_stop(); /* = 0x1 */\n",
		"     0.000 bash/486 sched:sched_process_fork(comm: \"kthreadd\", pid: 2, child_comm: \"kt\", child_pid: 488)\n",
		"            bash-447   [001] .....    1.000000: b: (x+0x5e/0xa0 [m] <- kthread_stop) arg1=0xfffffffc comm=\"a\" pid=3\n",
		"# entries-in-buffer/entries-written: 29/264   #P:2\n##### CPU 1 buffer started ####\n",
		`{"kt":1,"ts":500,"cpu":0,"ev":"stop","tid":294,"pid":367,"task15":"guest.sh       ","comm15":"kt_ok          "}` + "\n",
		`{"type": "printf", "data": "{\"kt\":1,\"ts\":1,\"ev\":\"stop\",\"pid\":367}\n"}` + "\n",
	} {
		f.Add([]byte(line))
	}
	interest := traces.NewInterest() // in even pids
	for pid := 0; pid < traces.PIDLimit; pid += 2 {
		interest.Add(pid)
	}
	f.Fuzz(func(t *testing.T, in []byte) {
		lines := bytes.Split(in, []byte("\n"))
		for i := range Layouts {
			l := &Layouts[i]
			name := l.Name
			var events []traces.Event
			last := 0
			emit := func(e traces.Event) {
				if e.Line < 1 || e.Line > len(lines) || !l.unsorted && e.Line < last {
					t.Fatalf("%s: event of line %d after one of line %d", name, e.Line, last)
				}
				if e.Kind == traces.Loss && e.Since >= e.Line {
					t.Fatalf("%s: a loss in line %d since line %d", name, e.Line, e.Since)
				}
				if e.Kind > traces.Blocked || len(e.Thread.Comm) > len(in) {
					t.Fatalf("%s: %+v", name, e)
				}
				last = e.Line
				events = append(events, e)
			}
			r := New(l, new(traces.Stats), nil, emit)
			half := 0 // events of the first half of the lines
			for i, line := range lines {
				if i == len(lines)/2 {
					half = len(events)
				}
				r.read(i+1, line)
			}
			r.End()
			switch s := r.stats; {
			case s.KernelLines > len(lines) || s.LastLine > len(lines):
				t.Errorf("%s: %d events' lines, the last %d, of %d", name, s.KernelLines, s.LastLine, len(lines))
			case len(s.Diagnostics) != min(s.Unusable, traces.MaxDiagnostics):
				t.Errorf("%s: %d diagnostics kept of %d", name, len(s.Diagnostics), s.Unusable)
			}
			sameOfEvenPids(t, l, interest, lines, events)
			if l.unsorted {
				continue
			}
			var prefix []traces.Event
			p := New(l, new(traces.Stats), nil, func(e traces.Event) { prefix = append(prefix, e) })
			for i, line := range lines[:len(lines)/2] {
				p.read(i+1, line)
			}
			if len(prefix) != half {
				t.Fatalf("%s: %d events of the first half alone, %d in the whole", name, len(prefix), half)
			}
			for i := range prefix {
				if !reflect.DeepEqual(prefix[i], events[i]) {
					t.Fatalf("%s: event %d is %+v alone, %+v in the whole", name, i, prefix[i], events[i])
				}
			}
		}
	})
}

// sameOfEvenPids checks that leaving out events of other pids does not change the rest. A
// layout whose lines are sorted leaves nothing out.
func sameOfEvenPids(t *testing.T, l *Layout, interest *traces.Interest, lines [][]byte, events []traces.Event) {
	t.Helper()
	even := func(pid int) bool { return pid%2 == 0 && pid < traces.PIDLimit }
	var few []traces.Event
	f := New(l, new(traces.Stats), interest, func(e traces.Event) { few = append(few, e) })
	for i, line := range lines {
		f.read(i+1, line)
	}
	f.End()
	few = slices.DeleteFunc(few, func(e traces.Event) bool { return e.Kind == traces.Loss })
	want := slices.DeleteFunc(slices.Clone(events), func(e traces.Event) bool {
		switch e.Kind {
		case traces.Loss:
			return true
		case traces.SwitchIn, traces.SwitchOut, traces.Woken, traces.Renamed:
			return !l.unsorted && !even(e.Thread.PID)
		case traces.Fork: // of a task that is no kernel thread
			return !l.unsorted && e.By.PID != 2 && e.By.Comm != "kthreadd" && !even(e.Thread.PID)
		}
		return false
	})
	if !reflect.DeepEqual(few, want) && len(few)+len(want) > 0 {
		t.Fatalf("%s: of even pids\n%+v\nwant\n%+v", l.Name, few, want)
	}
}

// Events are read as ftrace prints them, whatever names the tasks have.
func FuzzFtraceNames(f *testing.F) {
	for _, name := range []string{"kt_ok", "rs:main Q:Reg", "kt-dash-12", "kt [b](c)", " ==> next_comm=", " pid=1", "a-1 [000] 1: x:", "<idle>-0", "", "\"", " success=0", "=>"} {
		f.Add(name, 347, "bash", 294, 1, int64(36862753))
	}
	f.Fuzz(func(t *testing.T, name string, pid int, other string, otherPID, cpu int, micros int64) {
		name, other = name[:min(len(name), MaxComm)], other[:min(len(other), MaxComm)]
		if strings.ContainsAny(name+other, "\n\r\x00") || strings.HasSuffix(name, "\t") {
			return
		}
		pid, otherPID = 3+abs(pid)%4194300, 3+abs(otherPID)%4194300
		if pid == otherPID {
			return
		}
		cpu = abs(cpu) % 1000
		if micros = micros % 1e12; micros < 0 {
			micros = -micros
		}
		task := func(comm string, pid int) traces.Task {
			if comm == "<...>" || comm == "kthreadd" || comm == ":-1" {
				comm = ""
			}
			return traces.Task{Comm: comm, PID: pid}
		}
		thread, by := task(name, pid), task(other, otherPID)
		column := strings.TrimLeft(other, " ") // the column is padded with blanks
		if by.Comm != "" {
			by.Comm = column
		}
		if len(column) > 1 && column[0] == ':' && scan.IsNumber([]byte(column[1:])) || column == "<...>" || column == "kthreadd" || column == ":-1" {
			by.Comm = ""
		}
		common := traces.Event{Line: 1, CPU: cpu, Time: traces.Time{Stamp: micros * 1000, Coarse: 1000, Clock: traces.Nanoseconds}, Context: traces.TaskContext}
		event := func(kind traces.Kind, thread, by traces.Task) traces.Event {
			e := common
			e.Kind, e.Thread, e.By = kind, thread, by
			return e
		}
		out := event(traces.SwitchOut, task(other, otherPID), traces.Task{})
		out.State = 'D'
		ret := event(traces.StopReturn, traces.Task{}, by)
		ret.Code, ret.HasCode = -pid, true
		late := event(traces.Woken, thread, by)
		late.Late = true
		for _, test := range []struct {
			body string
			want []traces.Event
		}{
			{fmt.Sprintf("sched_kthread_stop: comm=%s pid=%d", name, pid), []traces.Event{event(traces.StopCall, thread, by)}},
			{fmt.Sprintf("sched_kthread_stop_ret: ret=%d", -pid), []traces.Event{ret}},
			{fmt.Sprintf("sched_waking: comm=%s pid=%d prio=120 target_cpu=001", name, pid), []traces.Event{event(traces.Woken, thread, by)}},
			{fmt.Sprintf("sched_wakeup: comm=%s pid=%d prio=-1 success=1 target_cpu=001", name, pid), []traces.Event{late}},
			{fmt.Sprintf("sched_process_free: comm=%s pid=%d prio=120", name, pid), []traces.Event{event(traces.Freed, thread, traces.Task{})}},
			{fmt.Sprintf("sched_process_exit: comm=%s pid=%d prio=120 group_dead=true", name, pid), []traces.Event{event(traces.ProcessExit, thread, by)}},
			{fmt.Sprintf("sched_process_fork: comm=kthreadd pid=2 child_comm=%s child_pid=%d", name, pid), []traces.Event{event(traces.Fork, thread, traces.Task{Comm: "kthreadd", PID: 2})}},
			{fmt.Sprintf("sched_switch: prev_comm=%s prev_pid=%d prev_prio=120 prev_state=D ==> next_comm=%s next_pid=%d next_prio=120", other, otherPID, name, pid),
				[]traces.Event{out, event(traces.SwitchIn, thread, traces.Task{})}},
		} {
			pad := strings.Repeat(" ", 16-len(other)) // of bytes, as the kernel counts
			line := fmt.Sprintf("%s%s-%-7d [%03d] .....%6d.%06d: %s", pad, other, otherPID, cpu, micros/1e6, micros%1e6, test.body)
			if strings.HasPrefix(test.body, "sched_switch") || strings.HasPrefix(test.body, "sched_process_f") {
				for i := range test.want {
					test.want[i].By = traces.Task{}
					if test.want[i].Kind == traces.Fork {
						test.want[i].By = traces.Task{Comm: "kthreadd", PID: 2}
					}
				}
			}
			var got []traces.Event
			r := New(layoutNamed("ftrace"), new(traces.Stats), nil, func(e traces.Event) { got = append(got, e) })
			r.read(1, []byte(line))
			if len(got) != len(test.want) {
				t.Fatalf("%q\ngives %+v\n%v", line, got, r.stats.Diagnostics)
			}
			for i := range got {
				if !reflect.DeepEqual(got[i], test.want[i]) {
					t.Fatalf("%q\ngives %+v\nwant  %+v", line, got[i], test.want[i])
				}
			}
		}
	})
}

func abs(n int) int {
	if n < 0 {
		return -(n + 1)
	}
	return n
}

func TestIrrelevantTraceLinesDoNotAllocate(t *testing.T) {
	for _, file := range []string{"ftrace-trace_pipe-lost-events.txt", "ftrace-tgid-kprobes.txt", "tracecmd-report.txt", "perf-script.txt"} {
		in, err := os.ReadFile(filepath.Join("..", "..", "samples", "recorded", file))
		if err != nil {
			t.Fatal(err)
		}
		lines := bytes.Split(bytes.TrimSuffix(in, []byte("\n")), []byte("\n"))
		r := New(layoutOf(lines), new(traces.Stats), traces.NewInterest(), func(traces.Event) {})
		all := func() {
			for c := range r.gaps.last { // each time it is another trace
				r.gaps.last[c].stamp = noStamp
			}
			r.gaps.newest = noStamp
			r.chainEnds(-1)
			for i, line := range lines {
				r.read(i+1, line)
			}
		}
		all()
		if n := testing.AllocsPerRun(3, all); n > 0 {
			t.Errorf("%s: %v allocations", file, n)
		}
	}
}
