package kreport

import (
	"bytes"

	"github.com/kthread-tla/tracecheck/traces"
	"github.com/kthread-tla/tracecheck/traces/internal/scan"
)

// CountsDeaths says whether a message counts the deaths of tasks since the boot, as
// "Kernel bug detected[#1]:" and others do (arch/*/kernel/traps.c die).
func CountsDeaths(msg []byte) bool {
	i := scan.IndexOf(msg, "[#")
	return i >= 0 && i+2 < len(msg) && scan.IsDigit(msg[i+2])
}

const (
	cutHere       = "------------[ cut here ]------------"    // include/asm-generic/bug.h CUT_HERE
	noMoreReports = "Future hung task reports are suppressed" // kernel/hung_task.c check_hung_uninterruptible_tasks
)

var (
	endTrace = []byte("---[ end trace ") // kernel/panic.c print_oops_end_marker
	kasan    = []byte("BUG: KASAN: ")    // mm/kasan/report.c
	// warnTexts are texts of WARNs that say more than the WARN's place does: lib/refcount.c,
	// kernel/sched/core.c __might_sleep.
	warnTexts = [][]byte{[]byte("refcount_t: "), []byte("do not call blocking ops when !TASK_RUNNING")}
	// otherTraces begin lines before a trace that is not the task's present stack:
	// mm/kasan/report.c, mm/kfence/report.c, arch/s390/kernel/dumpstack.c.
	otherTraces = [][]byte{
		[]byte("Allocated by task "), []byte("Freed by task "), []byte("Last potentially related work creation:"),
		[]byte("allocated by task "), []byte("freed by task "), []byte("The buggy address "),
		[]byte("Last Breaking-Event-Address:"), []byte("kfence-#"),
	}
)

// kindOf says what msg, without blanks before it, could begin. It is called for every
// message of a log.
func kindOf(msg []byte) lineKind {
	kind := kindByBeginning(msg)
	if kind == otherLine && len(msg) >= 6 && msg[0] != ' ' && !scan.HasPrefix(msg, "task:") && CountsDeaths(msg) {
		// "general protection fault, probably for …: 0000 [#1] SMP", "invalid opcode:
		// 0000 [#1]", "Kernel bug detected[#1]:": whatever else counts deaths.
		return deathLine
	}
	return kind
}

// Unmistakable says whether nothing but a report of the kernel begins with msg.
func Unmistakable(msg []byte) bool {
	switch kindOf(msg) {
	case hungLine, taskLine, nmiLine, procLine, lockupLine, deathLine:
		return true
	}
	return false
}

// MayBegin says whether msg, by its two ends, could begin a report or end one.
func MayBegin(msg []byte) bool { return kindByBeginning(unindent(msg)) != otherLine }

// A firstLine is a line that begins a report, or ends one.
type firstLine struct {
	begin string
	kind  lineKind
	also  func(msg []byte) bool // must be true as well; nil: the beginning is enough
}

