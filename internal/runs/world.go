package runs

import (
	"fmt"
	"strconv"
	"strings"
)

// A world is one life of one thread: a walk, and how far it has come.
type world struct {
	m     *machine
	index int
	walk  *Walk
	done  int // steps of the walk
	name  string
	value int // what the walk's -5 stands for

	k       *task // the thread, from its fork on
	creator *task
	callers [3]*task

	tests     []int          // answers of kthread_should_stop() that its return probe has not told yet
	parkme    bool           // __kthread_parkme() is entered next, and its probe not told yet
	left      bool           // sched_process_exit was told
	roles     map[int]string // who a pid is in spec/KThreadTrace.tla
	startedBy string         // the action that ended the first sleep; empty: none yet
	startedAt int            // and its number
}

// stands in the walks for all values but 0, -EINTR and the signal of an oops: the
// specification does not look at them.
const anyValue = -5

func (w *world) valueOf(v int) int {
	if v == anyValue {
		return w.value
	}
	return v
}

// now is the state that the walk is in.
func (w *world) now() *State {
	if w.done == 0 {
		return &w.walk.Start
	}
	return &w.walk.Steps[w.done-1].State
}

func (w *world) over() bool { return w.done == len(w.walk.Steps) }

// actor is the task that takes the next step; nil: none is free for it.
func (w *world) actor(s *Step) *task {
	free := func(p **task, role string) *task {
		if *p == nil {
			if *p = w.m.caller(); *p != nil {
				w.roles[(*p).pid] = role
			}
		}
		return *p
	}
	switch s.Actor {
	case Creator:
		return free(&w.creator, "c")
	case Kthreadd:
		return w.m.kthreadd()
	case Thread:
		return w.k
	}
	i := s.Actor.caller()
	return free(&w.callers[i], callers[i])
}

// caller is a task that nobody needs just now.
func (m *machine) caller() *task {
	for _, t := range m.tasks {
		if !m.apart && !t.busy && (t.comm == "insmod" || t.comm == "rmmod" || t.comm == "kworker/u4:3") && m.chance(0.6) {
			t.busy = true
			return t
		}
	}
	if m.callersMade < 6 || m.apart {
		m.callersMade++
		t := m.task(200+m.callersMade*3, []string{"insmod", "rmmod", "kworker/u4:3"}[m.rng.IntN(3)])
		t.busy = true
		return t
	}
	return nil
}

// release lets a caller take part in other lives.
func (w *world) release(p **task) {
	(*p).busy = false
	*p = nil
}

// step does the next step of the walk. It is false where the step must wait.
func (w *world) step() bool {
	s := &w.walk.Steps[w.done]
	if s.Actor == Kthreadd && !strings.HasPrefix(s.Action, "KthreaddForks") && !strings.HasPrefix(s.Action, "ForkFails") || s.Action == "DropsOwnReference" {
		w.done++
		if s.Action == "DropsOwnReference" {
			w.m.freed(w)
		}
		return true
	}
	t := w.actor(s)
	if t == nil {
		return false
	}
	w.rouse(s, t)
	w.m.bring(t)
	before := w.now()
	switch s.Actor {
	case Creator:
		w.creates(s, t, before)
	case Kthreadd:
		w.forks(s, t)
	case Thread:
		w.thread(s, t, before)
	case Parker:
		w.parks(s, t, before)
	default:
		w.stops(s, t, before)
	}
	return true
}

// rouse sees to it that the task that takes a step is awake: a sleep that KThread knows
// nothing of is ended by somebody else.
func (w *world) rouse(s *Step, t *task) {
	switch {
	case t == w.k && w.now().At == "set_state":
		if t.asleep() {
			w.m.migrate(t)
		}
	case t.asleep():
		if w.m.chance(0.5) {
			w.m.interrupt(t)
			return
		}
		o := w.m.others[w.m.rng.IntN(len(w.m.others))]
		if o.asleep() {
			w.m.interrupt(o)
		}
		w.m.bring(o)
		w.m.wake(o.cpu, 'T', t)
	case t == w.k && t.entering != 0 && w.inFn():
		t.entering = 0 // __set_current_state(TASK_RUNNING)
	}
}

