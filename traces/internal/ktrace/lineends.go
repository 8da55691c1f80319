package ktrace

import (
	"bytes"

	"github.com/kthread-tla/tracecheck/traces"
	"github.com/kthread-tla/tracecheck/traces/internal/scan"
)

// Most lines of most traces are about the scheduling of tasks outside of the interest. The
// two ends of such a line show that: the left one has the current task, the right one the
// task that gets the CPU or is woken. The middle is not read, so whatever it holds is no
// loss.

// A LineHead is the left end of a line with an event of the scheduler.
type LineHead struct {
	PID           int32 // of the current task
	PIDAt, PIDEnd int   // where that pid begins, and the column behind it
	CPU           int
	Bracket       int // where "[001]" begins
	Colon         int // the colon behind the stamp
	Name          int // where the event's name begins, "sched_switch"
}

// NameWidth is the length of the names sched_switch, sched_waking and sched_wakeup, with
// the colon and the blank behind them.
const NameWidth = len("sched_switch: ")

// FtraceHead reads "comm-123     [001] d..2.    36.824876: sched_", whose dash is the 17th
// byte (kernel/trace/trace_output.c trace_print_context). ok is false for other lines.
func FtraceHead(line []byte) (h LineHead, ok bool) {
	const dash = 16
	if len(line) <= dash || line[dash] != '-' || !h.readPID(line, dash+1) {
		return h, false
	}
	return h, h.readCPU(line, skipTGID(line, scan.SkipBlanks(line, h.PIDEnd)))
}

// perfHead reads "comm  123 [001]   184.144569:   sched:sched_" of perf script; the
// name has 16 columns.
func perfHead(line []byte) (h LineHead, ok bool) {
	const width = 16
	if len(line) <= width || line[width] != ' ' || line[width-1] == ' ' || !h.readPID(line, scan.SkipBlanks(line, width)) {
		return h, false
	}
	return h, h.readCPU(line, scan.SkipBlanks(line, h.PIDEnd))
}

// readPID reads a pid of at most seven digits and the blank behind it.
func (h *LineHead) readPID(line []byte, i int) bool {
	pid, end := scan.Digits(line, i)
	h.PID, h.PIDAt, h.PIDEnd = int32(pid), i, end
	return end > i && end-i <= 7 && end < len(line) && line[end] == ' '
}

// AfterCPU is how many columns behind "[001]" begins the first stamp may end.
const AfterCPU = len("[001] d.")

// readCPU reads "[001] " and goes on to the first "6: sched_" behind it; further
// blanks, and perf's "sched:", may stand before the name.
func (h *LineHead) readCPU(line []byte, br int) bool {
	if len(line) < br+AfterCPU || line[br] != '[' || !scan.IsDigit(line[br+1]) || !scan.IsDigit(line[br+2]) || !scan.IsDigit(line[br+3]) || line[br+4] != ']' || line[br+5] != ' ' {
		return false
	}
	h.Bracket = br
	h.CPU = int(line[br+1]-'0')*100 + int(line[br+2]-'0')*10 + int(line[br+3]-'0')
	for at := br + AfterCPU; at < len(line); at++ {
		i := bytes.IndexByte(line[at:], ':')
		if i < 0 {
			return false
		}
		at += i
		name := scan.SkipBlanks(line, at+1)
		if name == at+1 || !scan.IsDigit(line[at-1]) {
			continue
		}
		if scan.HasPrefix(line[name:], "sched:") {
			name += len("sched:")
		}
		if scan.HasPrefix(line[name:], "sched_") {
			h.Colon, h.Name = at, name
			return true
		}
	}
	return false
}

// A LineEnd is the right end of a line with a sched_switch, sched_waking or
// sched_wakeup.
type LineEnd struct {
	Kind   traces.Kind // SwitchOut or Woken
	Early  bool        // sched_waking
	PID    int32       // of the next task, or the one that is woken
	PIDKey int         // where " next_pid=" or " pid=" begins; 0 in the words of libtraceevent's plugin
}

