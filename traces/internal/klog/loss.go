package klog

import (
	"bytes"
	"strconv"

	"github.com/kthread-tla/tracecheck/traces/internal/kreport"
	"github.com/kthread-tla/tracecheck/traces/internal/scan"
)

// dropped recognises how printk says that messages are missing:
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
		if rest, ok := bytes.CutPrefix(msg, []byte("** ")); ok {
			num, what, _ := bytes.Cut(rest, []byte(" "))
			if bytes.HasPrefix(what, []byte("printk messages dropped")) {
				n, err := strconv.Atoi(string(num))
				return n, err == nil
			}
			return 0, string(rest) == "replaying previous printk message **"
		}
	case 'p':
		if rest, ok := bytes.CutPrefix(msg, []byte("printk: ")); ok {
			if num, ok := bytes.CutSuffix(rest, []byte(" messages suppressed.")); ok {
				n, err := strconv.Atoi(string(num))
				return n, err == nil
			}
			return 0, false
		}
	case 'L':
		if rest, ok := bytes.CutPrefix(msg, []byte("Lost ")); ok {
			if num, ok := bytes.CutSuffix(rest, []byte(" message(s)!")); ok {
				n, err := strconv.Atoi(string(num))
				return n, err == nil
			}
			return 0, false
		}
	}
	if rest, ok := bytes.CutSuffix(msg, []byte(" callbacks suppressed")); ok {
		num := rest[bytes.LastIndexByte(rest, ' ')+1:]
		n, err := strconv.Atoi(string(num))
		return n, err == nil
	}
	return 0, false
}

// overwritten says, of a message that tells of a loss, whether that is right in
// front of it: a console says so when it comes to where the ring buffer begins
// now. A rate limit tells at the end of its interval, and the buffers of
// printk_safe when they are emptied.
func overwritten(msg []byte) bool {
	return scan.HasPrefix(msg, "** ") && bytes.Contains(msg, []byte(" printk messages dropped"))
}

// isCrash knows the kernel's reports of a task's death.
func isCrash(msg []byte) bool { return beginsCrash(msg) || kreport.CountsDeaths(msg) }

// beginsCrash knows how they begin: x86, arm, arm64 and others, kernel/panic.c and
// the architectures' traps.
func beginsCrash(msg []byte) bool {
	if len(msg) == 0 {
		return false
	}
	begins := func(words ...string) bool {
		for _, w := range words {
			if scan.HasPrefix(msg, w) {
				return true
			}
		}
		return false
	}
	switch msg[0] {
	case 'B':
		return begins("BUG: ")
	case 'k', 'K':
		return begins("kernel BUG at ", "Kernel panic ")
	case 'O':
		return begins("Oops: ", "Oops[", "Oops - ")
	case 'I', 'i':
		return begins("Internal error: ", "invalid opcode: ")
	case 'U', 'g', 'd', 's':
		return begins("Unable to handle kernel ", "general protection fault", "divide error: ", "stack segment: ")
	}
	return false
}
