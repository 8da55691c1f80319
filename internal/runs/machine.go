package runs

import (
	"fmt"
	"math/rand/v2"
)

// A task is a task of the simulated machine.
type task struct {
	pid   int
	comm  string
	addr  uint64
	state byte // of a task that sleeps: its letter; else R. X: it is dead
	cpu   int  // the CPU that it is on, or -1
	last  int  // the CPU that it was on last
	// entering is the state that a task on a CPU (or preempted) has set before it calls
	// schedule(): who wakes it now finds it asleep, and it will not sleep.
	entering byte
	leaving  byte // its switch to that state is under way, and not printed yet
	busy     bool // it plays a part in a life
	world    *world
}

// A Line is what a tracer sees of one moment.
type Line struct {
	At      int64 // nanoseconds by a perfect clock
	CPU     int
	PID     int // of the current task
	Comm    string
	Context byte // T: the task itself; H, S: a hard or a soft interrupt on top of it
	Event   string
	Thread  int // the index of the life that it is about, or -1
	// About is the task that it is about.
	About     int
	AboutComm string
	Addr      uint64
	Value     int
	State     string // of a switch, how the task leaves
	Target    int    // CPU of a woken task
	Prev      Named  // of a switch
	Steps     []int  // of each life, how many steps of its walk were done then
	Stamp     int64  // by its CPU's clock
}

// Named is a task's name and pid.
type Named struct {
	Comm string
	PID  int
}

// A machine runs tasks on CPUs and writes down what a tracer sees.
type machine struct {
	rng         *rand.Rand
	kernel      string
	clock       int64
	cpus        []*task // what runs on each; nil: idle
	tasks       []*task // all that are alive
	others      []*task // those of them that are in no life
	worlds      []*world
	lines       []*Line
	nextID      int
	callersMade int
	apart       bool  // each caller plays one part in one life, and no pid comes again
	dead        []int // pids that are free again
	hurry       bool  // the next lines follow at once
}

func newMachine(rng *rand.Rand, kernel string, cpus int) *machine {
	m := &machine{rng: rng, kernel: kernel, clock: 36_000_000_000 + rng.Int64N(1e9), cpus: make([]*task, cpus), nextID: 300 + rng.IntN(2000)}
	for i, name := range []string{"bash", "rcu_preempt", "kworker/0:1", "sshd", "systemd-journal"} {
		t := m.task(10+i*7, name)
		t.state = 'S'
		m.others = append(m.others, t)
	}
	return m
}

func (m *machine) task(pid int, comm string) *task {
	t := &task{pid: pid, comm: comm, addr: 0xffff888000000000 + uint64(m.rng.IntN(1<<24))*64, state: 'R', cpu: -1, last: m.rng.IntN(len(m.cpus))}
	m.tasks = append(m.tasks, t)
	return t
}

func (m *machine) chance(p float64) bool { return m.rng.Float64() < p }

// pass lets time go by.
func (m *machine) pass() {
	var d int64
	switch x := m.rng.Float64(); {
	case x < 0.60:
		d = 200 + m.rng.Int64N(15_000)
	case x < 0.90:
		d = 5_000 + m.rng.Int64N(100_000)
	case x < 0.98:
		d = 100_000 + m.rng.Int64N(4_000_000)
	default:
		d = 4_000_000 + m.rng.Int64N(60_000_000)
	}
	if m.hurry {
		d = 100 + m.rng.Int64N(3000)
	}
	m.clock += d
}

// emit writes down an event on a CPU.
func (m *machine) emit(cpu int, event string, about *task) *Line {
	m.pass()
	l := &Line{At: m.clock, CPU: cpu, Comm: fmt.Sprintf("swapper/%d", cpu), Context: 'T', Event: event, Thread: -1}
	if t := m.cpus[cpu]; t != nil {
		l.PID, l.Comm = t.pid, t.comm
	}
	if about != nil {
		l.About, l.AboutComm, l.Addr, l.Target = about.pid, about.comm, about.addr, about.last
		if about.world != nil {
			l.Thread = about.world.index
		}
	}
	for _, w := range m.worlds {
		l.Steps = append(l.Steps, w.done)
	}
	m.lines = append(m.lines, l)
	return l
}

