package life

import (
	"slices"
	"strconv"
	"strings"

	"github.com/kthread-tla/tracecheck/traces"
)

// What a crash report says of a kernel thread: that one died, or that somebody
// used a function of kernel/kthread.c on what is no living thread. The report's
// innermost functions, its fault address and its title are the evidence; a stack
// that is cut is none.

// within are the functions that kernel/kthread.c's functions call, or that the compiler
// may show as frames of their own. If a stack has only these inside a function of
// kernel/kthread.c, that function crashed on the thread that it was given.
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

// ofThemselves are the functions of kernel/kthread.c that are about the task that
// calls them.
var ofThemselves = []string{"kthread_should_stop", "kthread_should_park", "kthread_freezable_should_stop", "kthread_parkme", "kthread_exit"}

// given are the functions of kernel/kthread.c that are about a task that they are given.
var given = []string{"kthread_stop", "kthread_stop_put", "kthread_park", "kthread_unpark", "kthread_bind", "kthread_bind_mask", "kthread_bind_cpu"}

// ModulesOwn are functions on which only a module's own call is looked at: the kernel
// calls them too, for its own reasons.
var ModulesOwn = []string{"wake_up_process", "kthread_data", "kthread_func", "kthread_affine_preferred", "__put_task_struct"}

// A crash is where a report says that things went wrong.
type crash struct {
	in     string         // the function of kernel/kthread.c, or of modulesOwn
	inner  []traces.Frame // what it had called, innermost first
	caller traces.Frame   // who called it; zero: nobody is on the stack
}