// inFn: the thread is in a threadfn that does what it likes.
func (w *world) inFn() bool { return w.now().At == "fn_any" }

// wakesNext says whether the next step wakes t, out of a sleep that it is about to begin: then
// sched_waking may be printed before the switch (kernel/sched/core.c try_to_wake_up:
// p->pi_lock, and not the run queue's lock).
func (w *world) wakesNext(t *task) bool {
	if w.done >= len(w.walk.Steps) {
		return false
	}
	s := &w.walk.Steps[w.done]
	var by *task
	switch s.Actor {
	case Creator:
		by = w.creator
	case Thread:
		by = w.k
	case Kthreadd:
		return false
	default:
		by = w.callers[s.Actor.caller()]
	}
	if by == nil || by == t || by.cpu < 0 || by.cpu == t.cpu {
		return false
	}
	if t == w.k {
		return s.State.TaskState == 'R' && w.now().TaskState != 'R'
	}
	return strings.HasPrefix(s.Action, "ExitCompleteCounts") && w.now().Callers[0].At == "asleep" && w.callers[0] == t && by.entering == 0
}

// sleep takes a task off its CPU.
func (w *world) sleep(t *task, state byte) {
	printed := string(state)
	if state == 'X' && !w.m.sched43() {
		printed = "x" // TASK_DEAD, 64 in those days
	}
	if state != 'X' && w.wakesNext(t) && w.m.chance(0.5) {
		t.leaving, t.entering = state, state
		return
	}
	w.m.sleep(t, state, printed)
}

// completes wakes who waits for a completion.
func (w *world) completes(by, waiter *task) {
	if waiter != nil && (waiter.state == 'D' || waiter.entering == 'D') {
		w.m.wake(by.cpu, 'T', waiter)
	}
}

// wakes is a wake of the thread, by a task.
func (w *world) wakes(s *Step, by *task, before *State, parked bool) {
	found := w.k.wakeable()
	if parked {
		found = (w.k.state == 'P' || w.k.entering == 'P') && before.TaskState != s.State.TaskState
	} else if before.TaskState != s.State.TaskState && !found {
		panic(fmt.Sprintf("%s: the walk wakes a thread in %c, the machine's is in %c, entering %c", s.Action, before.TaskState, w.k.state, w.k.entering))
	}
	if !found {
		return
	}
	if before.At == "schedule" || before.At == "first_sleep" {
		w.startedBy, w.startedAt = s.Action, w.done
	}
	w.m.wake(by.cpu, 'T', w.k)
}

func (w *world) creates(s *Step, t *task, before *State) {
	w.done++
	ret := func(k *task, v int) {
		l := w.m.emit(t.cpu, "create_ret", k)
		l.Value = v
	}
	switch s.Action {
	case "CreateWakesKthreadd":
		if d := w.m.kthreadd(); d.asleep() {
			w.m.wake(t.cpu, 'T', d)
		}
	case "CreateNoMemory", "CreateKilled", "CreateReturnsError":
		t.entering = 0
		ret(nil, s.State.Result)
		w.release(&w.creator)
		return
	case "CreateReturnsThread":
		w.k.comm = w.name
		ret(w.k, 0)
	case "CreatorStarts", "CreatorWakesLate":
		w.wakes(s, t, before, false)
		w.release(&w.creator)
		return
	case "CreatorNeverWakes":
		w.release(&w.creator)
		return
	}
	w.waits(t)
}

// waits: a creator, or a parker, that waits for a completion may go to sleep.
func (w *world) waits(t *task) {
	now := w.now()
	creates := t == w.creator && (now.Creator == "wait" || now.Creator == "killed") && !now.Done
	parks := t == w.callers[2] && now.Callers[2].At == "wait" && !now.Parked
	if !creates && !parks || t.cpu < 0 || t.state != 'R' || t.leaving != 0 || w.m.chance(0.2) {
		return
	}
	if t.entering == 0 {
		t.entering = 'D'
	}
	if w.m.chance(0.8) {
		w.m.sleep(t, 'D', "D")
	}
}