// runnable is the letter of a task that leaves its CPU though it could go on.
func (m *machine) runnable() string {
	if m.chance(0.25) {
		return "R" // it has called cond_resched() or yield()
	}
	return "R+"
}

// change gives a CPU to another task, or to nobody. The task that leaves is in the state
// given: its letter, or R or R+.
func (m *machine) change(cpu int, next *task, state string) {
	prev := m.cpus[cpu]
	if prev == next {
		return
	}
	if prev == nil {
		state = "R"
	}
	l := m.emit(cpu, "sched_switch", next)
	l.State = state
	l.Prev = Named{l.Comm, l.PID}
	if next == nil {
		l.AboutComm = fmt.Sprintf("swapper/%d", cpu)
	}
	if prev != nil {
		prev.cpu, prev.last = -1, cpu
		if l.Thread < 0 && prev.world != nil {
			l.Thread = prev.world.index
		}
	}
	if m.cpus[cpu] = next; next != nil {
		next.cpu, next.last = cpu, cpu
	}
}

// bring gets a task a CPU. It is not asleep.
func (m *machine) bring(t *task) {
	if t.cpu >= 0 {
		return
	}
	if t.state != 'R' {
		panic(fmt.Sprintf("%s[%d] is asleep in %c and shall run", t.comm, t.pid, t.state))
	}
	cpu := t.last
	if m.chance(0.35) {
		cpu = m.rng.IntN(len(m.cpus))
	}
	for i := range m.cpus { // an idle one is likely
		if m.cpus[i] == nil && m.chance(0.6) {
			cpu = i
		}
	}
	prev := m.cpus[cpu]
	state := ""
	if prev != nil {
		state = m.runnable()
		if prev.entering != 0 {
			state = "R+" // only an interrupt takes the CPU from a task that is about to sleep
		} else if m.isOther(prev) && m.chance(0.7) {
			prev.state = 'S'
			state = "S"
		}
	}
	m.change(cpu, t, state)
}

func (m *machine) isOther(t *task) bool {
	for _, o := range m.others {
		if o == t {
			return true
		}
	}
	return false
}

// sleep takes a task off its CPU, asleep. printed is the letter that the trace shows.
func (m *machine) sleep(t *task, state byte, printed string) {
	m.bring(t)
	var next *task
	if m.chance(0.3) {
		for _, o := range m.tasks {
			if o.state == 'R' && o.cpu < 0 && m.chance(0.5) && o != t {
				next = o
				break
			}
		}
	}
	m.change(t.cpu, next, printed)
	t.state, t.entering = state, 0
}

// wakeable says whether a wake_up_process() would find the task asleep.
func (t *task) wakeable() bool {
	return t.state == 'S' || t.state == 'D' || t.state == 'I' || t.entering == 'S' || t.entering == 'D' || t.entering == 'I'
}

func (t *task) asleep() bool { return t.state != 'R' }

// wake ends a task's sleep, or its way there, on a CPU whose current task does it or
// whose interrupt.
func (m *machine) wake(cpu int, context byte, t *task) {
	if m.sched43() {
		l := m.emit(cpu, "sched_waking", t)
		l.Context = context
	}
	if t.leaving != 0 {
		printed := string(t.leaving)
		if m.rereads() && m.chance(0.5) {
			printed = "R"
		}
		m.change(t.cpu, nil, printed)
		t.state, t.leaving = t.entering, 0
	}
	m.woken(cpu, context, t)
}

// sched43: sched_waking exists.
func (m *machine) sched43() bool { return m.kernel != "2.6.32" && m.kernel != "3.18" }

// woken is the second half of a wake: the task is put on a run queue.
func (m *machine) woken(cpu int, context byte, t *task) {
	slept := t.asleep()
	t.state, t.entering = 'R', 0
	hurry := m.hurry
	m.hurry = true
	defer func() { m.hurry = hurry }()
	// From the 2.6.38s on another CPU may put it on its own queue.
	if slept && m.chance(0.4) && m.kernel != "2.6.32" {
		other := m.rng.IntN(len(m.cpus))
		l := m.emit(other, "sched_wakeup", t)
		if l.Context = 'H'; other == cpu {
			l.Context = context
		}
		return
	}
	m.emit(cpu, "sched_wakeup", t).Context = context
}