// firstLines are tried in their order: the first one that fits says what a line is.
// klog.BoringLines skips lines with other beginnings without decoding them; it takes the
// beginnings from here.
var firstLines = []firstLine{
	{"INFO: task ", hungLine, isHung}, // kernel/hung_task.c check_hung_task
	// kernel/hung_task.c debug_show_blocker, from 6.15: the blocker's stack comes next, as
	// a task's
	{"INFO: task ", endLine, isBlockedOn},
	{"rcu: INFO: rcu", stallLine, isStall},                          // kernel/rcu/tree_stall.h print_cpu_stall, print_other_cpu_stall
	{"INFO: rcu", stallLine, isStall},                               // the same, to 4.19
	{"rcu: RCU grace-period kthread stack dump", endLine, nil},      // kernel/rcu/tree_stall.h rcu_check_gp_kthread_starvation
	{"RCU grace-period kthread stack dump", endLine, nil},           // the same, to 5.9
	{"rcu: Stack dump where RCU GP kthread last ran", endLine, nil}, // the same

	{"watchdog: BUG: soft lockup ", lockupLine, nil},     // kernel/watchdog.c watchdog_timer_fn
	{"NMI watchdog: BUG: soft lockup ", lockupLine, nil}, // the same, to 4.10
	{"BUG: soft lockup ", lockupLine, nil},               // the same, older
	{"watchdog: ", lockupLine, isHardLockup},             // kernel/watchdog.c watchdog_hardlockup_check
	{"NMI watchdog: ", lockupLine, isHardLockup},         // the same, to 4.10
	{"Watchdog detected ", lockupLine, isHardLockup},     // the same, as a warning
	{"NMI backtrace for cpu ", nmiLine, isNotSkipped},    // lib/nmi_backtrace.c nmi_cpu_backtrace
	{"Task dump for CPU ", dumpLine, nil},                // kernel/sched/core.c dump_cpu_task
	{"task:", taskLine, isTask},                          // kernel/sched/core.c sched_show_task

	{"BUG: kernel NULL pointer dereference", deathLine, nil}, // arch/x86/mm/fault.c show_fault_oops
	{"BUG: unable to handle ", deathLine, nil},               // the same
	{"BUG: Kernel NULL pointer dereference", deathLine, nil}, // arch/powerpc/mm/fault.c
	{"BUG: Unable to handle kernel ", deathLine, nil},        // the same
	{"BUG: KASAN: ", deathLine, nil},                         // mm/kasan/report.c
	{"BUG: KFENCE: ", deathLine, nil},                        // mm/kfence/report.c
	{"BUG: stack guard page was hit", deathLine, nil},        // arch/x86/kernel/traps.c handle_stack_overflow
	{"BUG: TASK stack guard page was hit", deathLine, nil},   // the same
	{"BUG: workqueue lockup", otherLine, nil},                // kernel/workqueue.c wq_watchdog_timer_fn: about no task
	{"BUG: ", complaintLine, nil},                            // scheduling while atomic, sleeping function, …: the task goes on
	{"WARNING: ", complaintLine, isWarning},                  // kernel/panic.c __warn
	{"Internal error: ", deathLine, nil},                     // arch/arm/kernel/traps.c, arch/arm64/kernel/traps.c __die
	{"Unable to handle kernel ", deathLine, nil},             // arch/*/mm/fault.c
	{"CPU ", deathLine, isUnable},                            // arch/mips/mm/fault.c, arch/loongarch/mm/fault.c: CPU 0 Unable to handle kernel …
	{"Oops: ", deathLine, nil},                               // arch/*/kernel/traps.c die
	{"Oops - ", deathLine, nil},                              // arch/arm/kernel/traps.c
	{"Oops[", deathLine, nil},                                // arch/mips/kernel/traps.c die
	{"kernel BUG at ", deathLine, nil},                       // lib/bug.c report_bug
	{cutHere, cutLine, nil},

	{"CPU: ", cpuLine, isCPU},       // lib/dump_stack.c dump_stack_print_info
	{"Pid: ", cpuLine, isCPU},       // the same, to 3.9
	{"Call Trace:", traceLine, nil}, // arch/x86/kernel/dumpstack.c show_trace_log_lvl
	{"Call trace:", traceLine, nil}, // arch/arm64/kernel/stacktrace.c dump_backtrace
	{"Backtrace:", traceLine, nil},  // arch/arm/kernel/traps.c dump_backtrace

	{"Showing all locks held in the system", endLine, nil}, // kernel/locking/lockdep.c debug_show_all_locks
	{"sysrq: Show ", endLine, nil},                         // drivers/tty/sysrq.c __handle_sysrq
	{"sysrq: SysRq : Show ", endLine, nil},                 // the same, to 4.19
	{"SysRq : Show ", endLine, nil},                        // the same, before
	{"Kernel panic - not syncing", endLine, nil},           // kernel/panic.c panic
	{noMoreReports, endLine, nil},
}

// byFirstByte has the firstLines by their first byte.
var byFirstByte = func() (lines [256][]firstLine) {
	for _, l := range firstLines {
		c := l.begin[0]
		lines[c] = append(lines[c], l)
	}
	return lines
}()

