package checker

import (
	"fmt"
	"slices"
	"testing"

	"github.com/kthread-tla/tracecheck/traces"
)

// What a rule says of a thread is said of that thread alone, however many went the
// same way: the memo holds no words.
func TestWordsStayWithTheirThread(t *testing.T) {
	const lives = 10_000
	said := func(thread traces.Task, lines []int) string {
		return fmt.Sprintf("%s: its first line is %d, its last is %d", thread, lines[0], lines[len(lines)-1])
	}
	names := Rule{
		ID: "KT999", Title: "a test's", Level: Note,
		Find: func(c *Case) []Evidence { return []Evidence{{Events: []int{0, len(c.Life.Events()) - 1}}} },
		Say: func(l *Life, e Evidence) Text {
			return Text{Message: said(l.Thread, e.lines(l))}
		},
	}
	before := fitting
	fitting = append(slices.Clone(fitting), &names)
	t.Cleanup(func() { fitting = before })

	// Threads that are stopped before they run, that run first, and that stop
	// themselves, in turn.
	var log []traces.Event
	belongs := make(map[int][]int) // by pid: the lines of the life
	for n := range lives {
		pid := 100 + n
		own := []traces.Event{forked(pid), left(pid, 'D'), wokenBy(pid, 1)}
		switch n % 3 {
		case 0:
			own = append(own, stopCall(pid, 9), exits(pid))
		case 1:
			own = append(own, left(pid, 'S'), stopCall(pid, 9), wokenBy(pid, 9), exits(pid))
		case 2:
			own = append(own, stopCall(pid, pid))
		}
		if n%3 != 2 {
			own = append(own, traces.Event{Kind: traces.StopReturn, By: task(9), Code: -4 + 4*(n%3), HasCode: true})
		}
		for range own {
			belongs[pid] = append(belongs[pid], len(log)+len(belongs[pid])+1)
		}
		log = append(log, own...)
	}
	c, err := New(nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	judged, fromMemo := 0, 0
	if _, err := c.Check(tracedEvents(log...), Options{}, func(v *Verdict) error {
		if judged++; v.how.fromMemo {
			fromMemo++
		}
		i := slices.IndexFunc(v.Findings, func(f Finding) bool { return f.Rule == &names })
		if i < 0 {
			t.Errorf("nothing is said of %v: fits %s, %s", v.Life.Thread, v.Fits, v.Why)
			return nil
		}
		own := belongs[v.Life.Thread.PID]
		first, last := own[0], v.Life.Events()[len(v.Life.Events())-1].Line
		if !slices.Contains(own, last) {
			t.Errorf("line %d is not of %v", last, v.Life.Thread)
		}
		text := v.Findings[i].Text()
		if want := said(v.Life.Thread, []int{first, last}); text.Message != want || !slices.Equal(text.Lines, []int{first, last}) {
			t.Errorf("%q on lines %v, want %q on %v", text.Message, text.Lines, want, []int{first, last})
		}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	if judged != lives || fromMemo < lives*9/10 {
		t.Errorf("%d lives, %d of them by what was remembered of others; want %d, nearly all", judged, fromMemo, lives)
	}
}

// Each rule has words for what it finds, and each is in Rules once.
func TestRulesAreWhole(t *testing.T) {
	for i, r := range Rules {
		if want := fmt.Sprintf("KT%03d", i+1); r.ID != want {
			t.Errorf("%s is in the place of %s", r.ID, want)
		}
		if r.Title == "" || r.Level == "" || r.Kernels == "" || r.Text == "" {
			t.Errorf("%s: something is missing", r.ID)
		}
		if r.Find != nil && r.Say == nil || r.FindLog != nil && r.SayLog == nil || r.Say == nil && r.SayLog == nil {
			t.Errorf("%s: no words", r.ID)
		}
	}
}
