package checker

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/kthread-tla/tracecheck/traces"
)

// What a crash report says of a kernel thread: that one died, or that somebody
// used a function of kernel/kthread.c on what is no living thread. The report's
// innermost functions, its fault address and its title are the evidence; a stack
// that is cut is none.

// within are the functions that those of kernel/kthread.c call, or that the
// compiler may show as frames of their own: with nothing but these inside it,
// the function that was called with the thread is who crashed.
var within = map[string]bool{
	"to_kthread": true, "to_live_kthread": true, "get_task_struct": true, "put_task_struct": true, "__put_task_struct": true, "free_task": true,
	"wake_up_process": true, "wake_up_state": true, "try_to_wake_up": true, "select_task_rq_fair": true, "task_rq_lock": true, "__task_rq_lock": true,
	"wait_for_completion": true, "__wait_for_common": true, "wait_for_common": true, "do_wait_for_common": true,
	"__prepare_to_swait": true, "swake_up_locked": true, "__list_add": true, "__list_add_valid": true, "__list_add_valid_or_report": true,
	"__kthread_unpark": true, "__kthread_bind": true, "__kthread_bind_mask": true, "wait_task_inactive": true,
	"_raw_spin_lock": true, "_raw_spin_lock_irq": true, "_raw_spin_lock_irqsave": true, "__raw_spin_lock_irqsave": true, "do_raw_spin_lock": true,
	"_raw_spin_unlock_irqrestore": true, "queued_spin_lock_slowpath": true, "native_queued_spin_lock_slowpath": true,
	"lock_acquire": true, "__lock_acquire": true, "spin_bug": true, "spin_dump": true,
	"trace_event_raw_event_sched_kthread_stop": true, "perf_trace_sched_kthread_stop": true, "__traceiter_sched_kthread_stop": true,
	"ex_handler_refcount": true, "kasan_check_range": true, "check_memory_region": true,
}

func isWithin(fn string) bool {
	return within[fn] || strings.HasPrefix(fn, "refcount_") || strings.HasPrefix(fn, "__asan_") || strings.HasPrefix(fn, "__kasan_check_")
}

// of themselves: the functions of kernel/kthread.c that are about the task that
// calls them.
var ofThemselves = []string{"kthread_should_stop", "kthread_should_park", "kthread_freezable_should_stop", "kthread_parkme", "kthread_exit"}

// given are those that are about a task that they are given, with who else
// must be among their callers to be one of them.
var given = []string{"kthread_stop", "kthread_stop_put", "kthread_park", "kthread_unpark", "kthread_bind", "kthread_bind_mask", "kthread_bind_cpu"}

// modulesOwn are functions that the kernel itself calls too, and then for its own
// reasons: only a module's own call of one is looked at.
var modulesOwn = []string{"wake_up_process", "kthread_data", "kthread_func", "kthread_affine_preferred", "__put_task_struct"}

// A crash is where a report says that things went wrong.
type crash struct {
	in     string         // the function of kernel/kthread.c, or of modulesOwn
	inner  []traces.Frame // what it had called, innermost first
	caller traces.Frame   // who called it; zero: nobody is on the stack
}

// crashIn finds the function that crashed; ok is false where it is not one that
// is looked for, or the stack does not tell.
func crashIn(s *traces.Stack) (c crash, ok bool) {
	if s.Cut || s.Above {
		return c, false
	}
	i, at := 0, -1
	for ; i < len(s.Frames) && s.Frames[i].Module == ""; i++ {
		fn := s.Frames[i].Func
		switch {
		case slices.Contains(given, fn), slices.Contains(ofThemselves, fn):
			at = i
			continue // kthread_stop calls kthread_unpark
		case (isWithin(fn) || slices.Contains(modulesOwn, fn)) && (at < 0 || slices.Contains(given, s.Frames[at].Func)):
			continue
		}
		break
	}
	if at < 0 {
		at = i - 1
		if at < 0 || i == len(s.Frames) || s.Frames[i].Module == "" || !slices.Contains(modulesOwn, s.Frames[at].Func) {
			return c, false
		}
	}
	if at+1 < len(s.Frames) {
		c.caller = s.Frames[at+1]
	}
	if at > 0 && s.Frames[at].Func == "kthread_stop_put" && s.Frames[at-1].Func == "kthread_stop" {
		at-- // kthread_stop_put() is a kthread_stop() and a put (6.7 and later)
	}
	c.in, c.inner = s.Frames[at].Func, s.Frames[:at]
	return c, true
}

