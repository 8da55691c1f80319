package kreport

import (
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/kthread-tla/tracecheck/traces"
	"github.com/kthread-tla/tracecheck/traces/internal/scan"
)

var update = flag.Bool("update", false, "rewrite the golden files")

// records takes a log apart as a Reader does, as far as the files of these tests need it:
// dmesg with and without callers, /dev/kmsg, and the journal's JSON. Any other line is a
// message without a stamp.
func records(t testing.TB, name string, text []byte) []Message {
	t.Helper()
	var recs []Message
	for n, line := range bytes.Split(bytes.TrimSuffix(text, []byte("\n")), []byte("\n")) {
		rec := Message{Line: n + 1, Text: line, Stamp: -1}
		switch {
		case strings.HasPrefix(name, "journal-json"):
			var entry map[string]any
			if err := json.Unmarshal(line, &entry); err != nil {
				t.Fatal(err)
			}
			if entry["_TRANSPORT"] != "kernel" {
				continue
			}
			text, _ := entry["MESSAGE"].(string)
			stamp, _ := entry["_SOURCE_MONOTONIC_TIMESTAMP"].(string)
			rec.Text = []byte(text)
			rec.Stamp, _ = strconv.ParseInt(stamp, 10, 64)
		case strings.HasPrefix(name, "kmsg"):
			head, msg, ok := strings.Cut(string(line), ";")
			fields := strings.Split(head, ",")
			if !ok || len(fields) < 4 || line[0] == ' ' {
				continue
			}
			rec.Text = []byte(msg)
			rec.Stamp, _ = strconv.ParseInt(fields[2], 10, 64)
		default:
			if msg, stamp, ok := stamped(line); ok {
				rec.Text, rec.Stamp = msg, stamp
				if head, rest, ok := bytes.Cut(msg, []byte("] ")); ok && bytes.HasPrefix(head, []byte("[")) {
					caller := bytes.TrimSpace(head[1:])
					if len(caller) > 1 && (caller[0] == 'T' || caller[0] == 'C') && scan.AllDigits(caller[1:]) {
						rec.Caller, rec.Text = caller, rest
					}
				}
			}
		}
		recs = append(recs, rec)
	}
	return recs
}

// stamped takes "[   30.363151] " off a line.
func stamped(line []byte) (msg []byte, stamp int64, ok bool) {
	var sec, micros int64
	if n, _ := fmt.Sscanf(string(line), "[%d.%6d]", &sec, &micros); n != 2 {
		return nil, 0, false
	}
	_, msg, ok = bytes.Cut(line, []byte("]"))
	return bytes.TrimPrefix(msg, []byte(" ")), sec*1e6 + micros, ok
}

func report(recs []Message) []traces.Event {
	var r Parser
	var events []traces.Event
	for i := range recs {
		r.Message(&recs[i], func(e traces.Event) { events = append(events, e) })
	}
	r.Flush(func(e traces.Event) { events = append(events, e) })
	return events
}

var reportNames = [...]string{traces.HungTask: "hung task", traces.TaskDump: "task dump", traces.Lockup: "lockup", traces.Oops: "oops", traces.Warning: "warning"}

// show prints events so that a person can check them.
func show(events []traces.Event) string {
	var b strings.Builder
	for _, e := range events {
		s := e.Stack
		if s == nil {
			fmt.Fprintf(&b, "line %d: %v is blocked on %s %v\n", e.Line, e.Thread, e.Text, e.By)
			continue
		}
		fmt.Fprintf(&b, "lines %d-%d: %s, %v", e.Line, s.Last, reportNames[s.Report], e.Thread)
		if s.State != 0 {
			fmt.Fprintf(&b, ", state %c", s.State)
		}
		if s.Blocked != 0 {
			fmt.Fprintf(&b, ", %d s", s.Blocked)
		}
		if s.HasAddress {
			fmt.Fprintf(&b, ", address %#x", s.Address)
		}
		if e.Kernel != "" {
			fmt.Fprintf(&b, ", kernel %s", e.Kernel)
		}
		if s.Cut {
			b.WriteString(", cut")
		}
		if s.Above {
			b.WriteString(", made by an interrupt")
		}
		fmt.Fprintf(&b, "\n  %q\n", s.Title)
		for _, f := range s.Frames {
			fmt.Fprintf(&b, "\t%s", f.Func)
			if f.Module != "" {
				fmt.Fprintf(&b, " [%s]", f.Module)
			}
			b.WriteByte('\n')
		}
	}
	if len(events) == 0 {
		return "no report\n"
	}
	return b.String()
}

