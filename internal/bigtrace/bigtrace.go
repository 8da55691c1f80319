// Package bigtrace writes traces and kernel logs as large as one likes, for
// benchmarks: threads are created, woken, stopped, raced and parked, and end by
// themselves, many of them at once, among the ordinary scheduling of a busy
// machine, or the ordinary messages of one.
package bigtrace

import (
	"bufio"
	"fmt"
	"io"
	"math/rand/v2"
	"strconv"
)

// A Trace is what to write.
type Trace struct {
	Bytes   int64   // about how many
	Kthread float64 // the share of lines that belong to a thread's lifecycle, 0 to 1
	Alive   int     // how many threads there are at once; 0: 300
	Short   bool    // threads are created and stopped, and do nothing else
	Lives   int     // stop when there have been so many; 0: no limit
	Seed    uint64
}

// A task of the machine.
type task struct {
	comm string
	pid  int
}

// A way is what becomes of a thread: the steps of its life.
type way []step

type step uint8

const (
	fork step = iota
	in
	firstSleep
	woken
	sleep
	stopCall
	stopWakes
	stopperSleeps
	exit
	dead
	stopReturn
	parkSleep
	unpark
	wokenByTimer
)

var ways = []struct {
	weight int
	steps  way
}{
	{4, way{fork, in, firstSleep, woken, in, sleep, stopCall, stopWakes, stopperSleeps, in, exit, stopReturn, dead}},
	{3, way{fork, in, firstSleep, stopCall, stopWakes, stopperSleeps, in, exit, stopReturn, dead}},          // raced
	{2, way{fork, in, firstSleep, woken, in, sleep, wokenByTimer, in, sleep, wokenByTimer, in, exit, dead}}, // ends by itself
	{2, way{fork, in, firstSleep, woken, in, sleep, parkSleep, unpark, in, parkSleep, unpark, in, sleep, wokenByTimer, in, sleep, stopCall, stopWakes, in, exit, stopReturn, dead}},
	{1, way{fork, in, firstSleep, woken, in, sleep, wokenByTimer, in, sleep, wokenByTimer, in, sleep, wokenByTimer, in, sleep, wokenByTimer, in, sleep, stopCall, stopWakes, stopperSleeps, in, exit, dead, stopReturn}},
}

// A life under way.
type life struct {
	task
	cpu, next int
	steps     way
	raced     bool
	stopper   task
	code      int
}

// A writer makes the lines of a trace.
type writer struct {
	out     *bufio.Writer
	rng     *rand.Rand
	now     int64 // microseconds
	written int64
	lines   int
	buf     []byte
}

func (w *writer) head(by task, cpu int, flags string) {
	w.now += int64(1 + w.rng.IntN(6))
	b := w.buf[:0]
	for range 16 - len(by.comm) {
		b = append(b, ' ')
	}
	b = append(append(b, by.comm...), '-')
	n := len(b)
	b = strconv.AppendInt(b, int64(by.pid), 10)
	for len(b) < n+7 {
		b = append(b, ' ')
	}
	b = append(b, ' ', '[', byte('0'+cpu/100), byte('0'+cpu/10%10), byte('0'+cpu%10), ']', ' ')
	b = append(append(b, flags...), ' ')
	n = len(b)
	if b = strconv.AppendInt(b, w.now/1e6, 10); len(b)-n < 5 {
		b = append(append(b[:n], "     "[:5-(len(b)-n)]...), strconv.Itoa(int(w.now/1e6))...)
	}
	b = append(b, '.')
	for unit := int64(1e5); unit > 0; unit /= 10 {
		b = append(b, byte('0'+w.now/unit%10))
	}
	w.buf = append(b, ':', ' ')
}

func (w *writer) words(words ...string) {
	for _, s := range words {
		w.buf = append(w.buf, s...)
	}
}

func (w *writer) number(v int) { w.buf = strconv.AppendInt(w.buf, int64(v), 10) }

func (w *writer) end() {
	w.buf = append(w.buf, '\n')
	w.written += int64(len(w.buf))
	w.lines++
	w.out.Write(w.buf)
}

func (w *writer) commPID(event string, t task, rest string) {
	w.words(event, ": comm=", t.comm, " pid=")
	w.number(t.pid)
	w.words(rest)
	w.end()
}

