package checker

import (
	"cmp"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/kthread-tla/tracecheck/checker/internal/model"
	"github.com/kthread-tla/tracecheck/traces"
)

// An Operation is what an event of a life proves: one of some actions of the
// specification happened, by somebody, in a window.
type Operation struct {
	Actor   string   // a task as the log names it; else creator, stopper or parker
	Text    string   // what was done, in words
	Actions []string // of the specification, of which one happened; none: only how tasks follow each other
	Line    int      // of the event; 0: the log does not show it, but it may have happened
	Log     string   // the event's text
	Sure    bool     // it has happened by the end of the log
	From    int64    // the window, a closed interval: two per line of a kernel log, nanoseconds of a trace's clock
	To      int64
	Since   string // the window in words; empty where it is open on that side
	Until   string
}

// did has in words what an event of a kind shows.
var did = map[traces.Kind]string{
	traces.Create: "kthread_create", traces.CreateFailed: "kthread_create fails", traces.Wake: "wake_up_process",
	traces.StopCall: "kthread_stop: request", traces.StopReturn: "kthread_stop returns",
	traces.Enter: "threadfn entered", traces.Return: "threadfn returns",
	traces.ParkCall: "kthread_park: request", traces.ParkReturn: "kthread_park returns", traces.Unpark: "kthread_unpark",
	traces.Exit: "do_exit", traces.Fork: "forked", traces.Woken: "wakes it", traces.SwitchOut: "leaves its CPU",
	traces.SwitchIn: "runs", traces.ProcessExit: "in do_exit", traces.Freed: "freed", traces.ParkMe: "past the last test",
	traces.ExitCall: "ends", traces.ShouldStop: "kthread_should_stop", traces.ThreadFn: "threadfn entered",
	traces.KernelReport: "its stack", traces.OwnCall: "threadfn calls",
}

// doneIn says in words what an event shows, with its value or state.
func doneIn(e traces.Event) string {
	s := did[e.Kind]
	if s == "" {
		s = e.Kind.String()
	}
	if e.HasCode {
		s += fmt.Sprintf(" %d", e.Code)
	}
	if e.Kind == traces.SwitchOut && e.State != 0 {
		s += fmt.Sprintf(" (%c)", e.State)
	}
	return s
}

// EventText returns an event's text; of a tracer's event, which has none, what it shows in
// words.
func EventText(e traces.Event) string {
	if e.Text != "" {
		return e.Text
	}
	s := doneIn(e)
	switch {
	case e.By != traces.Task{}:
		s = e.By.String() + ": " + s
	case e.Thread != traces.Task{}:
		s = e.Thread.String() + ": " + s
	}
	if e.Clock == traces.Nanoseconds {
		s = fmt.Sprintf("%.6f s  %s", float64(e.Stamp)/1e9, s)
	}
	return s
}

// Operations returns the operations that were searched, in the order of the log; nil: the
// life was not searched.
func (v *Verdict) Operations() []Operation {
	if v.how.history == nil {
		return nil
	}
	h, l := v.history(), v.Life
	m := h.Machine
	ops := make([]Operation, 0, len(h.Operations))
	for _, o := range h.Operations {
		out := Operation{Actor: l.Thread.String(), Sure: !o.Optional, From: o.From, To: o.To}
		for a, name := range m.Graph.Actions {
			if o.Actions.Has(a) {
				out.Actions = append(out.Actions, name)
			}
		}
		by := Thread
		if len(out.Actions) > 0 {
			by = describe(out.Actions[0]).By
			out.Text = strings.TrimSuffix(describe(out.Actions[0]).Calls+": "+describe(out.Actions[0]).Does, ": ")
			out.Text = strings.TrimPrefix(out.Text, ": ")
		}
		if by != Thread {
			out.Actor = string(by)
		}
		if o.Event >= 0 {
			e := l.Events()[o.Event]
			out.Line, out.Log, out.Text = e.Line, EventText(e), doneIn(e)
			if (by != Thread || e.Kind == traces.Woken) && e.By != (traces.Task{}) {
				out.Actor = e.By.String()
			}
			if slices.Equal(out.Actions, []string{"Work"}) && (e.Kind == traces.Enter || e.Kind == traces.Return) {
				out.Text = "in threadfn"
			}
		}
		out.Since, out.Until = moment(l, o.From, "after"), moment(l, o.To, "by")
		ops = append(ops, out)
	}
	return ops
}

