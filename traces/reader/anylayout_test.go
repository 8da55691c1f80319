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

// A randomPrinter writes a trace in some layout that a kernel, a tool or a paste has:
// columns that are there or not, that are wider than usual, and that shift from one
// line to the next.
type randomPrinter struct {
	*rand.Rand
	names         []string
	layout        int // 0..5 ftrace, 6, 7 trace-cmd, 8 perf, 9 latency
	tgid, flags   int
	width, digits int
	clock         int
	wide, pasted  bool // some CPUs' numbers are large; blanks at the left are gone
	crlf          bool
	began         int64 // in seconds
	ns            int64 // of the present line
}

var anyPIDs = []int{1, 2, 9, 12, 338, 347, 338338, 4194303, 999999, 5001, 33}

func (p *randomPrinter) pick(s ...string) string { return s[p.IntN(len(s))] }
func (p *randomPrinter) one(n int) bool          { return p.IntN(n) == 0 }
func (p *randomPrinter) pid() int                { return anyPIDs[p.IntN(len(anyPIDs))] }
func (p *randomPrinter) prio() string {
	return p.pick("120", "120", "120", "0", "-1", "98", "139", "-101", "49")
}
func (p *randomPrinter) state() string {
	return p.pick("R", "R+", "S", "D", "I", "P", "X", "Z", "D|K", "x", "S|N", "DK", "X|Z")
}

// plugin says whether a line has the words of libtraceevent's plugins.
func (p *randomPrinter) plugin() bool { return (p.layout == 6 || p.layout == 7) && p.one(2) }

// anyLayout is what a randomPrinter writes.
func anyLayout(rng *rand.Rand) []byte {
	p := randomPrinter{Rand: rng, names: []string{
		"kt_ok", "rs:main Q:Reg", "kt-dash-12", "kt [b](c)", "a-1 [000] 1: x:", "<...>", "kthreadd", "<idle>", "swapper/0", "swapper/12", "",
		" next_pid=1", "=>", "x ==> next_comm=", "exactly15bytes!", "sched_switch: ", "\xc3\xa9", "a", ":-1", "kworker/0:1H", " pid=9", "123", "-", "-9",
	}}
	if p.one(8) {
		p.names = append(p.names, "two\nlines", "t\tb")
	}
	p.tgid, p.flags, p.wide = p.IntN(4), p.IntN(4), p.one(5)
	p.width, p.began = 7*p.IntN(2), 1
	for range p.IntN(9) {
		p.began = p.began*10 + p.Int64N(10)
	}
	p.layout = p.IntN(10)
	p.digits, p.clock = 6, p.IntN(8)
	if p.layout == 6 && p.one(3) {
		p.digits = 9
	}
	if p.layout == 8 { // a file whose first line has this is taken for ftrace's
		p.names = slices.DeleteFunc(p.names, func(n string) bool { return strings.Contains(n, "[000]") })
	}
	p.crlf, p.pasted = p.one(8), p.one(8)
	p.ns = p.began * 1e9
	var b bytes.Buffer
	b.WriteString(p.head())
	for range 40 + p.IntN(120) {
		b.WriteString(p.line() + "\n")
	}
	if p.one(10) {
		b.Truncate(b.Len() - 1 - p.IntN(20))
	}
	return b.Bytes()
}

func (p *randomPrinter) head() string {
	switch {
	case p.layout <= 5 && p.tgid == 0:
		return "# tracer: nop\n#\n# entries-in-buffer/entries-written: 900/900   #P:4\n#\n" +
			"#           TASK-PID    TGID     CPU#  |||||  TIMESTAMP  FUNCTION\n"
	case p.layout <= 5:
		return "# tracer: nop\n#\n# entries-in-buffer/entries-written: 900/900   #P:4\n#\n" +
			"#           TASK-PID     CPU#  |||||  TIMESTAMP  FUNCTION\n#              | |         |   |||||     |         |\n"
	case p.layout <= 7:
		return "cpus=2\n"
	case p.layout == 9:
		return "# tracer: nop\n#\n# nop latency trace v1.1.5 on 6.12.1\n# --------------------------------------------------------------------\n"
	}
	return ""
}

// line is the next line, perhaps damaged.
func (p *randomPrinter) line() string {
	p.ns += p.Int64N(3000)
	if p.one(30) {
		p.ns += p.Int64N(2e10)
	}
	cpu := p.IntN(4)
	if p.wide && p.one(4) {
		cpu = []int{999, 1000, 4095, 127}[p.IntN(4)]
	}
	pid, comm := p.pid(), p.pick(p.names...)
	if p.one(4) {
		pid, comm = 0, "<idle>"
		if p.layout >= 6 {
			comm = p.pick("<idle>", "swapper")
		}
	}
	event, body := p.event(cpu, pid, comm)
	line := p.columns(cpu, pid, comm, event, body)
	if p.pasted {
		line = strings.TrimLeft(line, " ")
	}
	if p.one(60) {
		line = line[:p.IntN(len(line))]
	}
	if p.one(80) && p.layout != 8 {
		line = fmt.Sprintf("CPU:%d [LOST %d EVENTS]", cpu, 1+p.IntN(99))
	}
	if p.one(80) && len(line) > 9 {
		i := p.IntN(len(line))
		line = line[:i] + p.pick(" ", "x", "-", "1", "[", "") + line[i+1:]
	}
	if p.crlf || p.one(50) {
		line += "\r"
	}
	return line
}

