package ktrace

import (
	"bytes"

	"github.com/kthread-tla/tracecheck/traces/internal/scan"
)

// `trace-cmd report` prints the kernel's columns; see ftraceLayout. Its plugins, which perf
// can use too, print the texts of some events in forms of their own (libtraceevent
// plugins/plugin_sched_switch.c):
//
//	sched_switch: kt_ok:448 [120] S ==> swapper/1:0 [120]
//	sched_wakeup: kt_ok:448 [120] CPU:001
//	sched_wakeup: kt_ok:448 [120] success=1 CPU:001
//
// Kernels to 2.6.32 printed nearly the same:
//
//	sched_switch: task bash:1234 [120] (S) ==> swapper:0 [140]
//	sched_wakeup: task kt_ok:448 [120] success=1 [001]
//	sched_kthread_stop: task kt_ok:448

// pluginTask reads "kt_ok:448 [120]" or "task kt_ok:448 [120]", with nothing
// behind it.
func pluginTask(b []byte) (comm []byte, pid int, ok bool) {
	b = bytes.TrimRight(b, " ")
	open := bytes.LastIndexByte(b, '[')
	if open < 2 || b[len(b)-1] != ']' || b[open-1] != ' ' || !scan.IsNumber(b[open+1:len(b)-1]) {
		return nil, 0, false
	}
	return namePID(b[:open-1])
}

// namePID reads "kt:colon=x:448".
func namePID(b []byte) (comm []byte, pid int, ok bool) {
	colon := bytes.LastIndexByte(b, ':')
	if colon < 0 || len(b)-colon > 11 || !scan.AllDigits(b[colon+1:]) {
		return nil, 0, false
	}
	v, _ := scan.Digits(b, colon+1)
	b = bytes.TrimPrefix(b[:colon], []byte("task "))
	return b, int(v), true
}

// pluginSwitch reads a sched_switch as plugins and kernels to 2.6.32 print it.
func pluginSwitch(b []byte) (s switched, ok bool) {
	// The next task's name has at most 15 bytes, unless trace-cmd made it.
	for i := len(b) - len(" ==> "); i > 0; i-- {
		if b[i] != ' ' || !scan.HasPrefix(b[i:], " ==> ") {
			continue
		}
		left := b[:i]
		space := bytes.LastIndexByte(left, ' ')
		if space < 0 {
			continue
		}
		state := bytes.Trim(left[space+1:], "()")
		if len(state) == 0 || !IsState(state) {
			continue
		}
		if s.prevComm, s.prev, ok = pluginTask(left[:space]); !ok {
			continue
		}
		if s.nextComm, s.next, ok = pluginTask(b[i+len(" ==> "):]); !ok {
			continue
		}
		s.state, s.plugin = state, !scan.HasPrefix(b, "task ") || left[len(left)-1] != ')'
		return s, true
	}
	return switched{}, false
}

// pluginWakeup reads a sched_wakeup or sched_waking as plugins and kernels to 2.6.32 print
// it.
func pluginWakeup(b []byte) (w wakeup, ok bool) {
	w.success = true
	if i := scan.LastIndexOf(b, " CPU:"); i >= 0 && scan.AllDigits(b[i+len(" CPU:"):]) {
		b = b[:i]
	}
	b = bytes.TrimSuffix(b, []byte("<CANT FIND FIELD success>"))
	for _, form := range []string{" success=1", " success=0"} {
		if i := scan.LastIndexOf(b, form); i >= 0 {
			// 2.6.31 prints a CPU behind it, " [001]".
			rest := bytes.Trim(b[i+len(form):], " []")
			if len(rest) == 0 || scan.AllDigits(rest) {
				w.hasSuccess, w.success = true, form[len(form)-1] == '1'
				b = b[:i]
				break
			}
		}
	}
	w.comm, w.pid, ok = pluginTask(b)
	return w, ok
}

// oldLetter translates a letter of trace-cmd's plugin, which names the bits as kernels
// before 4.14 had them, S D T t Z X x W. From 4.14 on the bits are S D T t X Z P I
// (include/linux/sched.h TASK_REPORT); newer says that the kernel is one of these. The
// result is 0 where the letter's meaning depends on the kernel and newer is false, which
// means not known.
func oldLetter(c byte, newer bool) byte {
	switch c {
	case 'x': // parked since 4.14, dead before
		if newer {
			return 'P'
		}
		return 0
	case 'W':
		if newer {
			return 'I'
		}
		return 0
	}
	return c
}
