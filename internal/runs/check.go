package runs

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/kthread-tla/tracecheck"
	"github.com/kthread-tla/tracecheck/checker"
)

// An Opinion is what tracecheck says of a run, held against what is true.
type Opinion struct {
	Lives    int // that it gives a verdict on
	Accused  []string
	Wrong    []string // facts
	Open     int      // facts that it leaves open
	Facts    int      // facts in all
	Doubtful int      // lives that are inconclusive
}

// Check has tracecheck judge a run as printed. The kernel is a release, or empty.
func (r *Run) Check(ctx context.Context, p *Printed, kernel string, shared *checker.Checker) (*Opinion, error) {
	res, err := tracecheck.Check(ctx, strings.NewReader(p.Text), tracecheck.Options{Kernel: kernel, Checker: shared})
	if err != nil {
		return nil, err
	}
	o := &Opinion{}
	for _, v := range res.Threads {
		o.Lives++
		w := r.lifeOf(v, p)
		switch {
		case v.Fits == checker.FitsNo:
			o.Accused = append(o.Accused, said(v))
			continue
		case v.Fits == checker.FitsInconclusive:
			o.Doubtful++
		case checker.FitsYes == v.Fits && hangs(v):
			o.Accused = append(o.Accused, said(v))
		}
		if w == nil {
			continue
		}
		r.compare(o, v, p, w)
	}
	return o, nil
}

// said is a verdict in short.
func said(v *checker.Verdict) string {
	var ids []string
	for _, f := range v.Findings {
		ids = append(ids, f.Rule.ID)
	}
	return fmt.Sprintf("%v#%d fits=%s outcome=%s ran=%s woken=%s code=%d(%s) %v", v.Life.Thread, v.Life.Incarnation, v.Fits, v.Outcome, v.Ran, v.Woken, v.ExitCode, v.ExitCodeFrom, ids)
}

// hangs: it is accused of a hang.
func hangs(v *checker.Verdict) bool { return v.Outcome == checker.StopHung }

// lifeOf is the life that a verdict is about.
func (r *Run) lifeOf(v *checker.Verdict, p *Printed) *world {
	votes := make([]int, len(r.Lives))
	for _, e := range v.Life.Events() {
		if e.Line < 1 || e.Line > len(p.Lines) || p.Lines[e.Line-1] == nil {
			continue
		}
		l := p.Lines[e.Line-1]
		for i, w := range r.Lives {
			if w.k == nil || w.k.pid != v.Life.Thread.PID {
				continue
			}
			if l.Thread == i || l.Event == "sched_switch" && l.Thread >= 0 && r.Lives[l.Thread].k.pid != w.k.pid {
				votes[i]++
			}
		}
	}
	var best *world
	most := 0
	for i, n := range votes {
		if n > most {
			best, most = r.Lives[i], n
		} else if n == most {
			best = nil // of two lives of one pid: which is not clear
		}
	}
	return best
}

// compare holds what is said of a life against what is true. What is said holds as of a
// line; between CPUs that is no one moment.
func (r *Run) compare(o *Opinion, v *checker.Verdict, p *Printed, w *world) {
	early, late := -1, 0
	for i := min(v.Life.AsOf, len(p.Lines)) - 1; i >= 0; i-- {
		if l := p.Lines[i]; l != nil {
			if early < 0 {
				early = l.Steps[w.index]
			}
			late = max(late, l.Steps[w.index])
		}
	}
	if early < 0 {
		return
	}
	wrong := func(format string, args ...any) {
		o.Wrong = append(o.Wrong, fmt.Sprintf(format, args...)+": "+said(v))
	}
	then, now := w.state(early), w.state(late)
	end := w.state(len(w.walk.Steps))
	o.Facts += 2
	switch v.Ran {
	case checker.Yes:
		if !end.Entered {
			wrong("threadfn was never entered")
		}
	case checker.No:
		if then.Entered {
			wrong("threadfn was entered")
		}
	default:
		o.Open++
	}
	byOther := w.startedBy != "" && !strings.HasPrefix(w.startedBy, "Stop")
	switch v.Woken {
	case checker.Yes:
		if !byOther || w.startedAt > late {
			wrong("the first sleep was not ended by a wake but a stop's")
		}
	case checker.No:
		if byOther && w.startedAt <= early {
			wrong("the first sleep was ended by %s", w.startedBy)
		}
	default:
		o.Open++
	}
	if now.Value != "" {
		o.Facts++
	}
	if v.ExitCodeFrom != "" {
		if n, ok := w.ended(); !ok || n != v.ExitCode {
			wrong("it ended with %d, %v", n, ok)
		}
	} else if then.Value != "" {
		o.Open++
	}
	if bad := w.outcome(v.Outcome, p, early, late); bad != "" {
		wrong("outcome: %s", bad)
	}
}

