package checker_test

import (
	"bytes"
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/kthread-tla/tracecheck/checker"
	"github.com/kthread-tla/tracecheck/internal/bigtrace"
	"github.com/kthread-tla/tracecheck/traces"
)

// Of lives that are but counted there are as many as else would be told of, and the
// others are told of as ever, though they take the places of those in memory.
func TestCounted(t *testing.T) {
	var log bytes.Buffer
	_, _, err := bigtrace.Ftrace(&log, bigtrace.Trace{Bytes: 8 << 20, Kthread: 0.9, Seed: 5})
	if err != nil {
		t.Fatal(err)
	}
	run := func(counts bool) (told []string, number map[string]int, most int) {
		c, err := checker.New(nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		number = make(map[string]int)
		var verdicts []*checker.Verdict
		if _, err := c.Check(traces.NewReader(bytes.NewReader(log.Bytes()), nil, false), func(v *checker.Verdict) error {
			most = max(most, v.Alike)
			number[fmt.Sprintf("%s %s %s %s %d", v.Fits, v.Outcome, v.Ran, v.Woken, len(v.Findings))] += 1 + v.Alike
			switch v.Outcome {
			case checker.ExitedByItself, checker.RanThenStopped:
				if counts {
					v.CountAlike()
				}
			default:
				verdicts = append(verdicts, v)
			}
			return nil
		}); err != nil {
			t.Fatal(err)
		}
		for _, v := range verdicts {
			told = append(told, fmt.Sprint(v.Life.Thread, v.Life.Incarnation, v.Life.AsOf, v.Outcome, v.ExitCode, v.Stops, len(v.Findings), v.Life.Events()))
		}
		return told, number, most
	}
	one, each, none := run(false)
	some, counted, most := run(true)
	if none != 0 || most < 1000 || len(one) < 1000 {
		t.Fatalf("a verdict stands for %d more lives, want 0; for %d, want many; %d lives are told of, want many", none, most, len(one))
	}
	if diff := cmp.Diff(each, counted); diff != "" {
		t.Errorf("-told of +counted:\n%s", diff)
	}
	if diff := cmp.Diff(one, some); diff != "" {
		t.Errorf("of those that are told of anyhow: -told of +counted:\n%s", diff)
	}
}
