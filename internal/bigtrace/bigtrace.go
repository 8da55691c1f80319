// Package bigtrace writes traces and kernel logs as large as one likes, for
// benchmarks: threads are created, woken, stopped, raced and parked, many of
// them at once, among the ordinary scheduling of a busy machine.
package bigtrace

import (
	"bufio"
	"fmt"
	"io"
	"math/rand/v2"
)

// A Trace is what to write.
type Trace struct {
	Bytes   int64   // about how many
	Kthread float64 // the share of lines that belong to a thread's lifecycle, 0 to 1
	Seed    uint64
}

// A task of the machine, to fill the trace with.
type task struct {
	comm string
	pid  int
}

// A life under way: what its next line is.
type life struct {
	pid, cpu, step int
	comm           string
	raced          bool // it is stopped before it can run
	code           int
	stopper        task
}

// Ftrace writes the text of ftrace's trace file. The numbers of lines and of
// lives are returned.
func Ftrace(w io.Writer, t Trace) (lines, lives int, err error) {
	out := bufio.NewWriterSize(w, 1<<20)
	rng := rand.New(rand.NewPCG(t.Seed, 1))
	const cpus = 8
	var noise []task
	for i := range 200 {
		noise = append(noise, task{[]string{"kworker/%d:1", "chrome", "Web Content", "rcu_preempt", "jbd2/sda-%d", "ksoftirqd/%d", "bash", "python3", "rs:main Q:Reg", "irq/%d-nvme"}[i%10], 1000 + i})
		if i%10 == 0 || i%10 == 4 || i%10 == 5 || i%10 == 9 {
			noise[i].comm = fmt.Sprintf(noise[i].comm, i%cpus)
		}
	}
	var open []*life
	nextPID := 5000
	now := int64(1000 * 1e6) // microseconds
	var written int64
	count := func(n int, e error) {
		written += int64(n)
		lines++
		if e != nil && err == nil {
			err = e
		}
	}
	line := func(comm string, pid, cpu int, flags, event string, args ...any) {
		now += int64(1 + rng.IntN(6))
		n, e := fmt.Fprintf(out, "%16s-%-7d [%03d] %s %5d.%06d: ", comm, pid, cpu, flags, now/1e6, now%1e6)
		m, e2 := fmt.Fprintf(out, event, args...)
		_, e3 := out.WriteString("\n")
		if e == nil {
			e = e2
		}
		if e == nil {
			e = e3
		}
		count(n+m+1, e)
	}
	if _, e := fmt.Fprintf(out, "# tracer: nop\n#\n# entries-in-buffer/entries-written: 1/1   #P:%d\n#\n", cpus); e != nil {
		return 0, 0, e
	}
	sw := func(cpu int, from task, state string, to task) {
		line(from.comm, from.pid, cpu, "d..2.", "sched_switch: prev_comm=%s prev_pid=%d prev_prio=120 prev_state=%s ==> next_comm=%s next_pid=%d next_prio=120",
			from.comm, from.pid, state, to.comm, to.pid)
	}
	idle := func(cpu int) task { return task{"swapper/" + fmt.Sprint(cpu), 0} }
	current := func(t task) string {
		if t.pid == 0 {
			return "<idle>"
		}
		return t.comm
	}
	_ = current
	for written < t.Bytes && err == nil {
		if rng.Float64() >= t.Kthread {
			cpu := rng.IntN(cpus)
			a, b := noise[rng.IntN(len(noise))], noise[rng.IntN(len(noise))]
			switch rng.IntN(4) {
			case 0:
				line(a.comm, a.pid, cpu, "d..2.", "sched_waking: comm=%s pid=%d prio=120 target_cpu=%03d", b.comm, b.pid, cpu)
			case 1:
				line(a.comm, a.pid, cpu, "dN.2.", "sched_wakeup: comm=%s pid=%d prio=120 target_cpu=%03d", b.comm, b.pid, cpu)
			default:
				sw(cpu, a, []string{"S", "R", "R+", "D", "I"}[rng.IntN(5)], b)
			}
			continue
		}
		if len(open) == 0 || len(open) < 300 && rng.IntN(12) == 0 {
			nextPID++
			if nextPID > 32000 {
				nextPID = 5000
			}
			open = append(open, &life{
				pid: nextPID, cpu: rng.IntN(cpus), comm: fmt.Sprintf("kt_%d", nextPID%100), raced: rng.IntN(3) == 0,
				code: rng.IntN(4), stopper: task{"rmmod", 40000 + nextPID},
			})
			lives++
		}
		i := rng.IntN(len(open))
		l := open[i]
		k := task{l.comm, l.pid}
		switch l.step {
		case 0:
			line("kthreadd", 2, l.cpu, ".....", "sched_process_fork: comm=kthreadd pid=2 child_comm=%s child_pid=%d", l.comm, l.pid)
		case 1:
			sw(l.cpu, idle(l.cpu), "R", k)
		case 2:
			sw(l.cpu, k, "D", idle(l.cpu))
			if l.raced {
				l.step = 6
			}
		case 3:
			line("insmod", 900, l.cpu, "d..2.", "sched_waking: comm=%s pid=%d prio=120 target_cpu=%03d", l.comm, l.pid, l.cpu)
		case 4:
			sw(l.cpu, idle(l.cpu), "R", k)
		case 5:
			sw(l.cpu, k, "S", idle(l.cpu))
		case 6, 7:
			l.step = 7
			line(l.stopper.comm, l.stopper.pid, l.cpu, ".....", "sched_kthread_stop: comm=%s pid=%d", l.comm, l.pid)
		case 8:
			line(l.stopper.comm, l.stopper.pid, l.cpu, "d..2.", "sched_waking: comm=%s pid=%d prio=120 target_cpu=%03d", l.comm, l.pid, l.cpu)
		case 9:
			sw(l.cpu, idle(l.cpu), "R", k)
		case 10:
			line(l.comm, l.pid, l.cpu, ".....", "sched_process_exit: comm=%s pid=%d prio=120", l.comm, l.pid)
		case 11:
			code := l.code
			if l.raced {
				code = -4
			}
			line(l.stopper.comm, l.stopper.pid, l.cpu, ".....", "sched_kthread_stop_ret: ret=%d", code)
		case 12:
			sw(l.cpu, k, "X", idle(l.cpu))
		default:
			open[i] = open[len(open)-1]
			open = open[:len(open)-1]
			continue
		}
		l.step++
	}
	if e := out.Flush(); err == nil {
		err = e
	}
	return lines, lives, err
}