// direct says whether nothing that c.in calls had been called, but for what
// compilers and sanitizers put there.
func (c *crash) direct() bool {
	return !slices.ContainsFunc(c.inner, func(f traces.Frame) bool {
		return f.Func != "get_task_struct" && f.Func != "to_kthread" && !strings.HasPrefix(f.Func, "refcount_") &&
			f.Func != "put_task_struct" && f.Func != "ex_handler_refcount" && !strings.HasPrefix(f.Func, "__asan_") && !strings.HasPrefix(f.Func, "__kasan_check_") && f.Func != "kasan_check_range" && f.Func != "check_memory_region"
	})
}

// A pointer is what a fault address says of the pointer that was followed.
type pointer int

const (
	somePointer pointer = iota
	atZero              // 0 itself
	nearNull            // NULL, or an ERR_PTR, and a member's offset
	errPointer          // -4095 to -1: an ERR_PTR, and a small offset
	poisoned            // what slab and list debugging leave in freed memory
)

// Where KASAN's shadow of address 0 is: mm/kasan, CONFIG_KASAN_SHADOW_OFFSET of
// x86-64, and of arm64 with 48 bits.
var shadows = []uint64{0xdffffc0000000000, 0xdfff800000000000}

const (
	page       = 4096               // of the smallest size; MAX_ERRNO of include/linux/err.h is one less
	listPoison = 0xdead000000000000 // include/linux/poison.h LIST_POISON1, by CONFIG_ILLEGAL_POINTER_VALUE; slab's is 0x6b
)

// pointerOf reads a fault address.
func pointerOf(s *traces.Stack) pointer {
	if !s.HasAddress {
		return somePointer
	}
	a, shadowed := behindShadow(s.Address)
	switch {
	case a == 0 && shadowed:
		return somePointer // the shadow tells 8 bytes, not which of them
	case a == 0:
		return atZero
	case a < page:
		return nearNull
	case a >= 1<<64-page, a>>32 == 0 && a >= 1<<32-page:
		return errPointer
	case a>>16 == 0x6b6b6b6b6b6b, a>>32 == 0 && a>>12 == 0x6b6b6, a&^0xfff == listPoison:
		return poisoned
	}
	return somePointer
}

// behindShadow is the address for whose sake KASAN looked at its shadow where
// that has none: "general protection fault, probably for non-canonical address
// 0xdffffc0000000005" is about 0x28. Only addresses next to 0 are told from others.
func behindShadow(a uint64) (address uint64, shadowed bool) {
	for _, shadow := range shadows {
		if below := (a - shadow) << 3; a-shadow < page/8 || a-shadow >= 1<<61-page/8 && a-shadow < 1<<61 {
			return below, true
		}
	}
	return a, false
}

// kthreadLine is the line of kernel/kthread.c that a WARN names, 0 where it
// names none.
func kthreadLine(title string) int {
	_, rest, ok := strings.Cut(title, "kernel/kthread.c:")
	if !ok {
		return 0
	}
	end := 0
	for end < len(rest) && rest[end] >= '0' && rest[end] <= '9' {
		end++
	}
	n, _ := strconv.Atoi(rest[:end])
	return n
}

// toKthread is before which line of kernel/kthread.c the warnings are
// to_kthread's, which compilers put into its callers: that stands at the top of
// the file, lines 70 to 110 from 4.10 to 7.0, kthread_park() behind line 400.
// The file was shorter once: until 3.6 kthread_bind() stood before line 200, and
// to_kthread() did not warn.
const toKthread = 200

func isKASAN(s *traces.Stack) bool {
	return strings.HasPrefix(s.Title, "BUG: KASAN: ") || strings.HasPrefix(s.Title, "BUG: KFENCE: ")
}