// Beginnings are the beginnings of the messages that begin or end a report. Such a message
// may be indented. Others are known by "[#1]" in them, or by their end; see kindByEnd.
func Beginnings() (texts []string) {
	for _, l := range firstLines {
		texts = append(texts, l.begin)
	}
	return texts
}

// kindByBeginning is kindOf by a message's two ends alone.
func kindByBeginning(msg []byte) lineKind {
	if len(msg) < 6 || msg[0] == ' ' {
		return otherLine
	}
	lines := byFirstByte[msg[0]]
	for i := range lines {
		l := &lines[i]
		if !scan.HasPrefix(msg, l.begin) || l.also != nil && !l.also(msg) {
			continue
		}
		if l.kind != otherLine {
			return l.kind
		}
		break
	}
	if scan.HasPrefix(msg, "task:") {
		return otherLine
	}
	return kindByEnd(msg)
}

func isHung(msg []byte) bool {
	_, _, ok := parseHungLine(msg)
	return ok
}

func isBlockedOn(msg []byte) bool { return bytes.Contains(msg, []byte(" blocked on a")) }

func isHardLockup(msg []byte) bool {
	return bytes.Contains(msg[:min(len(msg), 80)], []byte("Watchdog detected hard LOCKUP on cpu "))
}

func isNotSkipped(msg []byte) bool { return !bytes.Contains(msg, []byte(" skipped")) }

func isTask(msg []byte) bool {
	_, _, ok := parseTaskLine(msg)
	return ok
}

func isWarning(msg []byte) bool {
	_, at := parseWarning(msg)
	return at != ""
}

func isUnable(msg []byte) bool {
	return bytes.Contains(msg[:min(len(msg), 40)], []byte(" Unable to handle kernel "))
}

func isCPU(msg []byte) bool {
	_, _, ok := parseCPULine(msg)
	return ok
}

// kindByEnd knows the lines that only their right end tells: those of pstore, of
// /proc/PID/stack, and of the old sched_show_task (see parseTaskLine).
func kindByEnd(msg []byte) lineKind {
	end := len(msg)
	for msg[end-1] == ' ' {
		end--
	}
	last := msg[end-1]
	if scan.IsDigit(last) && isPart(msg[:end]) {
		return partLine
	}
	if last == 'k' || last == '=' || msg[0] == '/' || msg[0] == '=' && scan.IsHex(last) {
		if pid, _ := parseProcStack(msg[:end]); pid > 0 {
			return procLine
		}
	}
	if scan.IsHex(last) {
		if _, _, ok := parseOldTaskLine(msg[:end]); ok {
			return taskLine
		}
	}
	return otherLine
}

// isStall says whether msg is the first line of an RCU CPU stall warning
// (kernel/rcu/tree_stall.h print_cpu_stall, print_other_cpu_stall;
// Documentation/RCU/stallwarn.rst).
func isStall(msg []byte) bool {
	return bytes.Contains(msg, []byte("detected")) && bytes.Contains(msg, []byte(" stall"))
}

// isSecondDeathLine says whether msg is the second line of an oops, where the line before
// it was of the same task.
func isSecondDeathLine(msg []byte) bool {
	return bytes.HasPrefix(msg, []byte("Oops")) || bytes.HasPrefix(msg, []byte("Internal error: ")) ||
		bytes.Contains(msg, []byte("[#"))
}

// isPart says whether msg is the first line of a file of pstore, "Oops#1 Part1"
// (fs/pstore/platform.c pstore_dump). Part1 is the end of a log, and a part begins and
// ends anywhere in a report.
func isPart(msg []byte) bool {
	if len(msg) > 40 {
		return false
	}
	word, part, ok := bytes.Cut(msg, []byte("#"))
	if !ok || !isIdentifier(word) {
		return false
	}
	count, part, ok := bytes.Cut(part, []byte(" Part"))
	return ok && scan.AllDigits(count) && scan.AllDigits(part)
}

