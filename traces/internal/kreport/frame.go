package kreport

import (
	"bytes"
	"strings"

	"github.com/kthread-tla/tracecheck/traces/internal/scan"
)

// A frameKind says what a line of a trace is.
type frameKind uint8

const (
	noFrame  frameKind = iota
	reliable           // a function that is on the stack
	dubious            // an address that was on the stack; it may be a left-over
	garbled            // must have been a frame, but cannot be read
)

// A frameLine is a line of a trace. Its texts are parts of the message.
type frameLine struct {
	kind              frameKind
	fn, mod           []byte
	where             []byte // fn with its offset and size
	callee, calleeMod []byte // arm32: the function that fn called; nil elsewhere
	last              bool   // no frame, but the mark behind the outermost one
	unsure            bool   // dubious, but rather a frame than a left-over
	plain             bool   // without address and offset: outside of a trace it may be any text
}

// parseFrame reads a line of a trace, without blanks before it:
//
//	schedule+0x27/0xc0                              x86, riscv, arm64, …
//	fn_deaf+0x36/0x40 [ktlab]                       a module's
//	fn_deaf+0x36/0x40 [ktlab 5f1c…]                 CONFIG_STACKTRACE_BUILD_ID, from 5.15
//	[<ffffffff8107e5c6>] kthread+0xcf/0xe0          x86 until 4.9; s390, mips, riscv
//	[c000003fe5043c70] [c000000000cfb9dc] schedule+0x40/0xc0  powerpc
//	[<c003e624>] (worker_thread) from [<c0043f90>] (kthread+0x148/0x15c)  arm32 until 5.17
//	worker_thread from kthread+0x148/0x15c          arm32 after it
//	[<0>] kthread+0x9b/0x100                        /proc/PID/stack from 4.15
//	__switch_to+0xf8/0x168 (T)                      arm64 from 6.13
//	kthread_stop+0x6a/0x170 kernel/kthread.c:710    syzbot
//	context_switch kernel/sched/core.c:5245 [inline]
//	kthread_stop (kernel/kthread.c:710)             scripts/decode_stacktrace.sh
//	0xffffffffc08a1063                              code of a module that has been unloaded
//
// A function is dubious behind a "? " (x86, arch/x86/kernel/dumpstack.c
// printk_stack_address), in round brackets (s390), and with "(unreliable)" behind it
// (powerpc).
func parseFrame(s []byte) frameLine {
	addressed, inline := false, false
	for {
		rest, isInline, ok := cutAddress(s)
		if !ok {
			break
		}
		addressed, inline, s = true, inline || isInline, rest
	}
	if bytes.HasPrefix(s, []byte("([<")) || bytes.HasPrefix(s, []byte("? ")) {
		return frameLine{kind: dubious}
	}
	if len(s) == 0 || s[0] == '(' && !addressed {
		if addressed {
			return frameLine{kind: garbled}
		}
		return frameLine{}
	}
	if callee, caller, ok := bytes.Cut(s, []byte(" from ")); ok && (addressed || bytes.Contains(caller, []byte("+0x"))) {
		return pairFrame(callee, caller, addressed)
	}
	f := parseWhere(s)
	switch {
	case f.kind == noFrame && inline:
		if name, _, ok := bytes.Cut(s, []byte(" ")); ok {
			return frameLine{kind: reliable, fn: name, where: name}
		}
		return frameLine{kind: garbled}
	case f.kind == noFrame && addressed:
		// s390 and /proc print functions without offsets.
		name, rest, _ := bytes.Cut(s, []byte(" "))
		mod, left := cutModule(rest)
		if isIdentifier(name) && len(left) == 0 {
			return frameLine{kind: reliable, fn: name, mod: mod, where: name}
		}
		if bytes.HasPrefix(s, []byte("0x")) && isEndAddress(name) {
			return frameLine{kind: dubious, last: true}
		}
		return frameLine{kind: garbled}
	}
	return f
}

