package ktrace

import (
	"bytes"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/kthread-tla/tracecheck/traces"
)

var update = flag.Bool("update", false, "rewrite the golden files")

// readTrace runs a trace through the Decoder that Detect finds for it, and
// returns the events, one a line. A last line without its newline is not read.
func readTrace(t testing.TB, in string, interest *traces.Interest) (string, *Decoder) {
	t.Helper()
	lines := bytes.SplitAfter([]byte(in), []byte("\n"))
	if len(lines[len(lines)-1]) == 0 {
		lines = lines[:len(lines)-1]
	}
	l := layoutOf(lines)
	if l == nil {
		return "", nil
	}
	var b strings.Builder
	r := New(l, new(traces.Stats), interest, func(e traces.Event) { b.WriteString(traceEventString(e)); b.WriteByte('\n') })
	for i, line := range lines {
		if bytes.HasSuffix(line, []byte("\n")) {
			r.read(i+1, line[:len(line)-1])
		}
	}
	r.End()
	return b.String(), r
}

// layoutOf is the layout that the first line shows which shows one; nil: none does.
func layoutOf(lines [][]byte) *Layout {
	for _, line := range lines {
		if l := Detect(line); l != nil {
			return l
		}
	}
	return nil
}

// layoutNamed is the layout of a name; nil: there is none.
func layoutNamed(name string) *Layout {
	for i := range Layouts {
		if Layouts[i].Name == name {
			return &Layouts[i]
		}
	}
	return nil
}

// traceEventString prints an event for a person to check: line, kind, thread, and the rest.
func traceEventString(e traces.Event) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%d %v", e.Line, e.Kind)
	if e.Late {
		b.WriteString(" (late)")
	}
	if e.Thread != (traces.Task{}) {
		fmt.Fprintf(&b, " %v", e.Thread)
		if e.Thread.Addr != 0 && e.Thread.PID != 0 {
			fmt.Fprintf(&b, "@%#x", e.Thread.Addr)
		}
	}
	if e.By != (traces.Task{}) && e.By != e.Thread {
		fmt.Fprintf(&b, " by %v", e.By)
	}
	if e.Kind == traces.SwitchOut {
		if e.State == 0 {
			e.State = '?'
		}
		fmt.Fprintf(&b, " %c", e.State)
	}
	switch {
	case e.HasCode:
		fmt.Fprintf(&b, " = %d", e.Code)
	case e.Kind == traces.ExitCall && e.Code != 0:
		fmt.Fprintf(&b, " (%d)", e.Code)
	}
	if e.Probe {
		fmt.Fprintf(&b, " probe %s", e.Func)
	}
	if e.Kind == traces.Loss {
		fmt.Fprintf(&b, " %d cpu %d since %d", e.Count, e.CPU, e.Since)
		return b.String()
	}
	switch e.Context {
	case traces.InterruptContext:
		b.WriteString(" in an interrupt")
	case traces.UnknownContext:
		b.WriteString(" in ?")
	}
	return b.String()
}