func (w *writer) switches(cpu int, from task, state string, to task) {
	by := from
	if by.pid == 0 {
		by.comm = "<idle>"
	}
	w.head(by, cpu, "d..2.")
	w.words("sched_switch: prev_comm=", from.comm, " prev_pid=")
	w.number(from.pid)
	w.words(" prev_prio=120 prev_state=", state, " ==> next_comm=", to.comm, " next_pid=")
	w.number(to.pid)
	w.words(" next_prio=120")
	w.end()
}

func (w *writer) wakes(by task, cpu int, flags string, event string, t task) {
	w.head(by, cpu, flags)
	w.commPID(event, t, " prio=120 target_cpu=00"+strconv.Itoa(cpu))
}

const cpus = 8

// Ftrace writes the text of ftrace's trace file. The numbers of lines and of
// lives are returned.
func Ftrace(out io.Writer, t Trace) (lines, lives int, err error) {
	w := &writer{out: bufio.NewWriterSize(out, 1<<20), rng: rand.New(rand.NewPCG(t.Seed, 1)), now: 1000 * 1e6}
	rng := w.rng
	var noise []task
	for i := range 200 {
		name := []string{"kworker/%d:1", "chrome", "Web Content", "rcu_preempt", "jbd2/sda-%d", "ksoftirqd/%d", "bash", "python3", "rs:main Q:Reg", "irq/%d-nvme"}[i%10]
		if i%10 == 0 || i%10 == 4 || i%10 == 5 || i%10 == 9 {
			name = fmt.Sprintf(name, i%cpus)
		}
		noise = append(noise, task{name, 1000 + i})
	}
	weights := 0
	for _, way := range ways {
		weights += way.weight
	}
	alive := t.Alive
	if alive == 0 {
		alive = 300
	}
	var open []*life
	nextPID := 5000
	fmt.Fprintf(w.out, "# tracer: nop\n#\n# entries-in-buffer/entries-written: 1/1   #P:%d\n#\n", cpus)
	for w.written < t.Bytes && (t.Lives == 0 || lives < t.Lives || len(open) > 0) {
		if rng.Float64() >= t.Kthread {
			cpu, a, b := rng.IntN(cpus), noise[rng.IntN(len(noise))], noise[rng.IntN(len(noise))]
			switch rng.IntN(4) {
			case 0:
				w.wakes(a, cpu, "d..2.", "sched_waking", b)
			case 1:
				w.wakes(a, cpu, "dN.2.", "sched_wakeup", b)
			default:
				w.switches(cpu, a, []string{"S", "R", "R+", "D", "I"}[rng.IntN(5)], b)
			}
			continue
		}
		if (len(open) == 0 || len(open) < alive && rng.IntN(12) == 0) && (t.Lives == 0 || lives < t.Lives) {
			if nextPID++; nextPID > 32000 {
				nextPID = 5000
			}
			l := &life{
				task: task{"kt_" + strconv.Itoa(nextPID%100), nextPID}, cpu: rng.IntN(cpus),
				code: rng.IntN(4), stopper: task{"rmmod", 40000 + nextPID},
			}
			n := rng.IntN(weights)
			for _, way := range ways {
				if n -= way.weight; n < 0 {
					l.steps = way.steps
					break
				}
			}
			if t.Short {
				l.steps = ways[rng.IntN(2)].steps
			}
			if l.raced = &l.steps[0] == &ways[1].steps[0]; l.raced {
				l.code = -4
			}
			lives++
			open = append(open, l)
		}
		i := rng.IntN(len(open))
		l := open[i]
		w.step(l, l.steps[l.next])
		if l.next++; l.next == len(l.steps) {
			open[i] = open[len(open)-1]
			open = open[:len(open)-1]
		}
	}
	return w.lines, lives, w.out.Flush()
}

