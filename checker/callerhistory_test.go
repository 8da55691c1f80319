package checker

import (
	"strings"
	"testing"
	"time"

	"github.com/kthread-tla/tracecheck/traces"
	"github.com/kthread-tla/tracecheck/traces/reader"
)

// A task that stops a thread sleeps in that call until somebody wakes it.
func TestCallersSleep(t *testing.T) {
	const log = `
 kthreadd-2    [000] .....  30.000000: sched_process_fork: comm=kthreadd pid=2 child_comm=w child_pid=302
 kthreadd-2    [000] d..2.  30.000010: sched_switch: prev_comm=kthreadd prev_pid=2 prev_prio=120 prev_state=S ==> next_comm=w next_pid=302 next_prio=120
        w-302  [000] d..2.  30.000020: sched_waking: comm=insmod pid=200 prio=120 target_cpu=000
        w-302  [000] d..2.  30.000030: sched_switch: prev_comm=w prev_pid=302 prev_prio=120 prev_state=D ==> next_comm=insmod next_pid=200 next_prio=120
   insmod-200  [000] d..2.  30.000035: sched_waking: comm=w pid=302 prio=120 target_cpu=000
   insmod-200  [000] d..2.  30.000060: sched_switch: prev_comm=insmod prev_pid=200 prev_prio=120 prev_state=S ==> next_comm=w next_pid=302 next_prio=120
        w-302  [000] d..2.  30.000080: sched_switch: prev_comm=w prev_pid=302 prev_prio=120 prev_state=S ==> next_comm=insmod next_pid=200 next_prio=120
   insmod-200  [000] .....  30.005000: sched_kthread_stop: comm=w pid=302
   insmod-200  [000] d..2.  30.005010: sched_waking: comm=w pid=302 prio=120 target_cpu=000
   insmod-200  [000] d..2.  30.005020: sched_switch: prev_comm=insmod prev_pid=200 prev_prio=120 prev_state=D ==> next_comm=w next_pid=302 next_prio=120
        w-302  [000] d..2.  30.005030: sched_waking: comm=insmod pid=200 prio=120 target_cpu=000
        w-302  [000] .....  30.005040: sched_process_exit: comm=w pid=302 prio=120
        w-302  [000] d..2.  30.005050: sched_switch: prev_comm=w prev_pid=302 prev_prio=120 prev_state=X ==> next_comm=insmod next_pid=200 next_prio=120
   insmod-200  [000] .....  30.005060: sched_kthread_stop_ret: ret=0
`
	lines := strings.SplitAfter(strings.TrimPrefix(log, "\n"), "\n")
	const waking, exits, gone = 10, 11, 12 // the thread wakes its stopper; it exits; it is gone, and the stopper runs
	with := func(change func(lines []string) []string) string {
		return strings.Join(change(append([]string(nil), lines...)), "")
	}
	sleepsAgain := "   insmod-200  [000] d..2.  30.005027: sched_switch: prev_comm=insmod prev_pid=200 prev_prio=120 prev_state=D ==> next_comm=w next_pid=302 next_prio=120\n"
	runsBetween := "        w-302  [000] d..2.  30.005025: sched_switch: prev_comm=w prev_pid=302 prev_prio=120 prev_state=R+ ==> next_comm=insmod next_pid=200 next_prio=120\n"
	for _, test := range []struct {
		name string
		log  string
		want Fits
		line int // of the finding; 0: there is none
	}{
		{"as it is", log, FitsYes, 0},
		{"nobody wakes it", with(func(l []string) []string { return append(l[:waking], l[waking+1:]...) }), FitsNo, 12},
		{"nobody wakes it, and it is not seen to run", with(func(l []string) []string {
			l[gone] = strings.Replace(l[gone], "next_comm=insmod next_pid=200", "next_comm=swapper/0 next_pid=0", 1)
			return append(l[:waking], l[waking+1:]...)
		}), FitsNo, 13},
		{"it is not seen to run", with(func(l []string) []string {
			l[gone] = strings.Replace(l[gone], "next_comm=insmod next_pid=200", "next_comm=swapper/0 next_pid=0", 1)
			return l
		}), FitsYes, 0},
		{"it is woken twice", with(func(l []string) []string {
			l[exits] = strings.Replace(l[waking], "30.005030", "30.005035", 1) + l[exits]
			return l
		}), FitsNo, 12},
		{"another task wakes it", with(func(l []string) []string {
			l[waking] = strings.Replace(l[waking], "       w-302  [000]", "       x-400  [001]", 1)
			return l
		}), FitsYes, 0},
		{"a wake from before wakes it, and it sleeps again", with(func(l []string) []string {
			l[waking] = runsBetween + sleepsAgain + l[waking]
			return l
		}), FitsYes, 0},
		{"its waking may stand before the call, by a clock that is behind", with(func(l []string) []string {
			for i := waking; i <= gone; i++ {
				l[i] = strings.Replace(l[i], "[000]", "[001]", 1)
			}
			l[gone] += "   <idle>-0    [000] d..2.  30.005055: sched_switch: prev_comm=swapper/0 prev_pid=0 prev_prio=120 prev_state=R ==> next_comm=insmod next_pid=200 next_prio=120\n"
			l[gone] = strings.Replace(l[gone], "next_comm=insmod next_pid=200", "next_comm=swapper/1 next_pid=0", 1)
			return append(l[:waking], l[waking+1:]...)
		}), FitsYes, 0},
		{"no wakings are recorded", with(func(l []string) []string {
			var kept []string
			for _, line := range l {
				if !strings.Contains(line, "sched_waking") {
					kept = append(kept, line)
				}
			}
			return kept
		}), FitsYes, 0},
	} {
		t.Run(test.name, func(t *testing.T) {
			c, err := NewFor("6.1", time.Minute)
			if err != nil {
				t.Fatal(err)
			}
			interest := traces.NewInterest()
			lives := 0
			if _, err := c.Check(reader.New(strings.NewReader(test.log), reader.Options{Interest: interest}), Options{Interest: interest}, func(v *Verdict) error {
				if lives++; v.Fits != test.want {
					t.Errorf("fits %s: %s", v.Fits, v.Why)
				}
				if test.line > 0 {
					if text := v.Findings[0].Text(); len(text.Lines) != 1 || text.Lines[0] != test.line || !strings.Contains(text.Message, "in that call") {
						t.Errorf("%d %s", text.Lines, text.Message)
					}
				}
				return nil
			}); err != nil || lives != 1 {
				t.Fatal(lives, err)
			}
		})
	}
}