// The events of each recording, for the pids of the kernel threads that
// truth.tsv names.
func TestRecordedTraces(t *testing.T) {
	between := func(from, to int) *traces.Interest {
		i := traces.NewInterest()
		for pid := from; pid <= to; pid++ {
			i.Add(pid)
		}
		return i
	}
	tests := []struct {
		file, format string
		interest     *traces.Interest
	}{
		{"ftrace-eintr.txt", "ftrace", between(347, 347)},
		{"ftrace-ok.txt", "ftrace", between(338, 338)},
		{"ftrace-selfheld.txt", "ftrace", between(359, 359)},
		{"ftrace-twice.txt", "ftrace", between(310, 312)},
		{"ftrace-wokeneintr2.txt", "ftrace", between(353, 353)},
		{"ftrace-tgid-kprobes.txt", "ftrace", between(381, 384)},
		{"ftrace-trace_pipe-lost-events.txt", "ftrace", between(391, 402)},
		{"tracecmd-report.txt", "trace-cmd", between(448, 467)},
		{"perf-script.txt", "perf-script", between(488, 497)},
	}
	for _, test := range tests {
		t.Run(test.file, func(t *testing.T) {
			in, err := os.ReadFile(filepath.Join("..", "..", "samples", "recorded", test.file))
			if err != nil {
				t.Fatal(err)
			}
			got, r := readTrace(t, string(in), test.interest)
			if r == nil {
				t.Fatal("not recognised")
			}
			if r.Format() != test.format {
				t.Errorf("read as %s, want %s", r.Format(), test.format)
			}
			filtered := test.file == "ftrace-twice.txt" && r.stats.Unusable == 1 && r.gaps.breaks == manyBreaks
			if r.stats.Unusable != 0 && !filtered {
				t.Errorf("diagnostics: %v", r.stats.Diagnostics)
			}
			golden := filepath.Join("testdata", "events", strings.TrimSuffix(test.file, ".txt")+".events")
			if *update {
				if err := os.MkdirAll(filepath.Dir(golden), 0o755); err != nil {
					t.Fatal(err)
				}
				if err := os.WriteFile(golden, []byte(got), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(golden)
			if err != nil {
				t.Fatal(err)
			}
			if got != string(want) {
				t.Errorf("events differ from %s (run with -update and look at the difference):\n%s", golden, got)
			}
		})
	}
}

func BenchmarkTrace(b *testing.B) {
	for _, file := range []string{"ftrace-trace_pipe-lost-events.txt", "tracecmd-report.txt", "perf-script.txt"} {
		for _, relevant := range []bool{false, true} {
			name := file
			if relevant {
				name += " all"
			}
			b.Run(name, func(b *testing.B) {
				in, err := os.ReadFile(filepath.Join("..", "..", "samples", "recorded", file))
				if err != nil {
					b.Fatal(err)
				}
				lines := bytes.Split(bytes.TrimSuffix(in, []byte("\n")), []byte("\n"))
				interest := traces.NewInterest()
				if relevant {
					interest = nil
				}
				r := New(layoutOf(lines), new(traces.Stats), interest, func(traces.Event) {})
				b.ReportAllocs()
				b.SetBytes(int64(len(in) / len(lines)))
				i := 0
				for b.Loop() {
					r.read(i+1, lines[i])
					if i++; i == len(lines) {
						i = 0
					}
				}
			})
		}
	}
}

func TestDetectTrace(t *testing.T) {
	lines := func(s string) [][]byte { return bytes.Split([]byte(s), []byte("\n")) }
	for _, test := range []struct{ name, in, want string }{
		{"a header", "# tracer: function\n#\n", "ftrace"},
		{"trace_pipe has none", "CPU:0 [LOST 80 EVENTS]\n", "ftrace"},
		{"a shell's prompt before it", "root@host:~# cat trace\n            bash-294     [000] .....     1.000000: foo: bar\n", "ftrace"},
		{"trace-cmd's first line", "cpus=2\n", "trace-cmd"},
		{"trace-cmd's padding", "            bash-447   [001]    85.335006: sched_kthread_stop:   comm=kt_ok pid=448\n", "trace-cmd"},
		{"perf script", "            bash   486 [000]   184.303111:           sched:sched_kthread_stop: comm=kt pid=488\n", "perf-script"},
		{"perf script behind its header", "# ========\n# hostname : x\n#\n            bash   486 [000]   184.303111:           sched:sched_kthread_stop: comm=kt pid=488\n", "perf-script"},
		{"perf trace", "     0.000 bash/486 sched:sched_kthread_stop(comm: \"kt\", pid: 488)\n", "perf-trace"},
		{"kthread.bt", `{"kt":1,"ts":100,"ev":"begin"}`, "bpftrace"},
		{"bpftrace", "Attaching 4 probes...\n", "bpftrace"},
		{"a later bpftrace", "Attached 4 probes\n", "bpftrace"},
		{"somebody's types", `{"type": "printf", "format": "x"}`, ""},
		{"bpftrace -f json", `{"type": "attached_probes", "data": {"probes": 4}}`, "bpftrace-json"},
		{"function_graph", " 0)  guest.s-294   |               |    /* sched_kthread_stop: comm=kt pid=338 */\n", "ftrace"},
		{"without the task", "sched_switch: prev_comm=a prev_pid=1 prev_prio=120 prev_state=S ==> next_comm=b next_pid=2 next_prio=120\n", "ftrace"},
		{"dmesg", "[   30.363151] Thread Creating...\n[   30.363152] foo-1 [000] bar\n", ""},
		{"dmesg -T, -x, -r, journal", "[Sat Nov 21 18:06:58 2026] x\nkern  :info  : [   30.363151] x\n<6>[   30.363151] x\nNov 21 18:06:59 host kernel: x: 1\n", ""},
		{"dmesg -J", `{"dmesg":[{"pri":6,"time":   30.363151,"msg":"x"}]}`, ""},
		{"journalctl -o json", `{"MESSAGE":"x","PRIORITY":"6"}`, ""},
		{"a stack", "Call Trace:\n <TASK>\n __schedule+0x2d1/0x870\n kthread+0xe9/0x110\n", ""},
		{"/proc/interrupts and other numbers", "  0:         44          0   IO-APIC   2-edge      timer\n1 2 3\n", ""},
		{"nothing", "\n\n", ""},
	} {
		got := ""
		if l := layoutOf(lines(test.in)); l != nil {
			got = l.Name
		}
		if got != test.want {
			t.Errorf("%s: %q, want %q", test.name, got, test.want)
		}
	}
	logs, err := filepath.Glob("../../samples/*.dmesg")
	if err != nil || len(logs) == 0 {
		t.Fatal(err, len(logs))
	}
	for _, log := range logs {
		in, err := os.ReadFile(log)
		if err != nil {
			t.Fatal(err)
		}
		if l := layoutOf(lines(string(in))); l != nil {
			t.Errorf("%s: taken for %s", log, l.Name)
		}
	}
}

func TestMarks(t *testing.T) {
	in := "               x-4       [001] d.h.     1.000000: sched_wakeup: comm=a pid=5 prio=120 success=0 target_cpu=001\n" +
		"               x-4       [001] d.h.     1.000000: sched_wakeup: comm=a pid=5 prio=120 success=1 target_cpu=001\n" +
		"        kthreadd-2       [001] .....     1.000000: sched_process_fork: comm=kthreadd pid=2 child_comm=kthreadd child_pid=348\n" +
		"               x-4       [001] .....     1.000000: sched_process_exit: comm=x group_dead=true pid=4 prio=120\n" +
		"               x-4       [001] .....     1.000000: sched_process_exit: comm=x pid=4 prio=120 group_dead=false\n"
	in += "# nop latency trace v1.1.5 on 6.1.0-18-amd64\n"
	in += "               x-4       [001] d.h.     1.000000: sched_waking: comm=a pid=5 prio=120 target_cpu=001\n"
	_, r := readTrace(t, in, traces.NewInterest())
	var got []string
	for _, m := range r.stats.Marks {
		got = append(got, fmt.Sprintf("%d %s %s..%s", m.Line, m.Name, m.First, m.Last))
	}
	want := "1 success= ..4.2, 3 child_comm=kthreadd ..6.3, 5 group_dead= 6.16.., 7 sched_waking 4.3.."
	if s := strings.Join(got, ", "); s != want {
		t.Errorf("got %s, want %s", s, want)
	}
}

// The events show each thread's fork, and what kthread_stop returned for it, as the test
// module has printed it.
func TestRecordedStops(t *testing.T) {
	for _, test := range []struct {
		file string
		want map[int][]int // by pid: what its stops returned
	}{
		{"ftrace-eintr.txt", map[int][]int{347: {-4}}},
		{"ftrace-ok.txt", map[int][]int{338: {0}}},
		{"ftrace-selfheld.txt", map[int][]int{359: {7}}},
		{"ftrace-twice.txt", map[int][]int{310: {9}}},
		{"ftrace-wokeneintr2.txt", map[int][]int{353: {-4}}},
		{"ftrace-tgid-kprobes.txt", map[int][]int{381: {42}, 382: {-4}, 383: {-4}, 384: {7}}},
		{"ftrace-trace_pipe-lost-events.txt", map[int][]int{392: {0}, 394: {1}, 395: {2}, 396: {3}, 397: {4}, 398: {5}, 399: {0}, 400: {-4}, 401: {2}}},
		{"tracecmd-report.txt", map[int][]int{448: {0}, 449: {42}, 450: {-5}, 451: {-4}, 452: {-4}, 453: {-4}, 455: {7}, 456: {3}, 457: {3}, 458: {0},
			459: {0}, 460: {1}, 461: {2}, 462: {3}, 463: {4}, 464: {5}, 465: {0}, 466: {-4}, 467: {2}}},
		{"perf-script.txt", map[int][]int{488: {0}, 489: {42}, 490: {-4}, 492: {0}, 493: {1}, 494: {2}, 495: {3}, 496: {4}, 497: {5}}},
	} {
		in, err := os.ReadFile(filepath.Join("..", "..", "samples", "recorded", test.file))
		if err != nil {
			t.Fatal(err)
		}
		lines := bytes.Split(bytes.TrimSuffix(in, []byte("\n")), []byte("\n"))
		got := make(map[int][]int)
		open := make(map[int]int)
		probes := 0
		r := New(layoutOf(lines), new(traces.Stats), nil, func(e traces.Event) {
			switch {
			case e.Probe && (e.Kind == traces.StopCall || e.Kind == traces.StopReturn):
				probes++
			case e.Kind == traces.StopCall:
				open[e.By.PID] = e.Thread.PID
			case e.Kind == traces.StopReturn && e.HasCode:
				pid := open[e.By.PID]
				got[pid] = append(got[pid], e.Code)
			}
		})
		for i, line := range lines {
			r.read(i+1, line)
		}
		if fmt.Sprint(got) != fmt.Sprint(test.want) {
			t.Errorf("%s: stops returned %v, want %v", test.file, got, test.want)
		}
		if want := strings.Count(string(in), " stop: (") + strings.Count(string(in), " stop_ret: ("); probes != want {
			t.Errorf("%s: %d stops by probes, want %d", test.file, probes, want)
		}
	}
}