func (w *writer) step(l *life, s step) {
	idle := task{"swapper/" + strconv.Itoa(l.cpu), 0}
	switch s {
	case fork:
		w.head(task{"kthreadd", 2}, l.cpu, ".....")
		w.words("sched_process_fork: comm=kthreadd pid=2 child_comm=", l.comm, " child_pid=")
		w.number(l.pid)
		w.end()
	case in:
		w.switches(l.cpu, idle, "R", l.task)
	case firstSleep:
		w.switches(l.cpu, l.task, "D", idle)
	case sleep:
		w.switches(l.cpu, l.task, "S", idle)
	case parkSleep:
		w.wakes(task{"cpuhp/1", 20}, l.cpu, "d..2.", "sched_waking", l.task)
		w.switches(l.cpu, idle, "R", l.task)
		w.switches(l.cpu, l.task, "P", idle)
	case woken:
		w.wakes(task{"insmod", 900}, l.cpu, "d..2.", "sched_waking", l.task)
	case unpark:
		w.wakes(task{"cpuhp/1", 20}, l.cpu, "d..2.", "sched_waking", l.task)
	case wokenByTimer:
		w.wakes(task{"<idle>", 0}, l.cpu, "d.h4.", "sched_waking", l.task)
	case stopCall:
		w.head(l.stopper, l.cpu, ".....")
		w.commPID("sched_kthread_stop", l.task, "")
	case stopWakes:
		w.wakes(l.stopper, l.cpu, "d..2.", "sched_waking", l.task)
	case stopperSleeps:
		w.switches(l.cpu, l.stopper, "D", idle)
	case exit:
		w.head(l.task, l.cpu, ".....")
		w.commPID("sched_process_exit", l.task, " prio=120")
	case dead:
		w.switches(l.cpu, l.task, "X", idle)
	case stopReturn:
		w.head(l.stopper, l.cpu, ".....")
		w.words("sched_kthread_stop_ret: ret=")
		w.number(l.code)
		w.end()
	}
}

// Dmesg writes a kernel log: the story module is loaded again and again, and
// its two threads are stopped, some before they run, among the messages of
// other drivers; now and then a task is reported as hung.
func Dmesg(out io.Writer, t Trace) (lines, lives int, err error) {
	w := &writer{out: bufio.NewWriterSize(out, 1<<20), rng: rand.New(rand.NewPCG(t.Seed, 2)), now: 5 * 1e6}
	noise := []string{
		"usb 1-1: new high-speed USB device number 5 using xhci_hcd", "EXT4-fs (sda1): mounted filesystem with ordered data mode. Quota mode: none.",
		"audit: type=1400 audit(1700000000.123:45): apparmor=\"STATUS\" operation=\"profile_load\" name=\"snap.x\" pid=812", "e1000e 0000:00:1f.6 eth0: NIC Link is Up 1000 Mbps Full Duplex, Flow Control: Rx/Tx",
		"IPv6: ADDRCONF(NETDEV_CHANGE): eth0: link becomes ready", "device eth0 entered promiscuous mode", "perf: interrupt took too long (2511 > 2500), lowering kernel.perf_event_max_sample_rate to 79500",
	}
	line := func(text ...string) {
		w.now += int64(10 + w.rng.IntN(2000))
		w.buf = fmt.Appendf(w.buf[:0], "[%5d.%06d] ", w.now/1e6, w.now%1e6)
		w.words(text...)
		w.end()
	}
	for w.written < t.Bytes && (t.Lives == 0 || lives < t.Lives) {
		if w.rng.Float64() >= t.Kthread/8 {
			line(noise[w.rng.IntN(len(noise))])
			continue
		}
		if w.rng.IntN(200) == 0 {
			line("INFO: task rmmod:", strconv.Itoa(600+w.rng.IntN(90)), " blocked for more than 120 seconds.")
			line("      Not tainted 6.1.0-18-amd64 #1")
			line("\"echo 0 > /proc/sys/kernel/hung_task_timeout_secs\" disables this message.")
			line("task:rmmod           state:D stack:0     pid:654   ppid:1      flags:0x00004002")
			line("Call Trace:")
			line(" <TASK>")
			line(" __schedule+0x34d/0x9e0")
			line(" schedule+0x5a/0xd0")
			line(" mutex_lock+0x2a/0x50")
			line(" do_syscall_64+0x55/0xb0")
			line(" </TASK>")
			continue
		}
		line("Thread Creating...")
		for i, name := range []string{"t1", "t2"} {
			lives++
			ran := w.rng.IntN(3) > 0
			if ran {
				line("func ", name)
			}
			line("Stopping ", name)
			if ran {
				code := strconv.Itoa(i)
				line("func ", name, " return ", code)
				line(name, " stopped, exit code ", code)
			} else {
				line(name, " stopped, exit code -4")
			}
		}
	}
	return w.lines, lives, w.out.Flush()
}
