package reader

import (
	"fmt"
	"regexp"
	"strings"
	"testing"

	"github.com/kthread-tla/tracecheck/traces"
)

// SwitchIn is emitted, unless Woken of a sched_waking has been emitted, and no SwitchOut
// since.
func TestSwitchInOfWokenThread(t *testing.T) {
	const (
		in   = "          <idle>-0       [003] d..2.  1000.000008: sched_switch: prev_comm=swapper/3 prev_pid=0 prev_prio=120 prev_state=R ==> next_comm=kt_1 next_pid=5001 next_prio=120\n"
		out  = "            kt_1-5001    [003] d..2.  1000.000011: sched_switch: prev_comm=kt_1 prev_pid=5001 prev_prio=120 prev_state=S ==> next_comm=swapper/3 next_pid=0 next_prio=120\n"
		wake = "          insmod-900     [003] d..2.  1000.000012: sched_waking: comm=kt_1 pid=5001 prio=120 target_cpu=003\n"
		late = "          insmod-900     [003] d..2.  1000.000013: sched_wakeup: comm=kt_1 pid=5001 prio=120 target_cpu=003\n"
		fork = "        kthreadd-2       [003] .....  1000.000014: sched_process_fork: comm=kthreadd pid=2 child_comm=kt_1 child_pid=5001\n"
		loss = "CPU:3 [LOST 2 EVENTS]\n"
	)
	for _, test := range []struct{ text, want string }{
		{in + out + in, "3 switch-in, 4 switch-out, 5 switch-in"},
		{out + wake + in + out, "3 switch-out, 4 woken, 6 switch-out"},
		{out + wake + in + in, "3 switch-out, 4 woken"},
		{out + late + in, "3 switch-out, 4 woken, 5 switch-in"},
		{out + wake + late + in, "3 switch-out, 4 woken, 5 woken"},
		{out + wake + fork + in, "3 switch-out, 4 woken, 5 fork, 6 switch-in"},
		{wake + out + in, "3 woken, 4 switch-out, 5 switch-in"},
		{out + wake + loss + in, "3 switch-out, 4 woken, 5 loss"},
	} {
		test.text = ascending(test.text)
		for _, follow := range []bool{false, true} {
			interest := traces.NewInterest()
			interest.Add(5001)
			r := New(strings.NewReader("# tracer: nop\n#\n"+test.text), Options{Follow: follow, Interest: interest})
			defer r.Close()
			var got []string
			for r.Scan() {
				e := r.Event()
				got = append(got, fmt.Sprint(e.Line, " ", e.Kind))
			}
			if r.Err() != nil || strings.Join(got, ", ") != test.want {
				t.Errorf("%s%q, want %q (%v)", test.text, got, test.want, r.Err())
			}
			events := strings.Count(test.text, "\n") - strings.Count(test.text, loss)
			if n := r.Stats().Events; n != events {
				t.Errorf("%s%d events, want %d", test.text, n, events)
			}
		}
	}
}

// ascending gives the lines of a trace stamps in their order.
func ascending(text string) string {
	n := 10
	return regexp.MustCompile(`1000\.0000\d\d`).ReplaceAllStringFunc(text, func(string) string {
		n++
		return fmt.Sprintf("1000.0000%d", n)
	})
}
