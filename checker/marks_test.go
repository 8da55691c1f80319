package checker

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/kthread-tla/tracecheck/spec/graph"
	"github.com/kthread-tla/tracecheck/traces"
	"github.com/kthread-tla/tracecheck/traces/reader"
)

// What a trace's words tell of the kernel's age leaves eras out, from their line
// on, and accuses nobody.
func TestMarks(t *testing.T) {
	const (
		in   = ": sched_switch: prev_comm=insmod prev_pid=9 prev_prio=120 prev_state=R ==> next_comm=k next_pid=50 next_prio=120\n"
		life = "        kthreadd-2       [001] .....     1.000000: sched_process_fork: comm=kthreadd pid=2 child_comm=k child_pid=50\n" +
			"          insmod-9       [001] .....     1.010000" + in +
			"               k-50      [001] .....     1.050000: sched_switch: prev_comm=k prev_pid=50 prev_prio=120 prev_state=D ==> next_comm=insmod next_pid=9 next_prio=120\n" +
			"          insmod-9       [001] .....     1.100000: sched_waking: comm=k pid=50 prio=120 target_cpu=001\n" +
			"          insmod-9       [001] .....     1.150000" + in +
			"               k-50      [001] .....     1.200000: sched_switch: prev_comm=k prev_pid=50 prev_prio=120 prev_state=S ==> next_comm=insmod next_pid=9 next_prio=120\n" +
			"          insmod-9       [001] .....     1.300000: sched_kthread_stop: comm=k pid=50\n" +
			"          insmod-9       [001] .....     1.310000: sched_waking: comm=k pid=50 prio=120 target_cpu=001\n" +
			"          insmod-9       [001] .....     1.320000" + in +
			"               k-50      [001] .....     1.380000: sched_process_exit: comm=k pid=50 prio=120\n" +
			"               k-50      [001] .....     1.390000: sched_switch: prev_comm=k prev_pid=50 prev_prio=120 prev_state=X ==> next_comm=insmod next_pid=9 next_prio=120\n" +
			"          insmod-9       [001] .....     1.400000: sched_kthread_stop_ret: ret=3\n"
		again    = "          insmod-9       [001] .....     1.500000: sched_kthread_stop: comm=k pid=50\n"
		returned = "          insmod-9       [001] .....     1.600000: sched_kthread_stop_ret: ret=3\n"
		young    = "               x-4       [001] .....     1.000000: sched_process_exit: comm=x pid=4 prio=120 group_dead=true\n"
		old      = "               x-4       [001] d.h.      1.000000: sched_wakeup: comm=a pid=5 prio=120 success=1 target_cpu=001\n"
		header   = "# nop latency trace v1.1.5 on 5.4.73\n"
		next     = "        kthreadd-2       [001] .....     2.000000: sched_process_fork: comm=kthreadd pid=2 child_comm=k child_pid=50\n"
	)
	for _, test := range []struct {
		name, in, kernel string
		want             string
	}{
		{"none", life + again, "", "yes KT014 2.6.32 3.18 5.4 6.1 7.0"},
		{"a young kernel", young + life + again, "", "yes KT008 5.4 6.1 7.0; line 1: group_dead= is what Linux 6.16 and later prints: from there on the rules of others are not tried, but for a distribution's"},
		{"the second stop has returned", young + life + again + returned, "", "inconclusive KT019; line 1: group_dead= is what Linux 6.16 and later prints: from there on the rules of others are not tried, but for a distribution's"},
		{"the mark comes later", life + again + next + strings.ReplaceAll(young, " 1.0", " 2.1"), "", "yes KT008 5.4 6.1 7.0 yes 5.4 6.1 7.0; line 15: group_dead= is what Linux 6.16 and later prints: from there on the rules of others are not tried, but for a distribution's"},
		{"two that contradict each other", young + old + life + again, "", "yes KT014 2.6.32 3.18 5.4 6.1 7.0; its words are of kernels of different ages: none of them counts"},
		{"the user's word", young + life + again, "3.18", "yes 3.18; line 1: group_dead= is what Linux 6.16 and later prints, but the kernel is said to be 3.18: by its rules it is judged; " +
			"line 5: sched_waking is what Linux 4.3 and later prints, but the kernel is said to be 3.18: by its rules it is judged"},
		{"the header's", header + young + life + again, "", "yes KT008 5.4; line 2: group_dead= is what Linux 6.16 and later prints, but the kernel is said to be 5.4.73: by its rules it is judged"},
	} {
		c, err := New(nil, time.Second)
		if test.kernel != "" {
			c, err = NewFor(test.kernel, time.Second)
		}
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		interest := traces.NewInterest()
		r := reader.New(strings.NewReader(test.in), reader.Options{Interest: interest})
		defer r.Close()
		log, err := c.Check(r, Options{Interest: interest}, func(v *Verdict) error {
			got = append(got, string(v.Fits))
			for _, f := range v.Findings {
				got = append(got, f.Rule.ID)
			}
			got = append(got, v.KernelsFit...)
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		text := strings.Join(got, " ")
		for _, note := range log.Notes {
			text += "; " + note
		}
		if text != test.want {
			t.Errorf("%s: %s\nwant %s", test.name, text, test.want)
		}
	}
}

// The eras that stay are those of the mark and their neighbours.
func TestErasOf(t *testing.T) {
	for _, test := range []struct{ first, last, want string }{
		{"6.16", "", "5.4 6.1 7.0"}, {"", "4.2", "2.6.32 3.18 5.4"}, {"4.3", "", "2.6.32 3.18 5.4 6.1 7.0"}, {"", "6.3", "2.6.32 3.18 5.4 6.1 7.0"},
	} {
		s := erasOf([]traces.Mark{{Name: "m", Line: 3, First: test.first, Last: test.last}}, 3)
		var got []string
		for _, e := range graph.Eras() {
			if s.has(e) {
				got = append(got, e.Name)
			}
		}
		if fmt.Sprint(strings.Join(got, " ")) != test.want {
			t.Errorf("%s..%s: %v, want %s", test.first, test.last, got, test.want)
		}
	}
	if s := erasOf([]traces.Mark{{Name: "m", Line: 3, First: "6.16"}}, 2); s != 0 {
		t.Errorf("before its line: %b", s)
	}
}