// parseHungLine reads the first line of khungtaskd's report (kernel/hung_task.c
// check_hung_task; the words in the middle vary):
//
//	INFO: task kworker/u8:0:5 blocked for more than 120 seconds.
//	INFO: task dd:456 blocked in I/O wait for more than 122 seconds.
//
// A name may hold anything, so the pid is the number behind the last colon.
func parseHungLine(msg []byte) (t traces.Task, seconds int, ok bool) {
	rest, ok := bytes.CutPrefix(msg, []byte("INFO: task "))
	if !ok {
		return traces.Task{}, 0, false
	}
	i := bytes.LastIndex(rest, []byte(" for more than "))
	if i < 0 {
		return traces.Task{}, 0, false
	}
	seconds, left, ok := scan.Decimal(rest[i+len(" for more than "):])
	if !ok || !bytes.HasPrefix(left, []byte(" second")) {
		return traces.Task{}, 0, false
	}
	i = bytes.LastIndex(rest[:i], []byte(" blocked"))
	if i < 0 {
		return traces.Task{}, 0, false
	}
	t, ok = splitTask(rest[:i], ':')
	return t, seconds, ok
}

// parseBlocked reads khungtaskd's line about the holder of a lock (kernel/hung_task.c
// debug_show_blocker). lock is the text between the two tasks:
//
//	INFO: task cat:115 is blocked on a mutex likely owned by task cat:114.                            6.15
//	INFO: task cat:115 blocked on a semaphore likely last held by task cat:114                        6.16
//	INFO: task cat:115 <reader> blocked on an rw-semaphore likely owned by task cat:114 <writer>      6.17
//
// ok is false where khungtaskd knows no holder.
func parseBlocked(msg []byte) (waiter, owner traces.Task, lock string, ok bool) {
	rest, ok := bytes.CutPrefix(msg, []byte("INFO: task "))
	i := bytes.Index(rest, []byte(" blocked on a"))
	if !ok || i < 0 {
		return traces.Task{}, traces.Task{}, "", false
	}
	side := func(s []byte) []byte {
		return bytes.TrimSuffix(bytes.TrimSuffix(s, []byte(" <reader>")), []byte(" <writer>"))
	}
	what, by, ok := bytes.Cut(rest[i+len(" blocked on "):], []byte(" task "))
	if !ok || !bytes.Contains(what, []byte(" likely ")) {
		return traces.Task{}, traces.Task{}, "", false
	}
	waiter, ok1 := splitTask(side(bytes.TrimSuffix(rest[:i], []byte(" is"))), ':')
	owner, ok2 := splitTask(side(bytes.TrimSuffix(by, []byte("."))), ':')
	return waiter, owner, string(what), ok1 && ok2
}

// splitTask reads a name and a pid with sep between them. The name may hold sep too.
func splitTask(s []byte, sep byte) (traces.Task, bool) {
	i := bytes.LastIndexByte(s, sep)
	if i < 0 || i > maxCommSize {
		return traces.Task{}, false
	}
	pid, rest, ok := scan.Decimal(s[i+1:])
	if !ok || len(rest) > 0 {
		return traces.Task{}, false
	}
	return traces.Task{Comm: string(s[:i]), PID: pid}, true
}

// parseTaskLine reads the line of sched_show_task (kernel/sched/core.c):
//
//	task:kt_deaf         state:D stack:    0 pid:  596 ppid:     2 flags:0x00004000   5.10
//	task:kt_deaf         state:D stack:0     pid:596   tgid:596   ppid:2      flags:0x00024000   6.6
//	task:kt_deaf         state:D stack:0     pid:596   tgid:596   ppid:2      task_flags:0x208040 flags:0x00024000   6.14
//	task:kt_spin         state:R  running task     stack:    0 pid:  310 ppid:     2 flags:0x00000008
//	kt_deaf         D    0   596      2 0x00000000   4.13
//	kt_deaf         D ffff88003fc92f40     0   596      2 0x00000000   before
func parseTaskLine(msg []byte) (t traces.Task, state byte, ok bool) {
	rest, ok := bytes.CutPrefix(msg, []byte("task:"))
	if !ok {
		return parseOldTaskLine(msg)
	}
	i := bytes.LastIndex(rest, []byte(" state:"))
	if i < 0 || i > maxCommSize {
		return traces.Task{}, 0, false
	}
	comm := bytes.TrimRight(rest[:i], " ")
	rest = rest[i+len(" state:"):]
	if len(rest) == 0 || !isTaskState(rest[0]) {
		return traces.Task{}, 0, false
	}
	state = rest[0]
	i = bytes.Index(rest, []byte(" pid:"))
	if i < 0 {
		return traces.Task{}, 0, false
	}
	pid, rest, ok := scan.Decimal(bytes.TrimLeft(rest[i+len(" pid:"):], " "))
	if !ok || !bytes.Contains(rest, []byte(" ppid:")) {
		return traces.Task{}, 0, false
	}
	return traces.Task{Comm: string(comm), PID: pid}, state, true
}

