package klog

import (
	"bytes"
	"strconv"

	"github.com/kthread-tla/tracecheck/traces/internal/kreport"
	"github.com/kthread-tla/tracecheck/traces/internal/scan"
)

// Messages about a loss begin or end with one of these.
const (
	lossStars     = "** "
	lossLost      = "Lost "
	lossPrintk    = "printk: "
	lossCallbacks = " callbacks suppressed"
)

var losses = []hint{{begin, lossStars}, {begin, lossLost}, {begin, lossPrintk}, {end, lossCallbacks}}

// dropped reads a message that says that others are missing. n is 0 where it does not say
// how many:
//
//	** 12 printk messages dropped **          kernel/printk/printk.c
//	__report_bad_page: 3 callbacks suppressed lib/ratelimit.c
//	Lost 3 message(s)!                        kernel/printk/printk_safe.c, to 5.14
//	printk: 12 messages suppressed.           lib/ratelimit.c, to 2.6.31
//	** replaying previous printk message **   a console that is new, to 5.18
func dropped(msg []byte) (n int, ok bool) {
	if len(msg) == 0 {
		return 0, false
	}
	switch msg[0] {
	case '*':
		if rest, ok := bytes.CutPrefix(msg, []byte(lossStars)); ok {
			num, what, _ := bytes.Cut(rest, []byte(" "))
			if bytes.HasPrefix(what, []byte("printk messages dropped")) {
				n, err := strconv.Atoi(string(num))
				return n, err == nil
			}
			return 0, string(rest) == "replaying previous printk message **"
		}
	case 'p':
		if rest, ok := bytes.CutPrefix(msg, []byte(lossPrintk)); ok {
			if num, ok := bytes.CutSuffix(rest, []byte(" messages suppressed.")); ok {
				n, err := strconv.Atoi(string(num))
				return n, err == nil
			}
			return 0, false
		}
	case 'L':
		if rest, ok := bytes.CutPrefix(msg, []byte(lossLost)); ok {
			if num, ok := bytes.CutSuffix(rest, []byte(" message(s)!")); ok {
				n, err := strconv.Atoi(string(num))
				return n, err == nil
			}
			return 0, false
		}
	}
	if rest, ok := bytes.CutSuffix(msg, []byte(lossCallbacks)); ok {
		num := rest[bytes.LastIndexByte(rest, ' ')+1:]
		n, err := strconv.Atoi(string(num))
		return n, err == nil
	}
	return 0, false
}

// overwritten says whether the messages that a message reports as missing are missing right
// before it. So it is where a console finds that the ring buffer has overtaken it. A rate
// limit reports at the end of its interval, and printk_safe when its buffers are emptied.
func overwritten(msg []byte) bool {
	return scan.HasPrefix(msg, lossStars) && bytes.Contains(msg, []byte(" printk messages dropped"))
}

// isCrash says whether a message reports the death of a task.
func isCrash(msg []byte) bool { return beginsCrash(msg) || kreport.CountsDeaths(msg) }

// crashes are the beginnings of messages about the death of a task.
var crashes = []string{
	"BUG: ",                    // arch/x86/mm/fault.c show_fault_oops; mm/kasan/report.c; kernel/sched/core.c __schedule_bug
	"kernel BUG at ",           // lib/bug.c report_bug
	"Kernel panic ",            // kernel/panic.c panic
	"Oops: ",                   // arch/*/kernel/traps.c die
	"Oops[",                    // arch/mips/kernel/traps.c die
	"Oops - ",                  // arch/arm/kernel/traps.c
	"Internal error: ",         // arch/arm/kernel/traps.c, arch/arm64/kernel/traps.c __die
	"Unable to handle kernel ", // arch/*/mm/fault.c
	"invalid opcode: ",         // arch/x86/kernel/traps.c exc_invalid_op
	"general protection fault", // arch/x86/kernel/traps.c exc_general_protection
	"divide error: ",           // arch/x86/kernel/traps.c exc_divide_error
	"stack segment: ",          // arch/x86/kernel/traps.c exc_stack_segment
}

// crashBytes are the first bytes of crashes.
var crashBytes = func() (bytes [256]bool) {
	for _, c := range crashes {
		bytes[c[0]] = true
	}
	return bytes
}()

// beginsCrash says whether a message begins with one of crashes.
func beginsCrash(msg []byte) bool {
	if len(msg) == 0 || !crashBytes[msg[0]] {
		return false
	}
	for _, c := range crashes {
		if scan.HasPrefix(msg, c) {
			return true
		}
	}
	return false
}