// event is what happens in the context of a task.
func (p *randomPrinter) event(cpu, pid int, comm string) (event, body string) {
	name := comm
	if comm == "<idle>" {
		name = fmt.Sprintf("swapper/%d", cpu)
	}
	prev := pid
	if p.one(10) {
		prev = p.pid()
	}
	if p.one(6) {
		name = p.pick(p.names...)
	}
	other, otherName := p.pid(), p.pick(p.names...)
	if p.one(5) {
		other, otherName = 0, fmt.Sprintf("swapper/%d", cpu)
	}
	switch p.IntN(14) {
	case 0, 1, 2, 3, 4, 5:
		event = "sched_switch"
		body = fmt.Sprintf("prev_comm=%s prev_pid=%d prev_prio=%s prev_state=%s ==> next_comm=%s next_pid=%d next_prio=%s", name, prev, p.prio(), p.state(), otherName, other, p.prio())
		if p.plugin() {
			body = fmt.Sprintf("%s:%d [%s] %s ==> %s:%d [%s]", name, prev, p.prio(), p.state(), otherName, other, p.prio())
		}
	case 6, 7, 8:
		event = p.pick("sched_waking", "sched_wakeup", "sched_wakeup_new")
		body = fmt.Sprintf("comm=%s pid=%d prio=%s target_cpu=%03d", otherName, other, p.prio(), cpu)
		if p.one(9) {
			body = fmt.Sprintf("comm=%s pid=%d prio=%s success=%d target_cpu=%03d", otherName, other, p.prio(), p.IntN(2), cpu)
		}
		if p.plugin() {
			body = fmt.Sprintf("%s:%d [%s] CPU:%03d", otherName, other, p.prio(), cpu)
		}
	case 9:
		event = "sched_process_fork"
		body = fmt.Sprintf("comm=%s pid=%d child_comm=%s child_pid=%d", p.pick("kthreadd", name), []int{2, pid}[p.IntN(2)], p.pick("kthreadd", otherName), other)
	case 10:
		event = p.pick("sched_kthread_stop", "sched_process_exit", "sched_process_free", "sched_process_wait")
		body = fmt.Sprintf("comm=%s pid=%d", otherName, other)
		if event != "sched_kthread_stop" {
			body += " prio=" + p.prio()
		}
		if p.one(5) {
			body += " group_dead=true"
		}
	case 11:
		event, body = "sched_kthread_stop_ret", fmt.Sprintf("ret=%d", []int{-4, 0, 255, -2147483648, 7}[p.IntN(5)])
	case 12:
		event, body = "tracing_mark_write", fmt.Sprintf("sched_switch: prev_comm=a prev_pid=1 prev_prio=120 prev_state=S ==> next_comm=b next_pid=%d next_prio=120", other)
	default:
		event, body = p.pick("sched_stat_runtime", "sched_migrate_task", "irq_handler_entry", "kfree_skb"), fmt.Sprintf("comm=%s pid=%d runtime=1 [ns]", otherName, other)
	}
	return event, body
}

// columns puts an event into the layout's columns.
func (p *randomPrinter) columns(cpu, pid int, comm, event, body string) string {
	stamp := fmt.Sprintf("%d.%06d", p.ns/1e9, p.ns%1e9/1000)
	switch {
	case p.digits == 9:
		stamp = fmt.Sprintf("%d.%09d", p.ns/1e9, p.ns%1e9)
	case p.clock == 0 && p.layout != 8:
		stamp = fmt.Sprint(p.ns) // x86-tsc
	}
	if p.layout <= 5 || p.layout == 7 || p.one(2) {
		stamp = fmt.Sprintf("%12s", stamp)
	}
	f := p.pick(".....", "d..2.", "dNh2.", "..s1.", "d.h3.")
	if p.flags == 1 {
		f = f[:4]
	}
	if p.flags == 2 {
		f = ""
	}
	if p.one(40) {
		f = "d..21."
	}
	switch {
	case p.layout <= 5:
		group := ""
		if p.tgid == 0 {
			group = p.pick(fmt.Sprintf("(%*d) ", p.width, pid), "(-------) ")
		}
		if p.flags == 2 {
			return fmt.Sprintf("%16s-%-7d %s[%03d] %s: %s: %s", comm, pid, group, cpu, stamp, event, body)
		}
		return fmt.Sprintf("%16s-%-*d %s[%03d] %s %s: %s: %s", comm, p.width, pid, group, cpu, f, stamp, event, body)
	case p.layout <= 7:
		f := p.pick("", "", f+" ")
		return fmt.Sprintf("%16s-%-5d [%03d] %s%s: %-20s %s", comm, pid, cpu, f, stamp, event+":", body)
	case p.layout == 8:
		return fmt.Sprintf("%15s %5d [%03d] %s: %26s: %s", comm, pid, cpu, stamp, "sched:"+event, body)
	}
	return fmt.Sprintf("%8.8s-%-7d %3d%s %6d%s: %s: %s", comm, pid, cpu, "dNh2.", (p.ns-p.began*1e9)/1000, p.pick("us", "us+", "us!"), event, body)
}

// Skimming finds the same events as decoding, whatever columns a trace has.
func TestSkimmingOfAnyLayout(t *testing.T) {
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
			want, wantStats := watchForks(t, in, pids, decodeAll)
			for _, w := range ways {
				got, stats := watchForks(t, in, pids, w)
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

// watchForks is watchedBy a caller that adds threads to the interest when they are forked
// or stopped, as the checker does.
func watchForks(t *testing.T, in []byte, pids []int, w way) (string, traces.Stats) {
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