// parseOldTaskLine reads the last two forms of parseTaskLine, from the right, because the
// name may hold anything.
func parseOldTaskLine(msg []byte) (t traces.Task, state byte, ok bool) {
	s := bytes.TrimRight(msg, " ")
	if len(s) < 12 || s[len(s)-10] != '0' || s[len(s)-9] != 'x' || s[len(s)-11] != ' ' {
		return traces.Task{}, 0, false
	}
	if !scan.AllHex(s[len(s)-8:]) {
		return traces.Task{}, 0, false
	}
	s = s[:len(s)-10]
	var word []byte
	last := func() []byte {
		s = bytes.TrimRight(s, " ")
		i := bytes.LastIndexByte(s, ' ')
		word, s = s[i+1:], s[:i+1]
		return word
	}
	if !scan.AllDigits(last()) { // ppid
		return traces.Task{}, 0, false
	}
	pid, rest, ok := scan.Decimal(last())
	if !ok || len(rest) > 0 {
		return traces.Task{}, 0, false
	}
	switch free := last(); {
	case scan.AllDigits(free):
		last()
	case len(free) > 1 && isTaskState(free[0]) && scan.AllDigits(free[1:]):
		word = free[:1] // "I15016": %c%5lu
	default:
		return traces.Task{}, 0, false
	}
	switch {
	case string(word) == "task" && string(last()) == "running", string(word) == "running":
		last()
	case len(word) >= 8 && scan.AllHex(word):
		last()
	}
	if len(word) == 0 || len(word) > 2 || !isTaskState(word[0]) || len(word) == 2 && word[1] != '+' {
		return traces.Task{}, 0, false
	}
	comm := bytes.TrimRight(s, " ")
	if len(comm) == 0 || len(comm) > maxCommSize || len(comm) == len(s) {
		return traces.Task{}, 0, false
	}
	return traces.Task{Comm: string(comm), PID: pid}, word[0], true
}

// isTaskState says whether c is a letter of fs/proc/array.c task_state_array, in any
// release.
func isTaskState(c byte) bool { return bytes.IndexByte([]byte("RSDTtXZPIxKWN"), c) >= 0 }