// interrupt is an interrupt's wake of a task, on any CPU.
func (m *machine) interrupt(t *task) {
	m.wake(m.rng.IntN(len(m.cpus)), "HHS"[m.rng.IntN(3)], t)
}

// migrate moves a task that waits for that to another CPU: the migration thread of its CPU
// does it, and wakes it (kernel/sched/core.c affine_move_task, migration_cpu_stop).
func (m *machine) migrate(t *task) {
	cpu := t.last
	var by *task
	for _, o := range m.tasks {
		if o.comm == fmt.Sprintf("migration/%d", cpu) {
			by = o
		}
	}
	if by == nil {
		by = m.task(100+cpu, fmt.Sprintf("migration/%d", cpu))
		by.state = 'S'
	}
	prev := m.cpus[cpu]
	by.state = 'R'
	m.change(cpu, by, "R+")
	m.wake(cpu, 'T', t)
	m.change(cpu, prev, "S")
	by.state = 'S'
}

// noise lets the rest of the machine do something.
func (m *machine) noise() {
	t := m.others[m.rng.IntN(len(m.others))]
	switch {
	case t.asleep():
		m.interrupt(t)
	case t.cpu < 0:
		m.bring(t)
	case m.chance(0.7):
		m.sleep(t, 'S', "S")
	}
	if m.chance(0.2) { // a CPU goes over to another task, though its own could go on
		cpu := m.rng.IntN(len(m.cpus))
		if prev := m.cpus[cpu]; prev != nil {
			for _, o := range m.tasks {
				if o.state == 'R' && o.cpu < 0 && m.chance(0.4) {
					m.change(cpu, o, "R+")
					return
				}
			}
		}
	}
}

// rereads: to 5.17 sched_switch looks at prev->state once more when it is printed.
func (m *machine) rereads() bool {
	return m.kernel == "2.6.32" || m.kernel == "3.18" || m.kernel == "5.4"
}

// kthreadd forks all kernel threads.
func (m *machine) kthreadd() *task {
	for _, t := range m.tasks {
		if t.pid == 2 {
			return t
		}
	}
	t := m.task(2, "kthreadd")
	t.state = 'S'
	return t
}

// pid is the pid of a new thread: the next one, or one that is free again.
func (m *machine) pid() int {
	if n := len(m.dead); n > 0 && m.chance(0.5) && !m.apart {
		pid := m.dead[n-1]
		m.dead = m.dead[:n-1]
		return pid
	}
	m.nextID++
	return m.nextID
}

// bury takes a dead task away. Its pid is free.
func (m *machine) bury(t *task) {
	for i, o := range m.tasks {
		if o == t {
			m.tasks = append(m.tasks[:i], m.tasks[i+1:]...)
			break
		}
	}
	m.dead = append(m.dead, t.pid)
}

// freed: an RCU callback drops the thread's own reference.
func (m *machine) freed(w *world) {
	m.emit(m.rng.IntN(len(m.cpus)), "sched_process_free", w.k).Context = 'S'
}

// run lets all lives go on until none can.
func (m *machine) run() {
	idle := 0
	for idle < 30 {
		w := m.worlds[m.rng.IntN(len(m.worlds))]
		m.hurry = m.chance(0.5)
		moved := false
		for n := 1 + m.rng.IntN(6); n > 0 && !w.over(); n-- {
			if !w.leaving() {
				if m.chance(0.25) {
					m.noise()
				}
				if m.chance(0.5) {
					w.own()
				}
			}
			if !w.step() {
				break
			}
			moved = true
		}
		for w.leaving() && !w.over() && w.step() {
		}
		if moved {
			idle = 0
		} else {
			w.own()
			idle++
		}
	}
}

// leaving: a switch of one of the life's tasks is under way.
func (w *world) leaving() bool {
	for _, t := range []*task{w.k, w.creator, w.callers[0], w.callers[1], w.callers[2]} {
		if t != nil && t.leaving != 0 {
			return true
		}
	}
	return false
}