// cutAddress takes an address in brackets off s. isInline says that it is
// "[<     inline     >]", which syzbot wrote until 2016.
func cutAddress(s []byte) (rest []byte, isInline, ok bool) {
	if len(s) < 3 || s[0] != '[' {
		return s, false, false
	}
	if s[1] == '<' {
		end := bytes.Index(s, []byte(">]"))
		if end < 0 || end > 40 {
			return s, false, false
		}
		in := bytes.TrimSpace(s[2:end])
		inline := string(in) == "inline"
		if !inline && string(in) != "(null)" && !scan.AllHex(in) {
			return s, false, false
		}
		return bytes.TrimLeft(s[end+2:], " "), inline, true
	}
	end := bytes.IndexByte(s, ']')
	if end != 9 && end != 17 || !scan.AllHex(s[1:end]) {
		return s, false, false
	}
	return bytes.TrimLeft(s[end+1:], " "), false, true
}

// pairFrame reads a line of arm32, which has two functions. bracketed says that addresses
// stand before them.
func pairFrame(callee, caller []byte, bracketed bool) frameLine {
	if bracketed {
		rest, _, ok := cutAddress(caller)
		if !ok {
			return frameLine{kind: garbled}
		}
		var ok1, ok2 bool
		if callee, ok1 = cutBrackets(callee); !ok1 {
			return frameLine{kind: garbled}
		}
		if caller, ok2 = cutBrackets(rest); !ok2 {
			return frameLine{kind: garbled}
		}
	}
	f := parseWhere(caller)
	if f.kind != reliable {
		if bracketed {
			return frameLine{kind: garbled}
		}
		return frameLine{}
	}
	name, rest, _ := bytes.Cut(callee, []byte(" "))
	mod, left := cutModule(rest)
	if len(left) > 0 || len(name) == 0 {
		if bracketed {
			return frameLine{kind: garbled}
		}
		return frameLine{} // any text with a "from" in it
	}
	if i := bytes.IndexByte(name, '+'); i > 0 {
		name = name[:i] // until 3.10 both functions had an offset
	}
	f.callee, f.calleeMod = name, mod
	return f
}

// cutBrackets is what stands between round brackets.
func cutBrackets(s []byte) ([]byte, bool) {
	s = bytes.TrimSpace(s)
	if len(s) < 2 || s[0] != '(' || s[len(s)-1] != ')' {
		return nil, false
	}
	return s[1 : len(s)-1], true
}

// parseWhere reads a function with its offset, and what may follow it:
//
//	fn+0x27/0xc0 [mod] (flags)
//	fn+0x27/0xc0 file:line
//	fn file:line [inline]
//	fn (file:line) mod
//	0xffffffffc08a1063
func parseWhere(s []byte) frameLine {
	s = bytes.TrimRight(s, " ")
	if bytes.HasSuffix(s, []byte(" (unreliable)")) {
		return frameLine{kind: dubious, unsure: true}
	}
	plus := bytes.Index(s, []byte("+0x"))
	space := bytes.IndexByte(s, ' ')
	if plus > 0 && (space < 0 || plus < space || bytes.Contains(s[:plus], []byte("::"))) {
		i := plus + 3
		for i < len(s) && scan.IsHex(s[i]) {
			i++
		}
		ok := i > plus+3 && bytes.HasPrefix(s[i:], []byte("/0x"))
		if ok {
			from := i + 3
			for i = from; i < len(s) && scan.IsHex(s[i]); i++ {
			}
			ok = i > from
		}
		where := s[:i]
		if bytes.HasPrefix(s[i:], []byte("()")) {
			i += 2 // in a WARN's first line, until 4.10
		}
		if !ok || i < len(s) && s[i] != ' ' {
			return frameLine{kind: garbled}
		}
		f := frameLine{kind: reliable, fn: s[:plus], where: where}
		f.mod, s = cutModule(s[i:])
		switch {
		case len(s) == 0 || isArm64Flags(s) || isDiscriminator(s):
		case s[0] == '(' && s[len(s)-1] == ')' && isSourceLine(s[1:len(s)-1]):
		case isSourceLine(s):
		default:
			return frameLine{kind: garbled}
		}
		return f
	}
	if space < 0 {
		if bytes.HasPrefix(s, []byte("0x")) && len(s) >= 10 && scan.AllHex(s[2:]) {
			if isEndAddress(s) {
				return frameLine{kind: dubious, last: true}
			}
			return frameLine{kind: reliable, fn: s, where: s, plain: true}
		}
		return frameLine{}
	}
	name, rest := s[:space], bytes.TrimLeft(s[space+1:], " ")
	if !isIdentifier(name) {
		return frameLine{}
	}
	if at, ok := bytes.CutSuffix(rest, []byte(" [inline]")); ok && isSourceLine(at) {
		return frameLine{kind: reliable, fn: name, where: name, plain: true}
	}
	if rest[0] == '(' {
		end := bytes.LastIndexByte(rest, ')')
		if end < 0 || !isSourceLine(rest[1:end]) {
			return frameLine{}
		}
		mod := bytes.TrimSpace(rest[end+1:])
		mod = bytes.Trim(mod, "[]")
		if len(mod) > 0 && !isIdentifier(mod) {
			return frameLine{}
		}
		return frameLine{kind: reliable, fn: name, mod: mod, where: name, plain: true}
	}
	return frameLine{}
}

