package checker

import (
	"fmt"
	"os"
	"strconv"
	"testing"
	"time"

	"github.com/kthread-tla/tracecheck/spec/graph"
	"github.com/kthread-tla/tracecheck/traces"
	"github.com/kthread-tla/tracecheck/traces/reader"
)

func TestZZ(t *testing.T) {
	f, err := os.Open(os.Getenv("ZF"))
	if err != nil {
		t.Skip()
	}
	pid, _ := strconv.Atoi(os.Getenv("ZP"))
	c, _ := New(nil, 10*time.Second)
	in := traces.NewInterest()
	r := reader.New(f, reader.Options{Interest: in})
	c.Check(r, Options{Interest: in}, func(v *Verdict) error {
		l := v.Life
		if l.Thread.PID != pid {
			return nil
		}
		fmt.Printf("%v whole %v torn %v lossy %v sees %b\n", l.Thread, l.Whole(), l.Trace.Torn, l.Trace.Lossy, l.Sees)
		for _, e := range c.all(graph.KThreadTask) {
			if k := os.Getenv("ZK"); k != "" && e.eras[0].Name != k {
				continue
			}
			h := e.history(l)
			ends, ans := h.Ends()
			fmt.Println(e.eras[0].Name, ans)
			if os.Getenv("ZV") != "" {
				for _, o := range h.Operations {
					fmt.Printf("   op ev %d [%d %d] opt %v obs %v acts", o.Event, o.From, o.To, o.Optional, o.Observes)
					for a, n := range e.m.Graph.Actions {
						if o.Actions.Has(a) {
							fmt.Print(" ", n)
						}
					}
					fmt.Println(o.In[:o.Places])
				}
			}
			n := 0
			ends.Each(func(i int) {
				if n++; n < 40 {
					fmt.Println("    ", e.m.Graph.States[i].Values)
				}
			})
			fmt.Println(e.m.Graph.Variables, n)
		}
		return nil
	})
}
