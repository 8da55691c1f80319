package reader

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/kthread-tla/tracecheck/traces"
)

// anyLayout writes a trace in some layout that a kernel, a tool or a paste has:
// columns that are there or not, that are wider than usual, and that shift from
// one line to the next.
func anyLayout(rng *rand.Rand) []byte {
	pick := func(s ...string) string { return s[rng.IntN(len(s))] }
	one := func(n int) bool { return rng.IntN(n) == 0 }
	names := []string{
		"kt_ok", "rs:main Q:Reg", "kt-dash-12", "kt [b](c)", "a-1 [000] 1: x:", "<...>", "kthreadd", "<idle>", "swapper/0", "swapper/12", "",
		" next_pid=1", "=>", "x ==> next_comm=", "exactly15bytes!", "sched_switch: ", "\xc3\xa9", "a", ":-1", "kworker/0:1H", " pid=9", "123", "-", "-9",
	}
	if one(8) {
		names = append(names, "two\nlines", "t\tb")
	}
	pids := []int{1, 2, 9, 12, 338, 347, 338338, 4194303, 999999, 5001, 33}
	tgid, flags, wide := rng.IntN(4), rng.IntN(4), one(5)
	width := 7 * rng.IntN(2)
	seconds := int64(1)
	for range rng.IntN(9) {
		seconds = seconds*10 + rng.Int64N(10)
	}
	layout := rng.IntN(10) // 0..5 ftrace, 6, 7 trace-cmd, 8 perf, 9 latency
	digits, clock := 6, rng.IntN(8)
	if layout == 6 && one(3) {
		digits = 9
	}
	if layout == 8 { // a file whose first line has this is taken for ftrace's
		names = slices.DeleteFunc(names, func(n string) bool { return strings.Contains(n, "[000]") })
	}
	crlf, pasted := one(8), one(8)
	var b bytes.Buffer
	switch {
	case layout <= 5:
		b.WriteString("# tracer: nop\n#\n# entries-in-buffer/entries-written: 900/900   #P:4\n#\n")
		switch tgid {
		case 0:
			b.WriteString("#           TASK-PID    TGID     CPU#  |||||  TIMESTAMP  FUNCTION\n")
		default:
			b.WriteString("#           TASK-PID     CPU#  |||||  TIMESTAMP  FUNCTION\n#              | |         |   |||||     |         |\n")
		}
	case layout <= 7:
		b.WriteString("cpus=2\n")
	case layout == 9:
		b.WriteString("# tracer: nop\n#\n# nop latency trace v1.1.5 on 6.12.1\n# --------------------------------------------------------------------\n")
	}
	ns := seconds * 1e9
	asleep := func() string { return pick("R", "R+", "S", "D", "I", "P", "X", "Z", "D|K", "x", "S|N", "DK", "X|Z") }
	prio := func() string { return pick("120", "120", "120", "0", "-1", "98", "139", "-101", "49") }
	for range 40 + rng.IntN(120) {
		ns += rng.Int64N(3000)
		if one(30) {
			ns += rng.Int64N(2e10)
		}
		cpu := rng.IntN(4)
		if wide && one(4) {
			cpu = []int{999, 1000, 4095, 127}[rng.IntN(4)]
		}
		pid, comm := pids[rng.IntN(len(pids))], pick(names...)
		if one(4) {
			pid, comm = 0, "<idle>"
			if layout >= 6 {
				comm = pick("<idle>", "swapper")
			}
		}
		name := comm
		if comm == "<idle>" {
			name = fmt.Sprintf("swapper/%d", cpu)
		}
		prev := pid
		if one(10) {
			prev = pids[rng.IntN(len(pids))]
		}
		if one(6) {
			name = pick(names...)
		}
		other, otherName := pids[rng.IntN(len(pids))], pick(names...)
		if one(5) {
			other, otherName = 0, fmt.Sprintf("swapper/%d", cpu)
		}
		var event, body string
		switch rng.IntN(14) {
		case 0, 1, 2, 3, 4, 5:
			event = "sched_switch"
			body = fmt.Sprintf("prev_comm=%s prev_pid=%d prev_prio=%s prev_state=%s ==> next_comm=%s next_pid=%d next_prio=%s", name, prev, prio(), asleep(), otherName, other, prio())
			if (layout == 6 || layout == 7) && one(2) {
				body = fmt.Sprintf("%s:%d [%s] %s ==> %s:%d [%s]", name, prev, prio(), asleep(), otherName, other, prio())
			}
		case 6, 7, 8:
			event = pick("sched_waking", "sched_wakeup", "sched_wakeup_new")
			body = fmt.Sprintf("comm=%s pid=%d prio=%s target_cpu=%03d", otherName, other, prio(), cpu)
			if one(9) {
				body = fmt.Sprintf("comm=%s pid=%d prio=%s success=%d target_cpu=%03d", otherName, other, prio(), rng.IntN(2), cpu)
			}
			if (layout == 6 || layout == 7) && one(2) {
				body = fmt.Sprintf("%s:%d [%s] CPU:%03d", otherName, other, prio(), cpu)
			}
		case 9:
			event = "sched_process_fork"
			body = fmt.Sprintf("comm=%s pid=%d child_comm=%s child_pid=%d", pick("kthreadd", name), []int{2, pid}[rng.IntN(2)], pick("kthreadd", otherName), other)
		case 10:
			event = pick("sched_kthread_stop", "sched_process_exit", "sched_process_free", "sched_process_wait")
			body = fmt.Sprintf("comm=%s pid=%d", otherName, other)
			if event != "sched_kthread_stop" {
				body += " prio=" + prio()
			}
			if one(5) {
				body += " group_dead=true"
			}
		case 11:
			event, body = "sched_kthread_stop_ret", fmt.Sprintf("ret=%d", []int{-4, 0, 255, -2147483648, 7}[rng.IntN(5)])
		case 12:
			event, body = "tracing_mark_write", fmt.Sprintf("sched_switch: prev_comm=a prev_pid=1 prev_prio=120 prev_state=S ==> next_comm=b next_pid=%d next_prio=120", other)
		default:
			event, body = pick("sched_stat_runtime", "sched_migrate_task", "irq_handler_entry", "kfree_skb"), fmt.Sprintf("comm=%s pid=%d runtime=1 [ns]", otherName, other)
		}
		stamp := fmt.Sprintf("%d.%06d", ns/1e9, ns%1e9/1000)
		switch {
		case digits == 9:
			stamp = fmt.Sprintf("%d.%09d", ns/1e9, ns%1e9)
		case clock == 0 && layout != 8:
			stamp = fmt.Sprint(ns) // x86-tsc
		}
		if layout <= 5 || layout == 7 || one(2) {
			stamp = fmt.Sprintf("%12s", stamp)
		}
		f := pick(".....", "d..2.", "dNh2.", "..s1.", "d.h3.")
		if flags == 1 {
			f = f[:4]
		}
		if flags == 2 {
			f = ""
		}
		if one(40) {
			f = "d..21."
		}
		var line string
		switch {
		case layout <= 5:
			group := ""
			switch tgid {
			case 0:
				group = pick(fmt.Sprintf("(%*d) ", width, pid), "(-------) ")
			}
			line = fmt.Sprintf("%16s-%-*d %s[%03d] %s %s: %s: %s", comm, width, pid, group, cpu, f, stamp, event, body)
			if flags == 2 {
				line = fmt.Sprintf("%16s-%-7d %s[%03d] %s: %s: %s", comm, pid, group, cpu, stamp, event, body)
			}
		case layout <= 7:
			f := pick("", "", f+" ")
			line = fmt.Sprintf("%16s-%-5d [%03d] %s%s: %-20s %s", comm, pid, cpu, f, stamp, event+":", body)
		case layout == 8:
			line = fmt.Sprintf("%15s %5d [%03d] %s: %26s: %s", comm, pid, cpu, stamp, "sched:"+event, body)
		default:
			line = fmt.Sprintf("%8.8s-%-7d %3d%s %6d%s: %s: %s", comm, pid, cpu, "dNh2.", (ns-seconds*1e9)/1000, pick("us", "us+", "us!"), event, body)
		}
		if pasted {
			line = strings.TrimLeft(line, " ")
		}
		if one(60) {
			line = line[:rng.IntN(len(line))]
		}
		if one(80) && layout != 8 {
			line = fmt.Sprintf("CPU:%d [LOST %d EVENTS]", cpu, 1+rng.IntN(99))
		}
		if one(80) && len(line) > 9 {
			i := rng.IntN(len(line))
			line = line[:i] + pick(" ", "x", "-", "1", "[", "") + line[i+1:]
		}
		if crlf || one(50) {
			line += "\r"
		}
		b.WriteString(line + "\n")
	}
	if one(10) {
		b.Truncate(b.Len() - 1 - rng.IntN(20))
	}
	return b.Bytes()
}

