package reader_test

import (
	"fmt"
	"log"
	"strings"

	"github.com/kthread-tla/tracecheck/traces/printk"
	"github.com/kthread-tla/tracecheck/traces/reader"
)

// A Reader is used like a bufio.Scanner. It finds out by itself which format a log
// has.
func Example() {
	const dmesg = `[    1.000000] Thread Creating...
[    1.000100] usb 1-1: new device
[    1.000200] func t1
[    1.000300] Stopping t1
[    1.000400] t1 stopped, exit code 0
`
	r := reader.New(strings.NewReader(dmesg), reader.Options{Patterns: printk.Builtin("story")})
	defer r.Close()
	for r.Scan() {
		e := r.Event()
		fmt.Printf("%s of %q in line %d\n", e.Kind, e.Thread.Comm, e.Line)
	}
	if err := r.Err(); err != nil {
		log.Fatal(err)
	}
	fmt.Println(r.Format(), r.Stats().Lines, "lines")
	// Output:
	// begin of "" in line 1
	// enter of "t1" in line 3
	// stop-call of "t1" in line 4
	// stop-return of "t1" in line 5
	// dmesg 5 lines
}
