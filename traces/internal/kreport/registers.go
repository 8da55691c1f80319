package kreport

import (
	"bytes"

	"github.com/kthread-tla/tracecheck/traces/internal/scan"
)

// programCounter reads a line of registers that says where the CPU was. where is the
// function with its offset, nil where the line does not say. user says that the CPU was
// in user space. inTrace says that such a line may stand in a trace, where it is a frame.
//
//	RIP: 0010:kthread_stop+0x3c/0x170                                x86-64
//	RIP: 0010:[<ffffffff8184b879>]  [<ffffffff8184b879>] wait_for_completion+0x89/0x140
//	EIP: kthread_stop+0x16/0x160    EIP is at kthread_stop+0x16/0x160    IP: [<c105b6e6>] kthread_stop+0x16/0x160
//	pc : kthread_stop+0x3c/0x170                                     arm64
//	PC is at kthread_stop+0x18/0x64                                  arm
//	NIP [c000000000ac0ce8] kthread_stop+0x18/0xf0                    powerpc
//	epc : kthread_stop+0x10/0x20    epc   : 8026a400 kthread_stop+0x74/0x130   riscv, mips
//	Krnl PSW : 0704d00180000000 00000000009e59e4 (kthread_stop+0x464/0x5d0)    s390
//	   ERA: 9000000000212b44 kthread_stop+0x24/0x160                 loongarch
func programCounter(msg []byte) (where []byte, user, inTrace bool) {
	cut := func(prefix string) (rest []byte, ok bool) { return bytes.CutPrefix(msg, []byte(prefix)) }
	var rest []byte
	var ok bool
	switch msg[0] {
	case 'R', 'E', 'I':
		if rest, ok = cut("EIP is at "); ok {
			break
		}
		if rest, ok = cut("IP: "); ok {
			break
		}
		if rest, ok = cut("ERA: "); ok {
			break
		}
		if rest, ok = cut("RIP: "); !ok {
			if rest, ok = cut("EIP: "); !ok {
				return nil, false, false
			}
		}
		// The selector's lowest two bits are the privilege level.
		if len(rest) > 5 && rest[4] == ':' && scan.AllHex(rest[:4]) {
			if bytes.IndexByte([]byte("37bBfF"), rest[3]) >= 0 {
				return nil, true, true
			}
			rest, inTrace = rest[5:], true
		}
	case 'p':
		rest, ok = cut("pc : ")
	case 'P':
		rest, ok = cut("PC is at ")
	case 'N':
		rest, ok = cut("NIP ")
	case 'e':
		if rest, ok = cut("epc"); ok {
			rest = bytes.TrimLeft(rest, " ")
			rest, ok = bytes.CutPrefix(rest, []byte(": "))
		}
	case 'K':
		if rest, ok = cut("Krnl PSW : "); ok {
			i, end := bytes.IndexByte(rest, '('), bytes.LastIndexByte(rest, ')')
			if ok = i >= 0 && end > i; ok {
				rest = rest[i+1 : end]
			}
		}
	}
	if !ok {
		return nil, false, false
	}
	rest = bytes.TrimLeft(rest, " ")
	for {
		left, _, ok := cutAddress(rest)
		if !ok {
			break
		}
		rest = left
	}
	if i := bytes.IndexByte(rest, ' '); i >= 8 && scan.AllHex(rest[:i]) {
		rest = rest[i+1:] // mips, loongarch
	}
	// x86 prints more behind the function: " SS:ESP 0068:f5c5de90", " RSP: …".
	if i := bytes.Index(rest, []byte(" SS:ESP ")); i >= 0 {
		rest = rest[:i]
	}
	if i := bytes.Index(rest, []byte(" RSP: ")); i >= 0 {
		rest = rest[:i]
	}
	if len(rest) == 0 {
		return nil, false, false
	}
	return rest, false, inTrace
}

// badAddress is the address that the first line of an oops names; ok is false where it
// names none:
//
//	BUG: kernel NULL pointer dereference, address: 0000000000000010
//	BUG: unable to handle kernel NULL pointer dereference at           (null)
//	Unable to handle kernel NULL pointer dereference at virtual address 00000034
//	general protection fault, probably for non-canonical address 0xdead000000000122: 0000 [#1] SMP
func badAddress(msg []byte) (addr uint64, ok bool) {
	for _, before := range [...]string{"address: ", "virtual address ", "non-canonical address ", "dereference at ", "request at ", " at 0x"} {
		if i := bytes.Index(msg, []byte(before)); i >= 0 {
			s := bytes.TrimLeft(msg[i+len(before):], " ")
			if bytes.HasPrefix(s, []byte("(null)")) {
				return 0, true
			}
			return hexNumber(s)
		}
	}
	return 0, false
}

// hexNumber reads an address, with 0x or without, at the beginning of s.
func hexNumber(s []byte) (n uint64, ok bool) {
	s = bytes.TrimPrefix(s, []byte("0x"))
	i := 0
	for ; i < len(s) && scan.IsHex(s[i]); i++ {
		if i == 16 {
			return 0, false
		}
		c := s[i]
		switch {
		case scan.IsDigit(c):
			c -= '0'
		case c >= 'a':
			c -= 'a' - 10
		default:
			c -= 'A' - 10
		}
		n = n<<4 | uint64(c)
	}
	return n, i >= 8 // %08lx and %016lx print at least eight digits
}

// isReportDetail says whether msg is a line of a report that says nothing of the stack:
// registers, raw stacks, modules, code. Such a line does not count as foreign.
func isReportDetail(msg []byte) bool {
	for _, p := range [...]string{
		"\"echo 0 >", "Workqueue: ", "Modules linked in:", "Hardware name:", "Code:", "Stack", "Exception stack(",
		"Tainted: [", "task: ", "RSP", "RAX", "CR2", "FS: ", "CS: ", "DR", "PKRU", "EFLAGS", "EAX", "ESI", "DS: ",
		"LR", "GPR", "MSR", "CFAR", "REGS", "IRQMASK", "NIP", "Instruction dump", "pstate:", "lr :", "sp :", "pc :",
		"PC is", "LR is", "Flags:", "Control:", "PGD ", "pgd = ", "*pd", "#PF: ", "Krnl ", "Status", "Cause", "BadVA",
		"PrId", "Hi ", "Lo ", "ra ", "epc", "$", "CPU: ", "RIP", "EIP", "...", "INFO: lockdep is turned off",
	} {
		if len(msg) >= len(p) && string(msg[:len(p)]) == p {
			return true
		}
	}
	// Lines of numbers: "9fa0: 00000000 00000000", "x29: ffff80008319bf50 x28: …".
	words, numbers := 0, 0
	for s := msg; len(s) > 0; {
		word, rest, _ := bytes.Cut(s, []byte(" "))
		if s = rest; len(word) == 0 {
			continue
		}
		words++
		if i := bytes.LastIndexByte(word, ':'); i >= 0 {
			word = word[i+1:]
		}
		if len(word) >= 8 && scan.AllHex(word) {
			numbers++
		}
	}
	return numbers > 0 && numbers*3 >= words
}
