package checker_test

import (
	"fmt"
	"log"
	"strings"
	"time"

	"github.com/kthread-tla/tracecheck/checker"
	"github.com/kthread-tla/tracecheck/traces/printk"
	"github.com/kthread-tla/tracecheck/traces/reader"
)

// A kernel log is read, each thread in it is judged, and what was found is said in
// words.
func Example() {
	const dmesg = `[    1.000000] Thread Creating...
[    1.000100] Stopping t1
[    1.000200] t1 stopped
[    1.000300] Stopping t2
[    1.000400] func t2
[    1.000500] func t2 return 7
[    1.000600] t2 stopped, exit code 8
`
	reader := reader.New(strings.NewReader(dmesg), reader.Options{Patterns: printk.Builtin("story")})
	c, err := checker.New(nil, 2*time.Second) // by the rules of every kernel
	if err != nil {
		log.Fatal(err)
	}
	var all checker.Summary
	_, err = c.Check(reader, checker.Options{}, func(v *checker.Verdict) error {
		all.Life(v)
		fmt.Printf("%s: fits %s, %s\n", v.Life.Thread, v.Fits, v.Outcome)
		for _, f := range v.Findings {
			fmt.Printf("  %s, lines %v: %s\n", f.Rule.ID, f.Text().Lines, f.Rule.Title)
		}
		return nil
	})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(all.Verdict(), all.ExitStatus(false))
	// Output:
	// t1: fits yes, stopped_before_run
	//   KT001, lines [2 3]: stopped before it ran
	// t2: fits no, unknown
	//   KT002, lines [6 7]: kthread_stop returned another value than the thread ended with
	// violates 1
}