// cutModule takes " [mod …]" off s. The first word is the module's name; a build-id may
// follow it (kernel/kallsyms.c __sprint_symbol).
func cutModule(s []byte) (mod, rest []byte) {
	s = bytes.TrimLeft(s, " ")
	if len(s) == 0 || s[0] != '[' {
		return nil, s
	}
	end := bytes.IndexByte(s, ']')
	if end < 0 || string(s[:end]) == "[inline" {
		return nil, s
	}
	mod = s[1:end]
	for i, c := range mod {
		if c == ' ' || c == '(' {
			mod = mod[:i]
			break
		}
	}
	if !isIdentifier(mod) {
		return nil, s
	}
	return mod, bytes.TrimSpace(s[end+1:])
}

// isSourceLine says whether s is a source file and a line in it, or several of them.
func isSourceLine(s []byte) bool {
	i := bytes.IndexByte(s, ':')
	return i > 1 && i+1 < len(s) && scan.IsDigit(s[i+1]) && s[i-2] == '.' && bytes.IndexByte(s[:i], ' ') < 0 ||
		i > 2 && i+1 < len(s) && scan.IsDigit(s[i+1]) && bytes.HasSuffix(s[:i], []byte(".rs"))
}

// isArm64Flags says whether s is what arm64 prints behind a frame to tell where it is
// from: "(T)", "(CP)" (arch/arm64/kernel/stacktrace.c dump_backtrace_entry).
func isArm64Flags(s []byte) bool {
	if len(s) < 3 || len(s) > 8 || s[0] != '(' || s[len(s)-1] != ')' {
		return false
	}
	for _, c := range s[1 : len(s)-1] {
		if c < 'A' || c > 'Z' {
			return false
		}
	}
	return true
}

// isDiscriminator says whether s is what addr2line prints behind a line number.
func isDiscriminator(s []byte) bool { return bytes.HasPrefix(s, []byte("(discriminator ")) }

// isEndAddress says whether s is the address ~0, which ended saved stacks until 5.1
// (arch/x86/kernel/stacktrace.c save_stack_trace).
func isEndAddress(s []byte) bool {
	return len(s) >= 10 && len(bytes.Trim(s[2:], "fF")) == 0
}

// A mark is a word in angle brackets around a part of a trace of x86.
type mark uint8

const (
	noMark          mark = iota
	taskBegins           // <TASK>, from 5.17
	taskEnds             // </TASK>
	interruptBegins      // <IRQ>, <NMI>, <#DF>: an interrupt or exception on its own stack
	interruptEnds        // </IRQ>; until 4.9 <EOI> and <<EOE>>
	otherMark
)

// cutMark takes a mark off s (arch/x86/kernel/dumpstack_64.c stack_type_name,
// arch/x86/kernel/dumpstack.c show_trace_log_lvl).
func cutMark(s []byte) (rest []byte, m mark) {
	end := bytes.IndexByte(s, '>')
	if end < 2 || end > 20 {
		return s, noMark
	}
	word, closing := bytes.CutPrefix(s[1:end], []byte("/"))
	word = bytes.TrimLeft(word, "<")
	if len(word) == 0 {
		return s, noMark
	}
	for _, c := range word {
		if c != '#' && c != '_' && !scan.IsDigit(c) && (c < 'A' || c > 'Z') {
			return s, noMark
		}
	}
	rest = bytes.TrimLeft(s[end+1:], "> ")
	switch string(word) {
	case "TASK":
		if closing {
			return rest, taskEnds
		}
		return rest, taskBegins
	case "EOI", "EOE":
		return rest, interruptEnds
	case "IRQ", "NMI", "SOFTIRQ":
	default:
		if word[0] != '#' {
			return rest, otherMark
		}
	}
	if closing {
		return rest, interruptEnds
	}
	return rest, interruptBegins
}