// parseCPULine reads the line of dump_stack and show_regs about the task
// (lib/dump_stack.c dump_stack_print_info):
//
//	CPU: 1 PID: 310 Comm: kt_x Tainted: G           OE      6.1.0-18-amd64 #1  Debian 6.1.76-1
//	CPU: 0 UID: 0 PID: 310 Comm: kt_x Kdump: loaded Not tainted 6.12.55 #1
//	Pid: 2183, comm: bash Tainted: P           ---------------    2.6.32-279.19.1.el6.x86_64 #1
//
// release is nil where the line has none.
func parseCPULine(msg []byte) (t traces.Task, release []byte, ok bool) {
	var rest []byte
	if after, old := bytes.CutPrefix(msg, []byte("Pid: ")); old {
		var pid int
		if pid, rest, ok = scan.Decimal(after); !ok {
			return traces.Task{}, nil, false
		}
		if rest, ok = bytes.CutPrefix(rest, []byte(", comm: ")); !ok {
			return traces.Task{}, nil, false
		}
		t.PID = pid
	} else {
		if !bytes.HasPrefix(msg, []byte("CPU: ")) {
			return traces.Task{}, nil, false
		}
		i := bytes.Index(msg, []byte(" PID: "))
		if i < 0 {
			return traces.Task{}, nil, false
		}
		if t.PID, rest, ok = scan.Decimal(msg[i+len(" PID: "):]); !ok {
			return traces.Task{}, nil, false
		}
		if rest, ok = bytes.CutPrefix(rest, []byte(" Comm: ")); !ok {
			return traces.Task{}, nil, false
		}
	}
	i := max(bytes.LastIndex(rest, []byte(" Tainted: ")), bytes.LastIndex(rest, []byte(" Not tainted")))
	if i < 0 {
		t.Comm = string(bytes.TrimRight(rest[:min(len(rest), maxCommSize)], " "))
		return t, nil, true
	}
	comm := bytes.TrimSuffix(rest[:i], []byte(" Kdump: loaded"))
	t.Comm = string(comm[:min(len(comm), maxCommSize)])
	release, _ = parseTaint(rest[i+1:])
	return t, release, true
}

// parseTaint reads the taint flags and the kernel's release (kernel/panic.c
// print_tainted; lib/dump_stack.c):
//
//	Tainted: G        W  OE      6.12.117+deb12-cloud-amd64 #1 Debian 6.12.117-1~deb12u1
//	Not tainted 5.15.63-flatcar #1
//
// ok is false where msg is another line; release is nil where the line has none.
func parseTaint(msg []byte) (release []byte, ok bool) {
	rest, ok := bytes.CutPrefix(msg, []byte("Tainted: "))
	if !ok {
		if rest, ok = bytes.CutPrefix(msg, []byte("Not tainted")); !ok {
			return nil, false
		}
	}
	i := bytes.Index(rest, []byte(" #"))
	if i < 0 {
		return nil, true
	}
	release = rest[:i]
	release = release[bytes.LastIndexByte(release, ' ')+1:]
	release = bytes.TrimLeft(release, "(")
	if len(release) == 0 || !scan.IsDigit(release[0]) || bytes.IndexByte(release, '.') < 0 {
		return nil, true
	}
	return release, true
}

// parseWarning reads a WARN's first line (kernel/panic.c __warn). t is zero where the line
// has no task; at is the function, empty where msg is another line.
//
//	WARNING: at kernel/kthread.c:520 kthread_park+0x40/0x90()                        until 3.10
//	WARNING: CPU: 0 PID: 12 at kernel/kthread.c:520 kthread_park+0x40/0x90()         until 4.10
//	WARNING: CPU: 0 PID: 12 at kernel/kthread.c:520 kthread_park+0x40/0x90 [mod]     after
//	WARNING: CPU: 0 PID: 12 at kthread_park (kernel/kthread.c:520)                   decoded
//	WARNING: kernel/kthread.c:707 at kthread_park+0x40/0x90, CPU#0: kt_x/12          from 6.17
func parseWarning(msg []byte) (t traces.Task, at string) {
	rest, ok := bytes.CutPrefix(msg, []byte("WARNING: "))
	if !ok {
		return traces.Task{}, ""
	}
	if i := bytes.LastIndex(rest, []byte(", CPU#")); i >= 0 {
		where, by := rest[:i], rest[i+len(", CPU#"):]
		file, where, ok := bytes.Cut(where, []byte(" at "))
		if !ok || !isSourceLine(file) {
			return traces.Task{}, ""
		}
		_, by, ok = bytes.Cut(by, []byte(": "))
		if !ok {
			return traces.Task{}, ""
		}
		t, ok = splitTask(by, '/')
		f := parseWhere(where)
		if !ok || f.fn == nil {
			return traces.Task{}, ""
		}
		return t, functionName(f.fn)
	}
	if cpu, ok := bytes.CutPrefix(rest, []byte("CPU: ")); ok {
		i := bytes.Index(cpu, []byte("PID: "))
		if i < 0 {
			return traces.Task{}, ""
		}
		if t.PID, rest, ok = scan.Decimal(cpu[i+len("PID: "):]); !ok {
			return traces.Task{}, ""
		}
		if comm, ok := bytes.CutPrefix(rest, []byte(" Comm: ")); ok {
			i := bytes.LastIndex(comm, []byte(" at "))
			if i < 0 || i > maxCommSize {
				return traces.Task{}, ""
			}
			t.Comm, rest = string(comm[:i]), comm[i:]
		}
		rest = bytes.TrimLeft(rest, " ")
	}
	rest, ok = bytes.CutPrefix(rest, []byte("at "))
	if !ok {
		return traces.Task{}, ""
	}
	if f := parseWhere(rest); f.fn != nil {
		return t, functionName(f.fn)
	}
	file, where, ok := bytes.Cut(rest, []byte(" "))
	if !ok || !isSourceLine(file) {
		return traces.Task{}, ""
	}
	f := parseWhere(where)
	if f.fn == nil {
		return traces.Task{}, ""
	}
	return t, functionName(f.fn)
}

