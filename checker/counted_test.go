package checker_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"testing"
	"testing/iotest"

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
	broken := errors.New("broken")
	run := func(counts bool, end error) (told []string, number map[string]int, most int) {
		c, err := checker.New(nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		number = make(map[string]int)
		var verdicts []*checker.Verdict
		in := io.MultiReader(bytes.NewReader(log.Bytes()), iotest.ErrReader(end))
		if _, err := c.Check(traces.NewReader(in, nil, false), func(v *checker.Verdict) error {
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
		}); err != end && end != io.EOF || err != nil && end == io.EOF {
			t.Fatal(err)
		}
		for _, v := range verdicts {
			told = append(told, fmt.Sprint(v.Life.Thread, v.Life.Incarnation, v.Life.AsOf, v.Outcome, v.ExitCode, v.Stops, len(v.Findings), v.Life.Events()))
		}
		return told, number, most
	}
	for _, end := range []error{io.EOF, broken} {
		one, each, none := run(false, end)
		some, counted, most := run(true, end)
		if none != 0 || most < 500 || len(one) < 500 {
			t.Fatalf("a verdict stands for %d more lives, want 0; for %d, want many; %d lives are told of, want many", none, most, len(one))
		}
		if diff := cmp.Diff(each, counted); diff != "" {
			t.Errorf("%v: -told of +counted:\n%s", end, diff)
		}
		if diff := cmp.Diff(one, some); diff != "" {
			t.Errorf("%v: of those that are told of anyhow: -told of +counted:\n%s", end, diff)
		}
	}
}
