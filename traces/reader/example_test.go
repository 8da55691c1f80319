package reader_test

import (
	"fmt"
	"log"
	"strings"

	"github.com/kthread-tla/tracecheck/traces"
	"github.com/kthread-tla/tracecheck/traces/printk"
	"github.com/kthread-tla/tracecheck/traces/reader"
)

// What a module prints is known by a set of printk patterns.
func Example() {
	dmesg := `[   30.363150] Thread Creating...
[   30.363151] Stopping t1
[   30.363152] usb 1-1: new high-speed USB device
[   30.363153] t1 stopped, exit code -4
`
	r := reader.New(strings.NewReader(dmesg), reader.Options{Patterns: printk.Builtin("story")})
	defer r.Close()
	for r.Scan() {
		e := r.Event()
		fmt.Printf("%d %v %q\n", e.Line, e.Kind, e.Thread.Comm)
	}
	if err := r.Err(); err != nil {
		log.Fatal(err)
	}
	fmt.Println(r.Format(), r.Stats().Lines)
	// Output:
	// 1 begin ""
	// 2 stop-call "t1"
	// 4 stop-return "t1"
	// dmesg 4
}

// Of a trace, the scheduling of tasks that nobody is interested in is left out.
func Example_interest() {
	ftrace := `# tracer: nop
              sh-50      [000] d..2.    36.826000: sched_switch: prev_comm=sh prev_pid=50 prev_prio=120 prev_state=S ==> next_comm=ls next_pid=51 next_prio=120
        kthreadd-2       [001] .....    36.830000: sched_process_fork: comm=kthreadd pid=2 child_comm=w0 child_pid=347
              w0-347     [001] d..2.    36.830120: sched_switch: prev_comm=w0 prev_pid=347 prev_prio=120 prev_state=D ==> next_comm=sh next_pid=50 next_prio=120
`
	interest := traces.NewInterest()
	r := reader.New(strings.NewReader(ftrace), reader.Options{Interest: interest})
	defer r.Close()
	for r.Scan() {
		e := r.Event()
		fmt.Println(e.Line, e.Kind, e.Thread)
		if e.Kind == traces.Fork {
			interest.Add(e.Thread.PID) // from here on
		}
	}
	if err := r.Err(); err != nil {
		log.Fatal(err)
	}
	// Output:
	// 3 fork w0[347]
	// 4 switch-out w0[347]
}