// ended is what the thread ends with, if it does.
func (w *world) ended() (code int, ok bool) {
	end := w.state(len(w.walk.Steps))
	if n, err := strconv.Atoi(end.Value); err == nil {
		return w.valueOf(n), true
	}
	// Nobody was given it.
	return end.Ret, w.first("ExitStore") < len(w.walk.Steps)
}

func (w *world) state(done int) *State {
	if done == 0 {
		return &w.walk.Start
	}
	return &w.walk.Steps[done-1].State
}

// did says whether an action with that prefix is among the first steps.
func (w *world) did(prefix string, done int) (n int) {
	for _, s := range w.walk.Steps[:done] {
		if strings.HasPrefix(s.Action, prefix) {
			n++
		}
	}
	return n
}

// first is the number of the first step whose action has that prefix.
func (w *world) first(prefix string) int {
	for i, s := range w.walk.Steps {
		if strings.HasPrefix(s.Action, prefix) {
			return i
		}
	}
	return len(w.walk.Steps)
}

// shows says whether an event of that name has been recorded.
func (p *Printed) shows(event string) bool {
	return slices.ContainsFunc(p.Lines, func(l *Line) bool { return l != nil && l.Event == event })
}

// endsBeforeStops says whether the trace shows for certain that a thread ended before any
// stop of it was called: one CPU's lines have it so.
func (p *Printed) endsBeforeStops(w *world) bool {
	ended := map[int]bool{}
	stops := 0
	for _, l := range p.Lines {
		switch {
		case l == nil || l.Thread != w.index:
		case l.Event == "sched_process_exit":
			ended[l.CPU] = true
		case l.Event == "sched_kthread_stop" && !ended[l.CPU]:
			return false
		case l.Event == "sched_kthread_stop":
			stops++
		}
	}
	return stops > 0
}

// outcome says what is wrong with an outcome; empty: nothing.
func (w *world) outcome(is checker.Outcome, p *Printed, early, late int) string {
	then, end := w.state(early), w.state(w.done)
	switch is {
	case checker.RanThenStopped, checker.StoppedBeforeRun, checker.ExitedByItselfThenStopped, checker.Stopped:
		if w.did("StopReturns", late) == 0 && (p.shows("sched_kthread_stop_ret") || w.did("StopCall", late) == 0 || w.did("ExitComplete", late) == 0) {
			return "no stop has returned" // nor, where no return is recorded, can it have
		}
		if is == checker.RanThenStopped && p.endsBeforeStops(w) || is == checker.ExitedByItselfThenStopped && !end.Unasked {
			return "whether it was asked before it ended"
		}
		if is == checker.StoppedBeforeRun && end.Entered || (is == checker.RanThenStopped || is == checker.ExitedByItselfThenStopped) && !end.Entered {
			return "whether it ran"
		}
	case checker.ExitedByItself:
		if w.did("StopCall", early) > 0 {
			return "a stop was called"
		}
		if w.did("Any", w.done) == 0 && w.did("Orphan", w.done) == 0 && w.did("Kzalloc", w.done) == 0 {
			return "it did not end"
		}
	case checker.NeverWoken:
		if w.startedBy != "" && w.startedAt <= early {
			return "it was woken"
		}
	case checker.Running:
		if then.Value != "" && then.At != "do_exit" {
			return "it has ended"
		}
	case checker.StopPending:
		if w.did("StopCall", late) == 0 || w.did("StopCall", early) == w.did("StopReturns", early) && early == late {
			return "no stop is pending"
		}
	case checker.StopHung:
		if w.did("StopCall", late) == 0 {
			return "no stop was called"
		}
	case checker.Died:
		if w.did("AnyOopses", late) == 0 && w.did("AnyExits", late) == 0 {
			return "it did not die"
		}
	case checker.CreateFailed:
		if end.Result == 1 || end.Result == 0 {
			return "it was created"
		}
	}
	return ""
}

// newChecker is a checker for a release, or, where that is empty, for all.
func newChecker(release string) (*checker.Checker, error) {
	const limit = 10 * time.Second
	if release == "" {
		return checker.New(nil, limit)
	}
	return checker.NewFor(release, limit)
}