// misuse says what a report shows to have been done wrong; nil where it shows
// nothing of the sort.
func misuse(s *traces.Stack) *Finding {
	if f := gone(s); f != nil {
		return f
	}
	c, ok := crashIn(s)
	if !ok {
		return nil
	}
	by := s.Task.String()
	if s.Task == (traces.Task{}) {
		by = "a task"
	}
	called := fmt.Sprintf("%s: %s()", by, c.in)
	if c.caller.Module != "" {
		called += ", called by " + c.caller.Func + " of module " + c.caller.Module + ","
	}
	p := pointerOf(s)
	freed := strings.Contains(s.Title, "use-after-free") || p == poisoned
	inner := func(fn string) bool {
		return slices.ContainsFunc(c.inner, func(f traces.Frame) bool { return f.Func == fn })
	}
	death := s.Report == traces.Oops
	line := kthreadLine(s.Title)
	switch {
	case slices.Contains(ofThemselves, c.in):
		// Up to 4.9 it is found by task->vfork_done, and NULL less an offset is
		// followed.
		if c.in == "kthread_exit" || root(s) >= 0 || death && p != atZero && p != nearNull && p != errPointer ||
			!death && line == 0 && !inner("to_kthread") {
			return nil
		}
		return &Finding{
			Rule: ruleNotSelf, Message: called + " found that the task that calls it is no kernel thread of kthread_create's",
			Advice: "call it in threadfn alone, and in what threadfn calls; what user tasks, timers and interrupts call needs a flag of its own",
		}
	case s.Frames[0].Func == "__put_task_struct":
		if s.Report != traces.Warning {
			return nil
		}
		return &Finding{
			Rule: rulePutTooMany, Message: called + " dropped the last reference to a task that is not dead, or is in use",
			Advice: "each put_task_struct() needs a get_task_struct(); kthread_stop() takes and drops a reference of its own, only kthread_stop_put() drops the caller's too",
		}
	case c.in == "__put_task_struct", slices.Contains(modulesOwn, c.in) && c.in != "wake_up_process" && death && !freed:
		return nil // NULL itself, or what was in the task
	case c.in == "wake_up_process" && !freed && p != nearNull && p != errPointer:
		return nil
	case strings.HasPrefix(s.Title, "refcount_t: "):
		if c.in != "kthread_stop" && c.in != "kthread_stop_put" || !c.direct() || inner("to_kthread") {
			return nil // a task_struct holds counts of other things too, which __put_task_struct() drops
		}
		what := " found no reference left to the thread (" + s.Title + "): it had ended, and its task_struct was gone"
		switch {
		case strings.Contains(s.Title, "underflow"):
			what = " dropped its own reference to the thread, and there was none left (" + s.Title + "): the thread had ended and was gone, or somebody has put one too many"
		case !strings.Contains(s.Title, "on 0") && !strings.Contains(s.Title, "saturated"):
			return nil
		}
		return &Finding{Rule: ruleAfterFree, Message: called + what, Advice: holdIt}
	case freed:
		if slices.Contains(modulesOwn, c.in) {
			return &Finding{Rule: ruleAfterFree, Message: called + " touched a task_struct that was freed: the task had ended", Advice: holdIt}
		}
		return &Finding{Rule: ruleAfterFree, Message: called + " touched memory of the thread that was freed: the thread had ended, and nobody held a reference", Advice: holdIt}
	case death && (p == nearNull || p == errPointer) && (c.direct() || c.in == "wake_up_process"):
		what := fmt.Sprintf("the fault address %#x is below one page", s.Address)
		switch _, shadowed := behindShadow(s.Address); {
		case shadowed:
			what = fmt.Sprintf("the fault address %#x is KASAN's shadow of the first page, or of the last", s.Address)
		case p == errPointer:
			what = fmt.Sprintf("the fault address %#x is in the last page of all", s.Address)
		}
		return &Finding{
			Rule: ruleNoTask, Message: called + " was given NULL or an ERR_PTR, and no thread: " + what,
			Advice: "test what kthread_create() and kthread_run() return with IS_ERR(), keep no ERR_PTR, and set the pointer to NULL when the thread has been stopped",
		}
	case !death && (c.in == "kthread_park" && line >= toKthread):
		return &Finding{
			Rule:        rulePark,
			Message:     called + " warned: the thread is on its way out (-ENOSYS), or somebody has asked it to park already and has not unparked it (-EBUSY, 4.18 and later), or it had parked and did not stay asleep",
			Advice:      "park a thread once, and unpark it before the next time; do not park one that may end by itself",
			WouldSettle: "what kthread_park() returned; line " + strconv.Itoa(line) + " of kernel/kthread.c in this kernel's source",
		}
	case !death && (inner("__kthread_bind_mask") || inner("__kthread_bind") || c.in != "kthread_park" && line >= toKthread ||
		strings.HasPrefix(c.in, "kthread_bind") && strings.HasPrefix(s.Title, "WARNING: at ")): // as until 3.10
		if c.in == "kthread_stop" || c.in == "kthread_unpark" {
			return &Finding{
				Rule:    ruleUnpark,
				Message: called + " is about a thread of one CPU that is not parked: it has ended, or has not come to park, or was unparked before",
				Advice:  "unpark only what kthread_park() has parked, with 0 returned; kthread_stop() itself unparks, and there (4.10 to 6.12) the warning does no harm",
			}
		}
		return &Finding{
			Rule: ruleBind, Message: called + " found the thread out of its first sleep: it is not bound",
			Advice: "bind between kthread_create() and the first wake_up_process(); kthread_run() has woken it already",
		}
	case death && !strings.HasPrefix(c.in, "kthread_bind"), !death && (inner("to_kthread") || line > 0 && line < toKthread):
		return &Finding{
			Rule:        ruleNoKthread,
			Message:     called + " was given a task that has no struct kthread, or is no task: a thread that had gone without a reference held, or none of kthread_create's",
			WouldSettle: "a recording of sched_process_exit and sched_kthread_stop, or a kernel with KASAN",
			Advice:      holdIt,
		}
	}
	return nil
}

