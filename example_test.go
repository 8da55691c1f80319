package tracecheck_test

import (
	"context"
	"fmt"
	"log"
	"os"
	"strings"

	"github.com/kthread-tla/tracecheck"
	"github.com/kthread-tla/tracecheck/checker"
	"github.com/kthread-tla/tracecheck/report"
	"github.com/kthread-tla/tracecheck/traces/printk"
)

// Give it a log, get verdicts.
func Example() {
	f, err := os.Open("traces/samples/race-run2.dmesg")
	if err != nil {
		log.Fatal(err)
	}
	defer f.Close()
	result, err := tracecheck.Check(context.Background(), f, tracecheck.Options{})
	if err != nil {
		log.Fatal(err)
	}
	for _, v := range result.Threads {
		fmt.Println(v.Life.Thread, v.Outcome, "fits:", v.Fits)
	}
	fmt.Println(result.Verdict, result.ExitStatus())
	// Output:
	// t1 ran_then_stopped fits: yes
	// t2 stopped_before_run fits: yes
	// t3 ran_then_stopped fits: yes
	// fits 0
}

// A module's own messages are told by patterns, and the release says whose rules
// they are judged by.
func ExampleCheck() {
	pats, err := printk.Parse("mydriver", strings.NewReader("stop-call mydriver: stopping {thread}\nstop-return mydriver: {thread} is down ({code})\n"))
	if err != nil {
		log.Fatal(err)
	}
	dmesg := "[   12.000001] mydriver: stopping worker0\n[   12.000007] mydriver: worker0 is down (-4)\n"
	result, err := tracecheck.Check(context.Background(), strings.NewReader(dmesg), tracecheck.Options{Kernel: "6.1", Printk: pats})
	if err != nil {
		log.Fatal(err)
	}
	for _, v := range result.Threads {
		fmt.Println(v.Life.Thread, v.Outcome, "fits:", v.Fits)
		for _, f := range v.Findings {
			fmt.Println(f.Rule.ID, f.Rule.Title, f.Text().Lines)
		}
	}
	// Output:
	// worker0 stopped fits: yes
	// KT011 -EINTR, and no evidence whether threadfn ran [1 2]
}

// Verdicts of a long log are taken as they come, and not kept.
func ExampleOptions_yield() {
	f, err := os.Open("traces/samples/recorded/ftrace-ok.txt")
	if err != nil {
		log.Fatal(err)
	}
	defer f.Close()
	_, err = tracecheck.Check(context.Background(), f, tracecheck.Options{
		Threads: []string{"kt_ok"},
		Yield: func(v *checker.Verdict) error {
			fmt.Println(v.Life.Thread, "ran:", v.Ran, "exit code:", v.ExitCode, v.ExitCodeFrom)
			return nil
		},
	})
	if err != nil {
		log.Fatal(err)
	}
	// Output:
	// kt_ok[338] ran: yes exit code: 0 observed
}

// A result is written in each of the command's formats.
func ExampleResult_Report() {
	result, err := tracecheck.Check(context.Background(), strings.NewReader(bad), tracecheck.Options{Name: "dmesg"})
	if err != nil {
		log.Fatal(err)
	}
	if err := result.Report("github", os.Stdout, report.Options{}); err != nil {
		log.Fatal(err)
	}
	// Output:
	// ::error file=dmesg,line=7,title=KT005 threadfn acts outside its one run (t1)::"func t1", but threadfn cannot be running here; nothing that could come first would make it so%0Aallowed there: "Stopping t1"
	// verdict: violates (2 threads)
}

// The smallest part of a log that shows what is wrong can be kept as a test.
func ExampleShrink() {
	part, err := tracecheck.Shrink(context.Background(), strings.NewReader(bad), "t1", tracecheck.Options{})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Print(string(part))
	// Output:
	// [    1.000000] Thread Creating...
	// # tracecheck: 4 lines left out
	// [    1.000005] t1 stopped, exit code 0
	// [    1.000006] func t1
}

// bad is a log in which a thread's function begins when the thread has ended.
const bad = `[    1.000000] Thread Creating...
[    1.000001] func t1
[    1.000002] func t2
[    1.000003] Stopping t1
[    1.000004] func t1 return 0
[    1.000005] t1 stopped, exit code 0
[    1.000006] func t1
`