// crashIn finds the function that crashed. ok is false if the stack does not show it, or it
// is none that is looked for.
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
		case (isWithin(fn) || slices.Contains(ModulesOwn, fn)) && (at < 0 || slices.Contains(given, s.Frames[at].Func)):
			continue
		}
		break
	}
	if at < 0 {
		at = i - 1
		if at < 0 || i == len(s.Frames) || s.Frames[i].Module == "" || !slices.Contains(ModulesOwn, s.Frames[at].Func) {
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

// direct says whether c.in itself crashed, and nothing that it calls, except what
// compilers and sanitizers put there.
func (c *crash) direct() bool {
	return !slices.ContainsFunc(c.inner, func(f traces.Frame) bool {
		return f.Func != "get_task_struct" && f.Func != "to_kthread" && !strings.HasPrefix(f.Func, "refcount_") &&
			f.Func != "put_task_struct" && f.Func != "ex_handler_refcount" && !strings.HasPrefix(f.Func, "__asan_") && !strings.HasPrefix(f.Func, "__kasan_check_") && f.Func != "kasan_check_range" && f.Func != "check_memory_region"
	})
}

// A Pointer is what a fault address says of the pointer that was followed.
type Pointer int

const (
	somePointer Pointer = iota
	atZero              // 0 itself
	nearNull            // NULL, or an ERR_PTR, and a member's offset
	ErrPointer          // -4095 to -1: an ERR_PTR, and a small offset
	poisoned            // what slab and list debugging leave in freed memory
)

// shadows are where KASAN's shadow of address 0 is: mm/kasan, CONFIG_KASAN_SHADOW_OFFSET of
// x86-64, and of arm64 with 48 bits.
var shadows = []uint64{0xdffffc0000000000, 0xdfff800000000000}

const (
	page       = 4096               // of the smallest size; MAX_ERRNO of include/linux/err.h is one less
	listPoison = 0xdead000000000000 // include/linux/poison.h LIST_POISON1, by CONFIG_ILLEGAL_POINTER_VALUE; slab's is 0x6b
)

// pointerOf reads a report's fault address.
func pointerOf(s *traces.Stack) Pointer {
	if !s.HasAddress {
		return somePointer
	}
	p, _ := PointerAt(s.Address)
	return p
}

// PointerAt reads a fault address. shadowed: it is one of KASAN's shadow.
func PointerAt(address uint64) (p Pointer, shadowed bool) {
	a, shadowed := behindShadow(address)
	switch {
	case a == 0 && shadowed: // the shadow tells 8 bytes, not which of them
	case a == 0:
		p = atZero
	case a < page:
		p = nearNull
	case a >= 1<<64-page, a>>32 == 0 && a >= 1<<32-page:
		p = ErrPointer
	case a>>16 == 0x6b6b6b6b6b6b, a>>32 == 0 && a>>12 == 0x6b6b6, a&^0xfff == listPoison:
		p = poisoned
	}
	return p, shadowed
}

// behindShadow maps an address in KASAN's shadow to the address that KASAN checked:
// "general protection fault, probably for non-canonical address 0xdffffc0000000005" is
// about 0x28. It knows only the shadow of addresses next to 0; shadowed is false for all
// others.
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

// toKthread is a line of kernel/kthread.c. Warnings before it are to_kthread()'s, which
// compilers inline into its callers: it stands at lines 70 to 110 from 4.10 to 7.0, and
// kthread_park() behind line 400. Until 3.6 the file was shorter, with kthread_bind()
// before line 200, but to_kthread() did not warn then.
const toKthread = 200

func isKASAN(s *traces.Stack) bool {
	return strings.HasPrefix(s.Title, "BUG: KASAN: ") || strings.HasPrefix(s.Title, "BUG: KFENCE: ")
}

// MisuseOf says what a report shows to have been done wrong; its Kind is NoIncident
// where it shows nothing of the sort.
func MisuseOf(s *traces.Stack) Misuse {
	if codeGone(s) {
		return Misuse{Kind: CodeGone, By: s.Task, Address: s.Address}
	}
	c, ok := crashIn(s)
	if !ok {
		return Misuse{}
	}
	m := Misuse{Kind: c.kind(s), By: s.Task, In: c.in}
	if c.caller.Module != "" {
		m.Caller, m.Module = c.caller.Func, c.caller.Module
	}
	switch {
	case m.Kind == NoTask:
		m.Address = s.Address
	case m.Kind == AfterFree && strings.HasPrefix(s.Title, refcount):
		m.Title = s.Title
	case m.Kind == ParkRefused:
		m.KthreadLine = kthreadLine(s.Title)
	}
	return m
}

// refcount begins the warnings of lib/refcount.c.
const refcount = "refcount_t: "

// calls says whether c.in had called a function.
func (c *crash) calls(fn string) bool {
	return slices.ContainsFunc(c.inner, func(f traces.Frame) bool { return f.Func == fn })
}

// kind says what was done wrong.
func (c *crash) kind(s *traces.Stack) IncidentKind {
	p := pointerOf(s)
	freed := strings.Contains(s.Title, "use-after-free") || p == poisoned
	death := s.Report == traces.Oops
	modules := slices.Contains(ModulesOwn, c.in)
	switch {
	case slices.Contains(ofThemselves, c.in):
		return c.ofThemselves(s, p)
	case s.Frames[0].Func == "__put_task_struct":
		if s.Report != traces.Warning {
			return NoIncident
		}
		return PutTooMany
	case c.in == "__put_task_struct", modules && c.in != "wake_up_process" && death && !freed:
		return NoIncident // NULL itself, or what was in the task
	case c.in == "wake_up_process" && !freed && p != nearNull && p != ErrPointer:
		return NoIncident
	case strings.HasPrefix(s.Title, refcount):
		return c.ofCount(s.Title)
	case freed:
		return AfterFree
	case death && (p == nearNull || p == ErrPointer) && (c.direct() || c.in == "wake_up_process"):
		return NoTask
	case death && !strings.HasPrefix(c.in, "kthread_bind"):
		return NoKthread
	case death:
		return NoIncident
	}
	return c.warned(s)
}

// ofThemselves is kind of a function that is about the task that calls it. Up to 4.9
// the task is found by its vfork_done, and NULL less an offset is followed.
func (c *crash) ofThemselves(s *traces.Stack, p Pointer) IncidentKind {
	null := p == atZero || p == nearNull || p == ErrPointer
	death := s.Report == traces.Oops
	if c.in == "kthread_exit" || root(s) >= 0 || death && !null || !death && kthreadLine(s.Title) == 0 && !c.calls("to_kthread") {
		return NoIncident
	}
	return NotSelf
}

// ofCount is kind of a warning of lib/refcount.c.
func (c *crash) ofCount(title string) IncidentKind {
	if c.in != "kthread_stop" && c.in != "kthread_stop_put" || !c.direct() || c.calls("to_kthread") {
		return NoIncident // a task_struct holds counts of other things too, which __put_task_struct() drops
	}
	if !strings.Contains(title, "underflow") && !strings.Contains(title, "on 0") && !strings.Contains(title, "saturated") {
		return NoIncident
	}
	return AfterFree
}

// warned is kind of any other warning.
func (c *crash) warned(s *traces.Stack) IncidentKind {
	line := kthreadLine(s.Title)
	switch {
	case c.in == "kthread_park" && line >= toKthread:
		return ParkRefused
	case c.calls("__kthread_bind_mask") || c.calls("__kthread_bind") || c.in != "kthread_park" && line >= toKthread ||
		strings.HasPrefix(c.in, "kthread_bind") && strings.HasPrefix(s.Title, "WARNING: at "): // as until 3.10
		if c.in == "kthread_stop" || c.in == "kthread_unpark" {
			return NotParked
		}
		return BoundLate
	case c.calls("to_kthread") || line > 0 && line < toKthread:
		return NoKthread
	}
	return NoIncident
}

// codeGone says whether a thread ran code that was unloaded: its threadfn's frame has an
// address and no name, and the CPU could not fetch an instruction there.
func codeGone(s *traces.Stack) bool {
	k := root(s)
	if k < 1 || s.Cut || s.Above || s.Report != traces.Oops || !s.HasAddress || !strings.HasPrefix(s.Frames[k-1].Func, "0x") {
		return false
	}
	at, err := strconv.ParseUint(s.Frames[0].Func, 0, 64)
	return err == nil && at == s.Address && at >= page
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
	p := Phases(s)
	return len(p) == 1 && p[0] == "running"
}

// interrupts are the functions that an interrupt runs on any architecture.
var interrupts = map[string]bool{
	"do_IRQ": true, "__do_irq": true, "handle_IRQ": true, "generic_handle_irq": true, "handle_irq_event": true, "handle_domain_irq": true,
	"irq_exit": true, "__do_softirq": true, "handle_softirqs": true, "call_timer_fn": true, "timer_interrupt": true, "gic_handle_irq": true,
	"do_IRQ_user": true, "plat_irq_dispatch": true, "do_irq": true, "do_nmi": true, "exc_nmi": true,
}