// holdIt is what to do for a thread that may end before it is stopped.
const holdIt = "if threadfn may return before it is stopped, get_task_struct() between kthread_create() and the wake, and kthread_stop_put() (6.7; before: kthread_stop, put_task_struct); or let threadfn wait for kthread_should_stop() before it returns"

// gone knows a thread that runs where no code is any more: its threadfn's frame
// has an address and no name, and there the CPU could fetch no instruction.
func gone(s *traces.Stack) *Finding {
	k := root(s)
	if k < 1 || s.Cut || s.Above || s.Report != traces.Oops || !s.HasAddress || !strings.HasPrefix(s.Frames[k-1].Func, "0x") {
		return nil
	}
	if at, err := strconv.ParseUint(s.Frames[0].Func, 0, 64); err != nil || at != s.Address || at < page {
		return nil
	}
	return &Finding{
		Rule:    ruleModuleGone,
		Message: fmt.Sprintf("%s was in its threadfn at %#x, where no code is any more: its module has been unloaded, or never was at that address", s.Task, s.Address),
		Advice:  "stop every thread in module exit, or let one that ends by itself end by kthread_complete_and_exit() (5.17; before: complete_and_exit) and wait for that completion in module exit; what the thread held it holds for ever, and only a reboot makes the machine sound",
	}
}

// deadly says whether a report is that of a kernel thread's death in the middle
// of its threadfn: the task of an oops ends (kernel/exit.c make_task_dead), that
// of a WARN, of a lockup, of KASAN and of "scheduling while atomic" goes on. An
// interrupt's oops ends no task but the machine.
func deadly(s *traces.Stack) bool {
	if s.Report != traces.Oops || s.Cut || s.Above || isKASAN(s) || s.Task.PID == 0 {
		return false
	}
	if slices.ContainsFunc(s.Frames, func(f traces.Frame) bool { return f.Module == "" && interrupts[f.Func] }) {
		return false
	}
	p := onStack(s)
	return len(p) == 1 && p[0] == "running"
}

// interrupts are the functions that an interrupt runs on any architecture.
var interrupts = map[string]bool{
	"do_IRQ": true, "__do_irq": true, "handle_IRQ": true, "generic_handle_irq": true, "handle_irq_event": true, "handle_domain_irq": true,
	"irq_exit": true, "__do_softirq": true, "handle_softirqs": true, "call_timer_fn": true, "timer_interrupt": true, "gic_handle_irq": true,
	"do_IRQ_user": true, "plat_irq_dispatch": true, "do_irq": true, "do_nmi": true, "exc_nmi": true,
}