func (w *world) forks(s *Step, t *task) {
	w.done++
	switch s.Action {
	case "ForkFailsTold":
		w.completes(t, w.creator)
	case "KthreaddForks":
		comm := "kthreadd"
		if w.m.kernel == "6.12" || w.m.kernel == "7.0" {
			comm = w.name
		}
		w.k = w.m.task(w.m.pid(), comm)
		w.k.world = w
		w.roles[w.k.pid] = "t1"
		w.m.emit(t.cpu, "sched_process_fork", w.k)
		w.m.emit(t.cpu, "sched_wakeup_new", w.k)
	}
	if w.m.chance(0.7) {
		w.m.sleep(t, 'S', "S")
	}
}

func (w *world) thread(s *Step, k *task, before *State) {
	w.probes(s, k, before)
	w.done++
	switch s.Action {
	case "SetUninterruptible":
		k.entering = 'D'
	case "Announce", "KzallocFails":
		w.completes(k, w.creator)
	case "FirstSchedule":
		if s.State.At == "first_sleep" {
			w.sleep(k, 'D')
		} else if w.m.chance(0.2) {
			w.m.change(k.cpu, nil, "R")
		}
	case "AffineSleeps":
		w.m.sleep(k, 'D', "D")
	case "LastTestRun":
		w.parkme = s.State.At == "parkme"
	case "AnyParkme":
		w.parkme = true
	case "AnyTestTrue":
		w.tests = append(w.tests, 1)
	case "ParkSetState":
		k.entering = 'P'
	case "FirstParkLeaves", "FnParkLeaves", "ParkLeavesUnasked":
		k.entering = 0
	case "FirstParkComplete", "FnParkComplete":
		if w.now().Callers[2].At == "wait" {
			w.completes(k, w.callers[2])
		}
	case "ParkSchedule":
		if strings.HasSuffix(s.State.At, "parkme_sleep") {
			w.sleep(k, 'P')
		}
	case "ExitCompleteCounts", "ExitCompleteUnseen":
		for i := range 2 {
			if before.Callers[i].At == "asleep" && s.State.Callers[i].At == "wait" {
				w.completes(k, w.callers[i])
			}
		}
	case "Dies":
		w.sleep(k, 'X')
		w.m.bury(k)
	}
}

// probes are what the thread tells before a step: returns and entries of functions, and
// sched_process_exit.
func (w *world) probes(s *Step, k *task, before *State) {
	for _, v := range w.tests {
		w.m.emit(k.cpu, "should_stop", k).Value = v
	}
	w.tests = nil
	if w.parkme {
		w.parkme = false
		w.m.emit(k.cpu, "parkme", k)
		w.m.bring(k)
	}
	switch s.Action {
	case "ExitStore":
		event := "do_exit"
		if w.m.kernel == "6.1" || w.m.kernel == "6.12" {
			if event = "kthread_exit"; before.Direct {
				return
			}
		}
		w.m.emit(k.cpu, event, k).Value = w.valueOf(before.Ret)
	case "ExitCompleteCounts", "ExitCompleteUnseen":
		if w.m.kernel == "7.0" {
			w.leaves(k)
		}
	case "Dies":
		if !w.left {
			w.leaves(k)
		}
	}
}

func (w *world) leaves(k *task) {
	w.left = true
	w.m.emit(k.cpu, "sched_process_exit", k)
}

func (w *world) stops(s *Step, t *task, before *State) {
	w.done++
	i := s.Actor.caller()
	switch s.Action {
	case "StopCall":
		w.m.emit(t.cpu, "sched_kthread_stop", w.k)
	case "StopUnparkLooks":
		w.unparkProbe(t)
	case "StopUnparkAsked", "StopUnparkUnasked":
		// To 4.9 it calls a static function.
		if before.Callers[i].At == "unpark" && !w.looks() && w.m.kernel != "3.18" {
			w.unparkProbe(t)
		}
	case "StopUnparkWake":
		w.wakes(s, t, before, true)
	case "StopWakeStarts", "StopWakeLate":
		w.wakes(s, t, before, false)
	case "StopSleeps":
		if t.entering = 'D'; w.m.chance(0.9) {
			w.sleep(t, 'D')
		}
	case "StopReturnsValue", "StopReturnsEintr", "StopReturnsSignal", "StopReturnsZero":
		w.m.emit(t.cpu, "sched_kthread_stop_ret", w.k).Value = w.valueOf(s.State.Callers[i].Ret)
		w.release(&w.callers[i])
	}
}