// In whatever columns a trace is, a glance at its lines finds what a whole reading
// of them does.
func TestGlancesAtAnyLayout(t *testing.T) {
	t.Parallel()
	seeds := uint64(300)
	if testing.Short() {
		seeds = 15
	}
	for seed := range seeds {
		rng := rand.New(rand.NewPCG(seed, 11))
		in := anyLayout(rng)
		if seed%100 == 0 { // of many blocks
			in = bytes.Repeat(in, 1+3*blockSize/len(in))
		}
		for _, pids := range [][]int{nil, {338}, {1, 338, 338338, 5001}} {
			want, wantStats := grown(t, in, pids, decodeAll)
			for _, w := range ways {
				got, stats := grown(t, in, pids, w)
				if want != got {
					t.Fatalf("seed %d, %v: %s: -all decoded +it\n%s", seed, pids, w.name, cmp.Diff(want, got))
				}
				if d := cmp.Diff(wantStats, stats); d != "" {
					t.Fatalf("seed %d, %v: %s: stats: -all decoded +it\n%s", seed, pids, w.name, d)
				}
			}
		}
	}
}

// grown is watched by somebody who asks for the threads that are forked or
// stopped, as the checker does.
func grown(t *testing.T, in []byte, pids []int, w way) (string, traces.Stats) {
	t.Helper()
	return watchedBy(t, bytes.NewReader(in), pids, w, func(set *traces.Interest, e *traces.Event) {
		switch e.Kind {
		case traces.Fork, traces.StopCall:
			set.Add(e.Thread.PID)
			set.Add(e.By.PID)
		case traces.StopReturn:
			set.Remove(e.By.PID)
		case traces.Freed:
			set.Remove(e.Thread.PID)
		}
	})
}