// crashed takes the report of an oops or of a warning.
func (ls *lives) crashed(e *traces.Event) (ended []*Life) {
	s := e.Stack
	f := misuse(s)
	if f != nil {
		f.Lines = []int{e.Line}
		if f.Rule == ruleNoTask && ls.failed > 0 {
			f.Message += fmt.Sprintf(" (a kthread_create() had failed, line %d)", ls.failed)
			f.Lines = []int{ls.failed, e.Line}
		}
		if f.Rule != ruleModuleGone || !deadly(s) { // else it is the thread's
			ls.misused(e, f)
		}
	}
	if s.Report == traces.Oops && !s.Above && !isKASAN(s) && s.Task == (traces.Task{Comm: "kthreadd", PID: 2}) {
		ls.kthreadd = e.Line
	}
	for l := range ls.alive() {
		if l.Crash >= e.Line && l.Crash <= s.Last && s.Task.PID != 0 && l.Thread.PID != 0 && s.Task.PID != l.Thread.PID {
			l.CrashOf = s.Task
		}
	}
	if !deadly(s) {
		return nil
	}
	switch l := ls.byPID.get(e.Thread.PID); {
	case l == nil:
		ended = ls.known(e)
	case !l.trace.on && (l.Thread.Comm == "" || e.Thread.Comm == "" || alike(l.Thread.Comm, e.Thread.Comm)):
		l.keep(e)
	}
	if f != nil && f.Rule == ruleModuleGone {
		if l := ls.byPID.get(e.Thread.PID); l != nil && !l.trace.on {
			l.Reported = append(l.Reported, *f)
		} else {
			ls.misused(e, f)
		}
	}
	return ended
}

// misused gives a finding to the thread that it is about, where the log shows
// which that is: the one of which this very task has announced a stop that has
// not returned. Else it belongs to no thread.
func (ls *lives) misused(e *traces.Event, f *Finding) {
	var sure, open []*Life
	if e.Stack.Has("kthread_stop") && (f.Rule == ruleAfterFree || f.Rule == ruleNoKthread) {
		for l := range ls.alive() {
			switch {
			case l.trace.on:
			case l.waitsFor(e.Thread.PID):
				sure = append(sure, l)
			case len(pending(l)) > 0:
				open = append(open, l)
			}
		}
	}
	switch {
	case len(sure) == 1:
		l := sure[0]
		f.Message += fmt.Sprintf("; the thread is %s", l.Thread)
		l.keep(e)
		l.Reported = append(l.Reported, *f)
		return
	case len(sure) == 0 && len(open) == 1:
		f.Message += fmt.Sprintf("; likely %s, the one thread of which a stop is under way by the messages", open[0].Thread)
	}
	for i := range ls.misuses {
		if m := &ls.misuses[i]; m.Rule == f.Rule && m.Message == f.Message {
			if len(m.Lines) < maxMisuses {
				m.Lines = append(m.Lines, f.Lines...)
			}
			return
		}
	}
	if len(ls.misuses) < maxMisuses {
		ls.misuses = append(ls.misuses, *f)
	}
}

// maxMisuses bounds how many reports are told of, and how many lines of the
// same one.
const maxMisuses = 100

// ended says whether the log shows, before a stop of it went wrong, that the
// thread's threadfn came to an end.
func (h *history) ended() bool {
	for _, e := range h.life.Events() {
		switch e.Kind {
		case traces.Return, traces.Exit:
			return true
		case traces.Stacked:
			if e.Stack.Report == traces.Oops || e.Stack.Report == traces.Warning {
				return e.Thread.PID == h.life.Thread.PID
			}
		}
	}
	return false
}

// diedFinding says how a thread died, and what its stop makes of it.
func diedFinding(v *Verdict) Finding {
	f := Finding{Rule: ruleDied}
	var s *traces.Stack
	for _, e := range v.Life.Events() {
		if e.Kind == traces.Stacked && e.Stack.Report == traces.Oops && e.Thread.PID == v.Life.Thread.PID {
			s = e.Stack
			f.Lines = append(f.Lines, e.Line)
			break
		}
	}
	in := s.Frames[0].Func
	if i := slices.IndexFunc(s.Frames, func(f traces.Frame) bool { return f.Module != "" }); i > 0 {
		in += ", called from " + s.Frames[i].Func + " of module " + s.Frames[i].Module
	} else if i == 0 {
		in += " of module " + s.Frames[i].Module
	}
	f.Message = fmt.Sprintf("it died in threadfn, in %s (%q)", in, s.Title)
	for _, stop := range v.Stops {
		if stop.ReturnedAt > 0 && stop.HasResult {
			f.Message += fmt.Sprintf("; kthread_stop returned %d all the same", stop.Result)
			f.Lines = append(f.Lines, stop.ReturnedAt)
			if stop.Result == 0 {
				f.Message += ", which hides the death: from 5.17 to 6.x what an oops leaves is not what kthread_stop reads"
			}
			break
		}
	}
	f.Advice = "mend the oops; what the thread held it holds for ever, locks and references too, so that others may hang, and only a reboot makes the machine sound"
	return f
}