// parseLockupTask is the task of "… stuck for 23s! [kt_spin:310]", zero where a line names
// none.
func parseLockupTask(msg []byte) traces.Task {
	i := bytes.Index(msg, []byte("! ["))
	if i < 0 || msg[len(msg)-1] != ']' {
		return traces.Task{}
	}
	t, _ := splitTask(msg[i+len("! ["):len(msg)-1], ':')
	return t
}

// parseProcessLine reads how arm, arm64, mips and old x86 kernels name the task of an
// oops:
//
//	Process kt_x (pid: 310, stack limit = 0xc05e4240)
func parseProcessLine(msg []byte) (traces.Task, bool) {
	rest, ok := bytes.CutPrefix(msg, []byte("Process "))
	if !ok {
		return traces.Task{}, false
	}
	i := bytes.LastIndex(rest, []byte(" (pid: "))
	if i < 0 || i > maxCommSize {
		return traces.Task{}, false
	}
	pid, _, ok := scan.Decimal(bytes.TrimLeft(rest[i+len(" (pid: "):], " "))
	return traces.Task{Comm: string(rest[:i]), PID: pid}, ok
}

// parseNoteLine reads "note: kt_x[310] exited with irqs disabled" (kernel/exit.c
// make_task_dead; until 5.16 do_exit, which prints it without an oops too).
func parseNoteLine(msg []byte) (traces.Task, bool) {
	rest, ok := bytes.CutPrefix(msg, []byte("note: "))
	if !ok {
		return traces.Task{}, false
	}
	i := bytes.LastIndex(rest, []byte("] exited with "))
	if i < 0 {
		return traces.Task{}, false
	}
	return splitTask(rest[:i], '[')
}

// parseProcStack reads the pid of a file's name, /proc/PID/stack or
// /proc/PID/task/TID/stack. The name stands at the end of a prompt's line,
// "# cat /proc/594/stack"; in "==> … <==", which head and tail print; or before each line,
// where grep puts it. Only then is there a rest. pid is 0 where msg has no such name.
func parseProcStack(msg []byte) (pid int, rest []byte) {
	s := bytes.TrimRight(msg, " ")
	if inner, ok := bytes.CutPrefix(s, []byte("==> ")); ok {
		s = bytes.TrimSuffix(inner, []byte(" <=="))
	}
	if before, ok := bytes.CutSuffix(s, []byte("/stack")); ok {
		i := bytes.LastIndex(before, []byte("/proc/"))
		if i < 0 {
			return 0, nil
		}
		s = before[i+len("/proc/"):]
	} else if after, ok := bytes.CutPrefix(s, []byte("/proc/")); ok {
		s, rest, ok = bytes.Cut(after, []byte("/stack:"))
		if !ok {
			return 0, nil
		}
	} else {
		return 0, nil
	}
	if _, task, ok := bytes.Cut(s, []byte("/task/")); ok {
		s = task
	}
	pid, left, ok := scan.Decimal(s)
	if !ok || len(left) > 0 {
		return 0, nil
	}
	return pid, rest
}
