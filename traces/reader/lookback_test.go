package reader

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/kthread-tla/tracecheck/traces"
)

// ftraceLine is a line in ftrace's columns.
func ftraceLine(comm string, pid, cpu, micros int, body string) string {
	return fmt.Sprintf("%16s-%-7d [%03d] d..2. %5d.%06d: %s\n", comm, pid, cpu, micros/1e6, micros%1e6, body)
}

// switchLine is a sched_switch; pid 0 is the idle task.
func switchLine(cpu, micros, prev int, state string, next int) string {
	name := func(pid int) string {
		if pid == 0 {
			return fmt.Sprintf("swapper/%d", cpu)
		}
		return fmt.Sprintf("t%d", pid)
	}
	comm := name(prev)
	if prev == 0 {
		comm = "<idle>"
	}
	return ftraceLine(comm, prev, cpu, micros, fmt.Sprintf("sched_switch: prev_comm=%s prev_pid=%d prev_prio=120 prev_state=%s ==> next_comm=%s next_pid=%d next_prio=120", name(prev), prev, state, name(next), next))
}

func forkLine(cpu, micros, child int) string {
	return ftraceLine("kthreadd", 2, cpu, micros, fmt.Sprintf("sched_process_fork: comm=kthreadd pid=2 child_comm=t%d child_pid=%d", child, child))
}

// Lines of a thread that stand before its fork, because clocks of two CPUs differ, come
// behind it; wherever blocks end, and however the trace is read.
func TestLinesBeforeTheFork(t *testing.T) {
	t.Parallel()
	const at = 60_000_000
	run := switchLine(1, at, 0, "R", 14) + switchLine(1, at+50, 14, "D", 0)
	others := strings.Repeat(switchLine(1, at+51, 0, "R", 20)+switchLine(1, at+51, 20, "S", 0), 120)
	for _, test := range []struct{ name, in, want string }{
		{"a run", run + forkLine(0, at+52, 14), "fork 3, switch-in 1, switch-out 2"},
		{"a waking", ftraceLine("<idle>", 0, 1, at, "sched_waking: comm=t14 pid=14 prio=120 target_cpu=001") + forkLine(0, at+52, 14), "fork 2, woken 1"},
		{"blanks lost", strings.ReplaceAll(run, "      ", "") + forkLine(0, at+52, 14), "fork 3, switch-in 1, switch-out 2"},
		{"others between", run + others + forkLine(0, at+52, 14), "fork 243, switch-in 1, switch-out 2"},
		{"too many between", run + others + others + forkLine(0, at+52, 14), "fork 483"},
		{"too early", run + forkLine(0, at+10_040, 14), "fork 3, switch-out 2"},
		{"on the fork's CPU", run + switchLine(0, at+51, 14, "S", 0) + forkLine(0, at+52, 14), "fork 4"},
		{"of an earlier thread", run + switchLine(1, at+51, 0, "R", 14) + switchLine(1, at+51, 14, "X", 0) + forkLine(0, at+52, 14), "fork 5"},
		{"behind an earlier thread", switchLine(1, at, 14, "X", 0) + run + forkLine(0, at+52, 14), "fork 4, switch-in 2, switch-out 3"},
		{"behind its free", run + ftraceLine("<idle>", 0, 1, at+50, "sched_process_free: comm=t14 pid=14 prio=120") + switchLine(1, at+51, 0, "R", 14) + forkLine(0, at+52, 14), "freed 3, fork 5, switch-in 4"},
		{"of no kernel thread", run + strings.ReplaceAll(forkLine(0, at+52, 14), "kthreadd", "init") + "", ""},
		{"of another", run + forkLine(0, at+52, 15), "fork 3"},
		{"damaged", strings.Replace(run, "prev_state", "prev\x00state", 1) + forkLine(0, at+52, 14), "loss 1, fork 3, switch-out 2"},
		{"two", run + switchLine(1, at+51, 0, "R", 15) + forkLine(0, at+52, 14) + forkLine(0, at+53, 15), "fork 4, switch-in 1, switch-out 2, fork 5, switch-in 3"},
	} {
		if test.name == "of no kernel thread" {
			test.in = strings.ReplaceAll(test.in, "pid=2 ", "pid=1 ")
		}
		for _, before := range []int{0, 1, 300, 2000, 9000} { // lines; a block has some hundred at first
			var b strings.Builder
			b.WriteString("# tracer: nop\n")
			for i := range before {
				b.WriteString(switchLine(2, at-before+i, 30+i%2, "S", 31-i%2))
			}
			in := b.String() + test.in
			sameInBlocks(t, test.name, []byte(in), []int{9999})
			var got []string
			r := New(strings.NewReader(in), Options{Interest: traces.NewInterest()})
			for r.Scan() {
				e := r.Event()
				got = append(got, fmt.Sprintf("%v %d", e.Kind, e.Line-1-before))
			}
			r.Close()
			if s := strings.Join(got, ", "); s != test.want {
				t.Errorf("%s behind %d lines: %s, want %s", test.name, before, s, test.want)
			}
		}
	}
}