// looks: kthread_unpark() looks first whether it has something to do.
func (w *world) looks() bool {
	return w.m.kernel == "6.1" || w.m.kernel == "6.12" || w.m.kernel == "7.0"
}

func (w *world) unparkProbe(t *task) { w.m.emit(t.cpu, "unpark", w.k) }

func (w *world) parks(s *Step, t *task, before *State) {
	w.done++
	ret := func(v int) {
		w.m.emit(t.cpu, "park_ret", w.k).Value = v
		if !w.m.apart {
			w.release(&w.callers[2]) // another task may unpark
		}
	}
	switch s.Action {
	case "ParkCall":
		w.m.emit(t.cpu, "park", w.k)
	case "ParkRefusedExiting", "ParkRefusedBusy":
		w.m.emit(t.cpu, "park", w.k)
		ret(s.State.Callers[2].Ret)
	case "ParkFindsParked":
		w.m.emit(t.cpu, "park", w.k)
		ret(0)
	case "ParkWakeStarts", "ParkWakeLate":
		w.wakes(s, t, before, false)
		w.waits(t)
	case "ParkReturns":
		ret(0)
	case "UnparkLooksAsked":
		w.unparkProbe(t)
	case "UnparkLooksUnasked":
		w.unparkProbe(t)
		w.release(&w.callers[2])
	case "UnparkClearBit":
		if !w.looks() {
			w.unparkProbe(t)
		}
	case "UnparkWake":
		w.wakes(s, t, before, true)
		w.release(&w.callers[2])
	}
}

// own lets the tasks of a life do what KThread does not know of.
func (w *world) own() {
	k, m, now := w.k, w.m, w.now()
	for _, t := range []*task{w.creator, w.callers[2]} {
		if t != nil {
			w.waits(t)
		}
	}
	if k == nil || k.state == 'X' || k.leaving != 0 {
		return
	}
	switch {
	case w.inFn():
		w.fn()
	case now.At == "do_task_dead" && !w.left && m.chance(0.5) && !k.asleep():
		m.bring(k)
		w.leaves(k)
	case m.chance(0.06) && k.entering == 0 && w.maySleep(now.At) && !k.asleep():
		m.sleep(k, 'D', "D")
	case k.asleep() && now.At == "set_state":
		m.migrate(k)
	case k.asleep() && k.state == 'D' && w.maySleep(now.At) && m.chance(0.5):
		m.interrupt(k)
	}
}

// maySleep: the thread may wait for a mutex, for memory or to be moved to another CPU.
func (w *world) maySleep(at string) bool {
	switch at {
	case "set_state":
		return w.m.chance(0.2) && w.looks() // set_cpus_allowed_ptr()
	case "mm_release", "do_task_dead": // behind the probes on kthread_exit() and do_exit()
		return true
	}
	return false
}

// fn is a threadfn that works, sleeps and asks.
func (w *world) fn() {
	k, m := w.k, w.m
	if k.asleep() {
		if m.chance(0.4) {
			m.interrupt(k)
		}
		return
	}
	m.bring(k)
	w.probes(&Step{}, k, w.now())
	if k.entering != 0 {
		switch {
		case k.entering == 'S' && w.now().Notify: // a signal is pending: schedule() does not block
			k.entering = 0
		case m.chance(0.1): // a timer on this CPU, or on another
			m.interrupt(k)
		default:
			m.sleep(k, k.entering, string(k.entering))
		}
		return
	}
	if m.chance(0.4) {
		v := 0
		if w.now().ShouldStop {
			v = 1
		}
		w.tests = append(w.tests, v)
	}
	if m.chance(0.5) {
		k.entering = "SSSID"[m.rng.IntN(5)]
		if k.entering == 'I' && !m.sched43() {
			k.entering = 'S' // TASK_IDLE is from 4.2
		}
	}
}

// String is the life's name and pid.
func (w *world) String() string {
	if w.k == nil {
		return w.name
	}
	return w.name + "[" + strconv.Itoa(w.k.pid) + "]"
}