// functionName is a symbol's name as the source has it. It lacks what compilers append to
// copies and parts of functions (".isra.0", ".constprop.0", ".part.1", ".cold",
// ".llvm.123"), the "." before entry points of 64-bit powerpc, and the "__pfx_" of the
// bytes in front of a function.
func functionName(sym []byte) string {
	sym = bytes.TrimPrefix(sym, []byte("__pfx_"))
	if len(sym) > 1 && sym[0] == '.' {
		sym = sym[1:]
	}
	if !bytes.Contains(sym, []byte("::")) {
		if i := bytes.IndexByte(sym, '.'); i > 0 {
			sym = sym[:i]
		}
	}
	return string(sym)
}

// isThreadBase says whether a kernel thread's stack begins with fn, on any architecture
// and release. kthread is one: nothing of interest is outside of it, and the traces of old
// arm64 kernels end there.
func isThreadBase(fn string) bool {
	switch fn {
	case "kthread", "__ret_from_fork", "start_kernel_thread",
		"kernel_thread_helper", "kernel_thread_starter", "kernel_thread_exit", "child_rip":
		return true
	}
	// ret_from_fork, ret_from_fork_asm, ret_from_kernel_thread, ret_from_exception, …
	return strings.HasPrefix(fn, "ret_from_")
}

// endsStack says whether a stack that has come to fn has no further frame that is not a
// base itself.
func endsStack(fn string) bool { return isThreadBase(fn) || isStackBase(fn) && isOutermost(fn) }

// isOutermost says whether the base fn is the last frame of its stack. It is false for a
// base that another base may have called: x86 prints kthread, then ret_from_fork, then
// "</TASK>".
func isOutermost(fn string) bool {
	switch fn {
	case "kthread", "__ret_from_fork", "el0_svc", "el0_svc_naked", "start_kernel", "start_secondary", "cpu_startup_entry":
		return false
	}
	return true
}

// isStackBase says whether a stack begins with fn: that of a kernel thread, of a system
// call, or of an idle CPU.
func isStackBase(fn string) bool {
	switch fn {
	case "entry_SYSCALL_64_after_hwframe", "entry_SYSCALL_64_fastpath", "entry_SYSCALL_64",
		"entry_SYSCALL_compat_after_hwframe", "entry_INT80_compat", "entry_INT80_32", "entry_SYSENTER_32",
		"system_call_fastpath", "sysenter_do_call", "sysenter_dispatch", "syscall_call", "tracesys",
		"return_from_SYSCALL_64", "stub_clone", // x86
		"el0_svc_naked", "el0_svc", "el0_sync", "el0t_64_sync", "el0t_32_sync", // arm64
		"ret_fast_syscall", "__sys_trace_return", "__sys_trace", // arm
		"handle_exception",                                                             // riscv
		"handle_sys", "handle_sys64", "handle_syscall", "syscall_common", "stack_done", // mips, loongarch
		"system_call", "system_call_common", "system_call_vectored_common", "sysc_noemu", // powerpc, s390
		"secondary_startup_64", "secondary_startup_64_no_verify", "common_startup_64",
		"start_secondary", "start_kernel", "x86_64_start_kernel", "__secondary_switched", "cpu_startup_entry":
		return true
	}
	return isThreadBase(fn)
}

// isInterruptEntry says whether fn is where an interrupt enters on the stack of the task.
// The frames inside of fn are not the task's.
func isInterruptEntry(fn string) bool {
	switch fn {
	case "el1_irq", "el1_fiq", "el1h_64_irq", "el1h_64_fiq", "__irq_svc", "__fiq_svc",
		"asm_common_interrupt", "common_interrupt", "ret_from_intr",
		"apic_timer_interrupt", "reschedule_interrupt", "call_function_interrupt", "call_function_single_interrupt":
		return true
	}
	return strings.HasPrefix(fn, "asm_sysvec_")
}

// isIdentifier says whether s can be the name of a function or a module.
func isIdentifier(s []byte) bool {
	if len(s) == 0 || scan.IsDigit(s[0]) {
		return false
	}
	for _, c := range s {
		switch {
		case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', scan.IsDigit(c), c == '_', c == '.', c == '$', c == '-':
		default:
			return false
		}
	}
	return true
}
