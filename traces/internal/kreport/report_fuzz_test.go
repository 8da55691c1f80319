package kreport

import (
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/kthread-tla/tracecheck/traces"
)

// lesser says whether b can be what is left of report a where the log was cut, or where
// other lines came between: a itself, or a part of a that is Cut. With loose, frames are
// not compared: those of an interrupt may have been read as the task's.
func lesser(a, b traces.Event, loose bool) bool {
	x, y := *a.Stack, *b.Stack
	if !y.Cut && x.Cut || a.Line != b.Line {
		return false
	}
	if !y.Cut {
		x.Last, y.Last = 0, 0 // marks after the last frame may be missing
		return reflect.DeepEqual(x, y) && a.Thread == b.Thread ||
			x.Title == y.Title && endsSame(x.Frames, y.Frames)
	}
	if a.Thread.PID != 0 && b.Thread.PID != 0 && a.Thread.PID != b.Thread.PID {
		return false
	}
	if loose || y.Report > traces.TaskDump || strings.HasPrefix(y.Title, "NMI") {
		return true // frames of an interrupt that looked like the task's
	}
	i := 0
	for _, f := range y.Frames {
		for i < len(x.Frames) && x.Frames[i] != f {
			i++
		}
		if i == len(x.Frames) {
			return false
		}
		i++
	}
	return true
}

// endsSame says whether a and b have the same frames, but for those outside of a kernel
// thread's first function.
func endsSame(a, b []traces.Frame) bool {
	return len(b) <= len(a) && slices.Equal(a[:len(b)], b) && len(b) > 0 && isStackBase(b[len(b)-1].Func)
}

// stacksOf are the reports of some messages that have a stack.
func stacksOf(recs []Message) []traces.Event {
	return slices.DeleteFunc(report(recs), func(e traces.Event) bool { return e.Kind != traces.KernelReport })
}

// FuzzParser joins logs of all releases and architectures, cuts them, and inserts a line.
// The first part of a log must give the first of its reports; the last of them may be Cut.
// A line of another caller may make a report Cut, and change nothing else.
func FuzzParser(f *testing.F) {
	logs, err := filepath.Glob("../../samples/reports/*.txt")
	if err != nil || len(logs) == 0 {
		f.Fatal(err)
	}
	for i, log := range logs {
		text, err := os.ReadFile(log)
		if err != nil {
			f.Fatal(err)
		}
		for _, at := range []int{3, 7, 12, 19} {
			f.Add(string(text), at+i%3, i%2 == 0)
		}
	}
	f.Fuzz(func(t *testing.T, log string, at int, callers bool) {
		recs := records(t, "fuzz", []byte(log))
		if at < 0 || at > len(recs) || len(recs) > 400 {
			return
		}
		if !callers {
			for i := range recs {
				recs[i].Caller = nil
			}
		}
		whole := stacksOf(recs)
		for _, e := range whole {
			check(t, e)
		}
		pasted := strings.Contains(log, "/stack") // no messages, so no lines between; see TestReportsOfEveryAge
		loose := false
		for _, name := range []string{"irq", "fiq", "interrupt", "asm_sysvec_", "ret_from_intr"} {
			loose = loose || strings.Contains(log, name)
		}

		part := stacksOf(recs[:at])
		for i, e := range part {
			check(t, e)
			// Only what was open at the cut differs: one report a caller.
			found := slices.ContainsFunc(whole, func(w traces.Event) bool { return lesser(w, e, loose) })
			if !found && !(e.Stack.Cut && len(e.Stack.Frames) == 0) {
				t.Errorf("%d of the first %d lines' reports is none of the whole log:\n%s\nof:\n%s", i, at, show(part[i:i+1]), show(whole))
			}
		}

		foreign := Message{Text: []byte("ktlab: somebody else"), Stamp: -1}
		more := slices.Insert(slices.Clone(recs), at, foreign)
		mixed := stacksOf(more)
		for _, e := range mixed {
			check(t, e)
			found := slices.ContainsFunc(whole, func(w traces.Event) bool { return lesser(w, e, loose) })
			if !found && !pasted {
				t.Errorf("with a line at %d this report is none of the log's:\n%s\nof:\n%s", at, show([]traces.Event{e}), show(whole))
			}
		}
		if len(mixed) < len(whole) && !pasted {
			t.Errorf("with a line at %d there are %d reports of %d", at, len(mixed), len(whole))
		}
	})
}

// check checks what must be true of every report.
func check(t *testing.T, e traces.Event) {
	t.Helper()
	s := e.Stack
	switch {
	case e.Kind != traces.KernelReport || s == nil:
		t.Errorf("kind %v, stack %v", e.Kind, s)
	case s.Last < e.Line:
		t.Errorf("line %d to %d", e.Line, s.Last)
	case s.Task != e.Thread:
		t.Errorf("task %v, thread %v", s.Task, e.Thread)
	case len(s.Frames) == 0 && !s.Cut:
		t.Error("nothing of a stack, and not cut")
	case len(s.Frames) > maxFrames || len(s.Title) > maxTitle:
		t.Error("without bound")
	}
	for _, f := range s.Frames {
		if f.Func == "" || strings.ContainsAny(f.Module, "[] ") {
			t.Errorf("frame %q of module %q", f.Func, f.Module)
		}
	}
}