// Each log of samples/reports is from another release or architecture. A file beside it
// has the reports that must be read from it.
func TestReportsOfEveryAge(t *testing.T) {
	logs, err := filepath.Glob("../../samples/reports/*.txt")
	if err != nil || len(logs) < 30 {
		t.Fatalf("%d samples, %v", len(logs), err)
	}
	for _, log := range logs {
		name := strings.TrimSuffix(filepath.Base(log), ".txt")
		t.Run(name, func(t *testing.T) {
			text, err := os.ReadFile(log)
			if err != nil {
				t.Fatal(err)
			}
			got := show(report(records(t, name, text)))
			file := strings.TrimSuffix(log, ".txt") + ".want"
			if *update {
				if err := os.WriteFile(file, []byte(got), 0o666); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			if got != string(want) {
				t.Errorf("read:\n%s\nwant:\n%s", got, want)
			}
		})
	}
}

// recorded has the reports of a recorded log.
func recorded(t *testing.T, file string) []traces.Event {
	t.Helper()
	text, err := os.ReadFile("../../samples/recorded/" + file)
	if err != nil {
		t.Fatal(err)
	}
	return report(records(t, file, text))
}

// Every repetition of a report is an event with the same task and the same stack. The
// module that made the recordings has printed where each thread was.
func TestReportsOfRecordings(t *testing.T) {
	unwoken := "__schedule schedule schedule_preempt_disabled kthread ret_from_fork ret_from_fork_asm"
	deaf := "__schedule schedule schedule_timeout __wait_for_common fn_deaf[ktlab] kthread ret_from_fork ret_from_fork_asm"
	stops := "__schedule schedule schedule_timeout __wait_for_common kthread_stop stop_say[ktlab] …"
	locked := "__schedule schedule schedule_preempt_disabled __mutex_lock param_attr_store module_attr_store …"
	rmmod := func(at ...string) (want []string) {
		for _, n := range at {
			want = append(want, "ktlab_bg[662] "+n+" "+deaf, "rmmod[664] "+n+" "+stops)
		}
		return want
	}
	var hung []string
	for _, n := range []string{"12", "16", "20", "25"} {
		hung = append(hung, "kt_unwoken[594] "+n+" "+unwoken, "guest.sh[595] "+n+" "+stops, "kt_deaf[596] "+n+" "+deaf, "guest.sh[598] "+n+" "+locked)
	}
	var long []string
	for _, n := range []string{"12", "16", "20", "24", "28"} {
		long = append(long, "kt_unwoken[328] "+n+" "+unwoken)
	}
	for _, n := range []string{"12", "16"} {
		long = append(long, "guest.sh[349] "+n+" "+stops, "kt_deaf[351] "+n+" "+deaf)
	}
	long = append(long, rmmod("12", "16", "20")...)
	tests := []struct {
		file string
		want []string
	}{
		{"dmesg-hung-unwoken-and-deaf.txt", hung},
		{"dmesg-rmmod-hang.txt", rmmod("12", "16")},
		// The first lines of the recording, printed in another format; they end in a trace.
		{"layout-hung-arm32-style.txt", append(hung[:5:5], "guest.sh[595] 16 cut __schedule schedule schedule_timeout __wait_for_common kthread_stop")},
		{"kmsg-rmmod-hang.txt", long},
		{"journal-json-rmmod-hang.json", long},
		{"dmesg-twice.txt", nil},
		{"negative-boot-only.txt", nil},
	}
	for _, tt := range tests {
		t.Run(tt.file, func(t *testing.T) {
			var got []string
			for _, e := range recorded(t, tt.file) {
				s := e.Stack
				if s.Report != traces.HungTask || s.State != 'D' || e.Kernel != "6.12.117+deb12-cloud-amd64" {
					t.Errorf("line %d: report %v, state %c, kernel %q", e.Line, s.Report, s.State, e.Kernel)
				}
				say := fmt.Sprintf("%v %d", e.Thread, s.Blocked)
				if s.Cut {
					say += " cut"
				}
				for i, f := range s.Frames {
					if say += " " + f.Func; f.Module != "" {
						say += "[" + f.Module + "]"
					}
					if i == 5 && !s.Has("kthread") {
						say += " …"
						break
					}
				}
				got = append(got, say)
			}
			if !slices.Equal(got, tt.want) {
				t.Errorf("read:\n%s\nwant:\n%s", strings.Join(got, "\n"), strings.Join(tt.want, "\n"))
			}
		})
	}
}

func TestStack(t *testing.T) {
	s := &traces.Stack{Frames: []traces.Frame{{Func: "schedule"}, {Func: "kthread_stop"}, {Func: "kt_exit", Module: "ktlab"}}}
	if !s.Has("schedule") || s.Has("kthread") || s.Index("kt_exit") != 2 || s.Index("kthread") != -1 {
		t.Error("wrong functions")
	}
}

// A message that belongs to no report allocates nothing.
func TestParserAllocatesNothingForOtherMessages(t *testing.T) {
	text, err := os.ReadFile("../../samples/recorded/negative-boot-only.txt")
	if err != nil {
		t.Fatal(err)
	}
	recs := records(t, "negative", text)
	var r Parser
	emit := func(traces.Event) { t.Error("a report") }
	if n := testing.AllocsPerRun(10, func() {
		for i := range recs {
			r.Message(&recs[i], emit)
		}
	}); n != 0 {
		t.Errorf("%v allocations for %d messages", n, len(recs))
	}
}

func TestParseFrame(t *testing.T) {
	tests := []struct{ line, want string }{
		{"schedule+0x27/0xc0", "schedule"},
		{"schedule+0x27/0xc0 ", "schedule"},
		{"fn_deaf+0x36/0x40 [ktlab]", "fn_deaf ktlab"},
		{"fn_deaf+0x36/0x40 [ktlab 5f1c0e7a]", "fn_deaf ktlab"},
		{"fn_deaf+0x36/0x40 [ktlab(OE)]", "fn_deaf ktlab"},
		{"fn_deaf+0x36/0x40 [ktlab] (T)", "fn_deaf ktlab"},
		{"fn_deaf.constprop.0.isra.1+0x36/0x40", "fn_deaf"},
		{".fn_deaf+0x36/0x40", "fn_deaf"},
		{"__pfx_fn_deaf+0x10/0x10", "fn_deaf"},
		{"$x+0xa0/0xec [cfg80211]", "$x cfg80211"},
		{"<kt_rust::Thread>::run.llvm.1+0x10/0x20 [kt]", "<kt_rust::Thread>::run.llvm.1 kt"},
		{"_RNvMNtCs1_2kt6Thread3run+0x10/0x20", "_RNvMNtCs1_2kt6Thread3run"},
		{"[<ffffffff8107e5c6>] kthread+0xcf/0xe0", "kthread"},
		{"[<0>] kthread+0x9b/0x100", "kthread"},
		{"[<0>] kthread", "kthread"},
		{"[<0>] 0xffffffffffffffff", "dubious"},
		{"[<0>] 0xffffffffc0a1b000", "0xffffffffc0a1b000"},
		{"0xffffffffc0a1b000", "0xffffffffc0a1b000"},
		{"[c000003fe5043c70] [c000000000cfb9dc] schedule+0x40/0xc0", "schedule"},
		{"[c000003fe5043c70] [c000000000cfb9dc] schedule+0x40/0xc0 (unreliable)", "dubious"},
		{"[c000003fe5043c70] [c000000000cfb9dc] fn+0x40/0xc0 [kt] (unreliable)", "dubious"},
		{"([<0000000000c2ce02>] schedule+0x5a/0xf0)", "dubious"},
		{"? schedule+0x5a/0xf0", "dubious"},
		{"[<ffffffff8107e5c6>] ? kthread+0xcf/0xe0", "dubious"},
		{"[<c003e624>] (worker_thread) from [<c0043f90>] (kthread+0x148/0x15c)", "worker_thread < kthread"},
		{"[<7f4ba618>] (fn [kt]) from [<c0043f90>] (outer+0x148/0x15c [kt])", "fn kt < outer kt"},
		{"[<c003e624>] (worker_thread+0x0/0x20) from [<c0043f90>] (kthread+0x148/0x15c)", "worker_thread < kthread"},
		{"worker_thread from kthread+0x148/0x15c", "worker_thread < kthread"},
		{"fn [kt] from kthread+0x148/0x15c", "fn kt < kthread"},
		{"kthread_stop+0x6a/0x170 kernel/kthread.c:710", "kthread_stop"},
		{"context_switch kernel/sched/core.c:5245 [inline]", "context_switch"},
		{"<kt::Thread>::run+0x10/0x20 drivers/kt.rs:12", "<kt::Thread>::run"},
		{"[<     inline     >] context_switch kernel/sched/core.c:5245", "context_switch"},
		{"[<ffffffff8107e5c6>] kthread_stop+0x6a/0x170 kernel/kthread.c:710", "kthread_stop"},
		{"[<ffffffff8107e5c6>] fn+0x66/0x90 mm/ktsan/ktsan.c:312 (discriminator 7)", "fn"},
		{"kthread_stop (kernel/kthread.c:710)", "kthread_stop"},
		{"kthread_stop (kernel/kthread.c:710 (discriminator 3) kernel/x.c:3)", "kthread_stop"},
		{"stop_say (/home/me/ktlab.c:88) ktlab", "stop_say ktlab"},

		{"[<          (null)>]           (null)", "garbled"},
		{"[<ffffffff8107e5c6>]", "garbled"},
		{"[<ffffffff8107e5c6>] kthread+0x", "garbled"},
		{"kthread+0xcf", "garbled"},
		{"kthread+0xcf/0x", "garbled"},
		{"kthread+0xcf/0xe0x", "garbled"},
		{"kthread+0xcf/0xe0 failed", "garbled"},
		{"[<c003e624>] (worker_thread) from [<c0043f90>] (kthread", "garbled"},
		{"[<c003e624>] (worker_thread) from somewhere", "garbled"},

		{"", ""},
		{"kthread", ""},
		{"usb 1-1: new device", ""},
		{"[drm] a message", ""},
		{"[12345678 a message", ""},
		{"back from holiday", ""},
		{"a message from fn+0x1/0x2", ""},
		{"one (two)", ""},
		{"one two:3 [inline]", ""},
		{"0x12", ""},
		{"RIP: 0033:0x7f1778f27b87", ""},
		{"#0: ffffffff8bf741e0 (rcu_read_lock){....}-{1:2}, at: debug_show_all_locks+0x53/0x260", ""},
	}
	for _, tt := range tests {
		f := parseFrame([]byte(tt.line))
		var got string
		switch f.kind {
		case reliable:
			one := func(fn, mod []byte) string {
				return strings.TrimSpace(functionName(fn) + " " + string(mod))
			}
			if got = one(f.fn, f.mod); f.callee != nil {
				got = one(f.callee, f.calleeMod) + " < " + got
			}
		case dubious:
			got = "dubious"
		case garbled:
			got = "garbled"
		}
		if got != tt.want {
			t.Errorf("%q is %q, want %q", tt.line, got, tt.want)
		}
	}
}

func TestParseTaskLine(t *testing.T) {
	tests := []struct{ line, want string }{
		{"task:kt_deaf         state:D stack:    0 pid:  596 ppid:     2 flags:0x00004000", "kt_deaf[596] D"},
		{"task:kt_deaf         state:D stack:13824 pid:  596 ppid:     2 flags:0x00004000", "kt_deaf[596] D"},
		{"task:kt_deaf         state:D stack:0     pid:596   tgid:596   ppid:2      flags:0x00024000", "kt_deaf[596] D"},
		{"task:kworker/u17:0   state:D stack:0     pid:72    tgid:72    ppid:2      task_flags:0x4208060 flags:0x00000010", "kworker/u17:0[72] D"},
		{"task:a state:b pid:1  state:S stack:0     pid:72    tgid:72    ppid:2      flags:0x00000010", "a state:b pid:1[72] S"},
		{"task:kt_spin         state:R  running task     stack:    0 pid:  310 ppid:     2 flags:0x00000008", "kt_spin[310] R"},
		{"task:                state:D stack:0     pid:596   tgid:596   ppid:2      flags:0x00024000", "pid 596 D"},
		{"kt_deaf         D    0   596      2 0x00000000", "kt_deaf[596] D"},
		{"kt_deaf         D ffff88003fc92f40     0   596      2 0x00000000", "kt_deaf[596] D"},
		{"kt_deaf         D 80776938     0   596      2 0x00000000", "kt_deaf[596] D"},
		{"kthreadd      D 0000000000000003     0     2      0 0x00000000", "kthreadd[2] D"},
		{"kt_spin         R  running task        0   310      2 0x00000008", "kt_spin[310] R"},
		{"swapper/1       R running      0     0      1 0x00000002", "swapper/1 R"},
		{"rcu_sched       I15016    11      2 0x80004000", "rcu_sched[11] I"},
		{"a long name     D    0 28445  28429 0x00000000", "a long name[28445] D"},
		{"kt D   D        D    0   596      2 0x00000000", "kt D   D[596] D"},
		{"ureadahead      x ffffffc0000853b8     0   136      1 0x00000004", "ureadahead[136] x"},
		{"kt_deaf         D+   0   596      2 0x00000000", "kt_deaf[596] D"},

		{"task: ffff88003c6c8000 ti: ffff880036fd2000 task.ti: ffff880036fd2000", ""},
		{"task:kt_deaf state:", ""},
		{"task:kt_deaf state:D pid:x ppid:1", ""},
		{"D    0   596      2 0x00000000", ""},
		{"kt_deaf         Q    0   596      2 0x00000000", ""},
		{"a driver says 1 2 3 0x00000000", ""},
		{"1 2 3 0x00000000", ""},
		{"0x00000000", ""},
		{"memory at 0x12345678", ""},
	}
	for _, tt := range tests {
		task, state, ok := parseTaskLine([]byte(tt.line))
		got := ""
		if ok {
			got = task.String() + " " + string(state)
		}
		if got != tt.want {
			t.Errorf("%q is %q, want %q", tt.line, got, tt.want)
		}
	}
}

func TestParseFirstLines(t *testing.T) {
	hung := []struct{ line, want string }{
		{"INFO: task rs:main Q:Reg:287 blocked for more than 120 seconds.", "rs:main Q:Reg[287] 120"},
		{"INFO: task x blocked for more than 1 seconds.:3 blocked for more than 120 seconds.", "x blocked for more than 1 seconds.[3] 120"},
		{"INFO: task kt:12 is blocked on a mutex likely owned by task kt:13.", ""},
		{"INFO: task kt:12 blocked on a semaphore likely last held by task kt:13", ""},
		{"INFO: task kt: blocked for more than 120 seconds.", ""},
		{"INFO: task kt:-1 blocked for more than 120 seconds.", ""},
		{"INFO: task kt:1 blocked for more than many seconds.", ""},
		{"INFO: task kt:12345678901 blocked for more than 120 seconds.", ""},
		{"INFO: task kt:1 gone", ""},
	}
	for _, tt := range hung {
		task, n, ok := parseHungLine([]byte(tt.line))
		got := ""
		if ok {
			got = fmt.Sprint(task, " ", n)
		}
		if got != tt.want {
			t.Errorf("%q is %q, want %q", tt.line, got, tt.want)
		}
	}
	cpu := []struct{ line, want string }{
		{"CPU: 1 PID: 310 Comm: kt_x Tainted: G           OE      6.1.0-18-amd64 #1  Debian 6.1.76-1", "kt_x[310] 6.1.0-18-amd64"},
		{"CPU: 0 UID: 992 PID: 24017 Comm: kt x Kdump: loaded Not tainted 6.12.55-74.119.amzn2023.aarch64 #1", "kt x[24017] 6.12.55-74.119.amzn2023.aarch64"},
		{"CPU: 0 PID: 1 Comm: x Tainted: y Not tainted 6.12.55 #1", "x Tainted: y[1] 6.12.55"},
		{"CPU: 0 PID: 1 Comm: x Tainted: P 4.9.77 #0", "x[1] 4.9.77"},
		{"CPU: 0 PID: 1 Comm: x", "x[1] "},
		{"Pid: 2183, comm: bash Tainted: P           ---------------    2.6.32-279.19.1.el6.x86_64 #1 Red Hat KVM", "bash[2183] 2.6.32-279.19.1.el6.x86_64"},
		{"Pid: 2183, comm: bash Not tainted (2.6.28 #3)", "bash[2183] 2.6.28"},
		{"CPU: 0    Not tainted  (3.4.90+ #1)", ""},
		{"CPU: Physical Processor ID: 0", ""},
		{"Pid: x", ""},
	}
	for _, tt := range cpu {
		task, release, ok := parseCPULine([]byte(tt.line))
		got := ""
		if ok {
			got = fmt.Sprintf("%v %s", task, release)
		}
		if got != tt.want {
			t.Errorf("%q is %q, want %q", tt.line, got, tt.want)
		}
	}
	warnings := []struct{ line, want string }{
		{"WARNING: at kernel/kthread.c:520 kthread_park+0x40/0x90()", " kthread_park"},
		{"WARNING: CPU: 0 PID: 12 at kernel/kthread.c:520 kthread_park+0x40/0x90()", "pid 12 kthread_park"},
		{"WARNING: CPU: 0 PID: 12 at kernel/kthread.c:520 kthread_park+0x40/0x90 [mod]", "pid 12 kthread_park"},
		{"WARNING: CPU: 0 PID: 12 Comm: a b at kernel/kthread.c:83 to_kthread+0x1/0x2", "a b[12] to_kthread"},
		{"WARNING: CPU: 0 PID: 12 at kthread_park (kernel/kthread.c:520)", "pid 12 kthread_park"},
		{"WARNING: CPU: 0 PID: 12 at kernel/kthread.c:520 kthread_park+0x40/0x90 kernel/kthread.c:520", "pid 12 kthread_park"},
		{"WARNING: kernel/kthread.c:707 at kthread_park+0x40/0x90, CPU#0: kt_x/12", "kt_x[12] kthread_park"},
		{"WARNING: possible circular locking dependency detected", " "},
		{"WARNING: CPU: frequency at 100 MHz", " "},
		{"WARNING: at your own risk", " "},
	}
	for _, tt := range warnings {
		task, at := parseWarning([]byte(tt.line))
		if got := fmt.Sprintf("%v %s", task, at); got != tt.want {
			t.Errorf("%q is %q, want %q", tt.line, got, tt.want)
		}
	}
}

// Lines that look like reports, and are none, give none.
func TestNoReports(t *testing.T) {
	logs := map[string]string{
		"words that reports hold": "usb 1-1: INFO: task kt:1 blocked for more than 120 seconds.\nthe task:kt is done\nOops\nBUG\nrcu: Hierarchical RCU implementation.\n" +
			"NMI watchdog: Enabled. Permanently consumes one hw-PMU counter.\nCPU: Physical Processor ID: 0\nWARNING: I am old\nNMI backtrace for cpu 0 skipped: idling at x+0x1/0x2\n",
		"a trace of nobody's": "Call Trace:\n kthread+0x1/0x2\n ret_from_fork+0x1/0x2\n",
		"dump_stack":          "CPU: 1 PID: 310 Comm: kt_x Not tainted 6.1.0 #1\nCall Trace:\n <TASK>\n dump_stack+0x1/0x2\n kthread+0x1/0x2\n </TASK>\n",
		"frames alone":        " kthread+0x1/0x2\n[<ffffffff8107e5c6>] kthread+0xcf/0xe0\n",
		"an empty file":       "# cat /proc/594/stack\n# cat /proc/self/stack\n[<0>] kthread+0x1/0x2\n",
		"a part of a report":  " </TASK>\n---[ end trace 0000000000000000 ]---\nnote: kt_x[1] exited with irqs disabled\nModules linked in:\n",
	}
	for name, log := range logs {
		if events := report(records(t, "", []byte(log))); len(events) > 0 {
			t.Errorf("%s:\n%s", name, show(events))
		}
	}
}

// A loss and another boot end a report, and khungtaskd's last line is noted.
func TestReportsEnd(t *testing.T) {
	log := "INFO: task kt:1 blocked for more than 12 seconds.\ntask:kt state:D stack:0 pid:1 ppid:2 flags:0x0\nCall Trace:\n <TASK>\n fn+0x1/0x2\n"
	rest := " kthread+0x1/0x2\n </TASK>\nFuture hung task reports are suppressed, see sysctl kernel.hung_task_warnings\n"
	recs := records(t, "", []byte(log+rest))
	var r Parser
	var events []traces.Event
	emit := func(e traces.Event) { events = append(events, e) }
	for i := range recs {
		r.Message(&recs[i], emit)
	}
	if len(events) != 1 || events[0].Stack.Cut || r.suppressed != 8 {
		t.Errorf("suppressed in line %d:\n%s", r.suppressed, show(events))
	}
	events = nil
	recs[5].Lost = -1
	for i := range recs {
		r.Message(&recs[i], emit)
	}
	if len(events) != 1 || !events[0].Stack.Cut || events[0].Stack.Has("kthread") || events[0].Stack.Last != 5 {
		t.Errorf("with a loss:\n%s", show(events))
	}
}