// history returns what was searched. If the verdict comes from a memo, another life was
// searched, and history makes the same with this life's windows.
func (v *Verdict) history() *history {
	if !v.how.fromMemo {
		return v.how.history
	}
	as := *v.Life
	as.As.ForeignWake = v.how.history.life.As.ForeignWake
	return v.how.era.history(&as)
}

// moment puts a moment into words; empty: nothing bounds the window on that side.
func moment(l *Life, t int64, how string) string {
	switch {
	case l.Traced() && (t <= first || t >= last):
		return ""
	case l.Traced():
		return fmt.Sprintf("%s %.6f s", how, float64(t)/1e9)
	case t <= 0 || t >= model.Never:
		return ""
	case t%2 == 0:
		return fmt.Sprintf("by line %d", t/2)
	}
	return fmt.Sprintf("after line %d", t/2)
}

// maxDrawn is how many operations are drawn at most.
const maxDrawn = 200

// ErrNotDrawn says that a life has no operations, or too many to be drawn.
var ErrNotDrawn = model.ErrNotDrawn

// Lanes puts each operation into a row of its actor, in which it overlaps no other. names
// has the actor of each row. The rows of one actor are neighbours, and only the first of
// them has the name.
func Lanes(ops []Operation) (lane []int, names []string) {
	byStart := make([]int, len(ops))
	for i := range ops {
		byStart[i] = i
	}
	slices.SortStableFunc(byStart, func(a, b int) int { return cmp.Compare(ops[a].From, ops[b].From) })
	var actors []string
	ends := map[string][]int64{} // by actor: where each of its rows is taken up to
	row := make([]int, len(ops))
	for _, i := range byStart {
		o := ops[i]
		rows, known := ends[o.Actor]
		if !known {
			actors = append(actors, o.Actor)
		}
		n := slices.IndexFunc(rows, func(to int64) bool { return to < o.From })
		if n < 0 {
			n = len(rows)
			rows = append(rows, 0)
		}
		rows[n] = o.To
		ends[o.Actor], row[i] = rows, n
	}
	start := map[string]int{}
	for _, a := range actors {
		start[a] = len(names)
		names = append(names, a)
		for range ends[a][1:] {
			names = append(names, "")
		}
	}
	for i, o := range ops {
		row[i] += start[o.Actor]
	}
	return row, names
}

// Visualize writes porcupine's drawing of the life's operations, an HTML
// document: an order that fits, or how far the longest ones come. The clients
// are the rows of Lanes. The error is ErrNotDrawn, or w's.
func (v *Verdict) Visualize(w io.Writer) error {
	ops := v.Operations()
	if len(ops) == 0 || len(ops) > maxDrawn || v.Fits == FitsInconclusive {
		return model.ErrNotDrawn
	}
	rows, _ := Lanes(ops)
	drawn := make([]model.Drawn, 0, len(ops))
	for i, o := range ops {
		drawn = append(drawn, model.Drawn{Row: rows[i], Text: o.Text, Note: o.metadata()})
	}
	return v.history().Draw(w, drawn)
}

func (o Operation) metadata() string {
	s := "not seen"
	if o.Line > 0 {
		s = fmt.Sprintf("line %d", o.Line)
	}
	if len(o.Actions) > 0 {
		s += ": " + strings.Join(o.Actions, " or ")
	}
	if !o.Sure {
		s += ", perhaps not yet"
	}
	return s
}