// End reads the event's name and its right end.
func (h *LineHead) End(line []byte) (e LineEnd, ok bool) {
	if len(line) <= h.Name+NameWidth {
		return e, false
	}
	switch string(line[h.Name+len("sched_") : h.Name+NameWidth]) {
	case "switch: ":
		e.Kind = traces.SwitchOut
		e.PID, e.PIDKey, ok = nextPID(line)
		if text := line[h.Name:]; e.PIDKey == 0 && (scan.IndexOf(text, "W ==> ") >= 0 || scan.IndexOf(text, "W) ==> ") >= 0) {
			return e, false // the letter W decides what other letters mean: see oldLetter
		}
	case "waking: ", "wakeup: ":
		e.Kind, e.Early = traces.Woken, line[h.Name+len("sched_wak")] == 'i'
		e.PID, e.PIDKey, ok = wokenPID(line)
	}
	return e, ok
}

// nextPID is the pid of the next task of a sched_switch, "… next_pid=338 next_prio=120" or
// "… ==> kt_ok:338 [120]". at is where " next_pid=" begins, 0 in the second form.
func nextPID(line []byte) (pid int32, at int, ok bool) {
	const prioKey, pidKey = " next_prio=", " next_pid="
	i := PrioLeft(line, len(line))
	if i == len(line) || i < len(prioKey) || string(line[i-len(prioKey):i]) != prioKey {
		if i == len(line) && i > 0 && line[i-1] == ']' {
			pid, ok = pluginPID(line, i-1)
		}
		return pid, 0, ok
	}
	i -= len(prioKey)
	pid, from := scan.NumberLeft(line, i)
	if from == i || from < len(pidKey) || string(line[from-len(pidKey):from]) != pidKey {
		return 0, 0, false
	}
	return pid, from - len(pidKey), true
}

// pluginPID is the pid in "kt_ok:338 [120", which ends at a column.
func pluginPID(line []byte, end int) (pid int32, ok bool) {
	i := scan.DigitsLeft(line, end)
	if i == end || i < 2 || string(line[i-2:i]) != " [" {
		return 0, false
	}
	i -= len(" [")
	pid, from := scan.NumberLeft(line, i)
	return pid, from < i && from > 0 && line[from-1] == ':'
}

// wokenPID is the pid of the task that a sched_waking or sched_wakeup is about:
// "… pid=338 prio=120 target_cpu=001", or "kt_ok:338 [120] CPU:001". at is where
// " pid=" begins, 0 in the second form.
func wokenPID(line []byte) (pid int32, at int, ok bool) {
	const cpuKey, prioKey, pidKey, plugin = " target_cpu=", " prio=", " pid=", "] CPU:"
	i := PrioLeft(line, len(line))
	switch {
	case i == len(line) || i < len(cpuKey):
		return 0, 0, false
	case string(line[i-len(cpuKey):i]) == cpuKey:
	case string(line[i-len(plugin):i]) == plugin:
		pid, ok = pluginPID(line, i-len(plugin))
		return pid, 0, ok
	default:
		return 0, 0, false
	}
	i -= len(cpuKey)
	j := PrioLeft(line, i)
	if j == i || j < len(prioKey) || string(line[j-len(prioKey):j]) != prioKey {
		return 0, 0, false
	}
	j -= len(prioKey)
	pid, from := scan.NumberLeft(line, j)
	if from == j || from < len(pidKey) || string(line[from-len(pidKey):from]) != pidKey {
		return 0, 0, false
	}
	return pid, from - len(pidKey), true
}

// PrioLeft is where a number with an optional minus sign begins that ends before column
// end; it is end where there is none. Three digits are read faster: nearly all priorities,
// and CPUs as the kernel prints them, have three.
func PrioLeft(line []byte, end int) int {
	if end >= 4 && scan.IsDigit(line[end-1]) && scan.IsDigit(line[end-2]) && scan.IsDigit(line[end-3]) && line[end-4] == '=' {
		return end - 3
	}
	return scan.SignedLeft(line, end)
}
