package checker

import (
	"testing"

	"github.com/kthread-tla/tracecheck/traces"
)

// By the state graph a thread's threadfn is over when it has returned, when it has ended
// itself, and when a stop has returned.
func TestEnding(t *testing.T) {
	c, err := New(nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	want := kinds(traces.Return, traces.Exit, traces.StopReturn, traces.CreateFailed)
	if got := c.ending(); got != want {
		t.Errorf("%b, want %b", got, want)
	}
}