// scheduled is a trace of some CPUs of which each switch goes on from the one before, as
// lines.
func scheduled(lines int, pids []int) (out []string) {
	rnd := rand.New(rand.NewPCG(1, 2))
	has := make([]int, 4) // by CPU
	for i := range lines {
		cpu := rnd.IntN(len(has))
		next := pids[rnd.IntN(len(pids))]
		for next == has[cpu] {
			next = pids[rnd.IntN(len(pids))]
		}
		out = append(out, switchLine(cpu, 60_000_000+10*i, has[cpu], "S", next))
		if has[cpu] = next; i%3 == 0 {
			out = append(out, ftraceLine("<idle>", 0, cpu, 60_000_000+10*i, fmt.Sprintf("sched_waking: comm=x pid=%d prio=120 target_cpu=001", pids[rnd.IntN(len(pids))])))
		}
	}
	return out
}

// Where lines of a CPU are missing in a trace that is whole else, that is a loss. Where they
// are missing again and again, somebody has filtered the trace.
func TestMissingSwitches(t *testing.T) {
	t.Parallel()
	pids := []int{0, 20, 21, 22, 23, 24, 25, 26}
	whole := scheduled(6000, pids)
	read := func(lines []string) (losses, diagnostics int) {
		t.Helper()
		in := []byte("# tracer: nop\n" + strings.Join(lines, ""))
		sameInBlocks(t, "a trace", in, []int{26})
		sameInBlocks(t, "a trace", in, []int{9999})
		set := traces.NewInterest()
		set.Add(26)
		r := New(bytes.NewReader(in), Options{Interest: set})
		defer r.Close()
		for r.Scan() {
			e := r.Event()
			if e.Kind != traces.Loss {
				continue
			}
			losses++
			if e.Since == 0 || e.Since >= e.Line {
				t.Errorf("a loss in line %d since line %d", e.Line, e.Since)
			}
		}
		return losses, r.Stats().Unusable
	}
	if l, d := read(whole); l+d > 0 {
		t.Errorf("whole: %d losses, %d diagnostics", l, d)
	}
	cut := append(append([]string{}, whole[:3000]...), whole[3040:]...)
	if l, d := read(cut); l == 0 || l > 4 || d != l {
		t.Errorf("40 lines missing: %d losses, %d diagnostics", l, d)
	}
	early := append(append([]string{}, whole[:30]...), whole[70:]...)
	if l, d := read(early); l+d > 0 {
		t.Errorf("40 lines missing near the beginning: %d losses, %d diagnostics", l, d)
	}
	lost := append(append(append([]string{}, whole[:3000]...), "CPU:0 [LOST 40 EVENTS]\n", "CPU:1 [LOST 40 EVENTS]\n", "CPU:2 [LOST 40 EVENTS]\n", "CPU:3 [LOST 40 EVENTS]\n"), whole[3040:]...)
	if l, d := read(lost); l != 4 || d != 0 {
		t.Errorf("40 lines lost, and said so: %d losses, %d diagnostics", l, d)
	}
	for _, pattern := range []string{"pid=26 ", "_pid=2[01] ", "\\[000\\]"} {
		var some []string
		for _, line := range whole {
			switch {
			case pattern == "pid=26 " && strings.Contains(line, pattern),
				pattern == "_pid=2[01] " && (strings.Contains(line, "_pid=20 ") || strings.Contains(line, "_pid=21 ")),
				pattern == "\\[000\\]" && strings.Contains(line, "[000]"):
				some = append(some, line)
			}
		}
		filtered := 1
		if pattern == "\\[000\\]" {
			filtered = 0
		}
		if l, d := read(some); l != 0 || d != filtered {
			t.Errorf("grep %s: %d losses, %d diagnostics", pattern, l, d)
		}
	}
}

// A trace whose header names several CPUs and that has shown one so far may be one CPU's
// lines before another's.
func TestOneCPU(t *testing.T) {
	const header = "# entries-in-buffer/entries-written: 4/4   #P:2\n"
	for _, test := range []struct {
		in   string
		want bool
	}{
		{header + forkLine(0, 1, 14), true},
		{header + forkLine(0, 1, 14) + forkLine(1, 2, 15), false},
		{header + forkLine(0, 1, 14) + forkLine(1, 2, 15) + header + forkLine(1, 3, 16), false},
		{strings.ReplaceAll(header, "P:2", "P:1") + forkLine(0, 1, 14), false},
		{"# tracer: nop\n" + forkLine(0, 1, 14), false},
	} {
		r := New(strings.NewReader(test.in), Options{Interest: traces.NewInterest()})
		for r.Scan() {
		}
		r.Close()
		if got := r.Stats().OneCPU; got != test.want {
			t.Errorf("%s: %v", test.in, got)
		}
	}
}
