package checker

import (
	"bytes"
	"errors"
	"strings"
	"testing"

	"github.com/kthread-tla/tracecheck/checker/internal/model"
	"github.com/kthread-tla/tracecheck/traces/printk"
	"github.com/kthread-tla/tracecheck/traces/reader"
)

// What is drawn of a life is what was searched, and no two operations of a row
// overlap.
func TestOperationsAndTheirRows(t *testing.T) {
	const log = `[    1.000000] Thread Creating...
[    1.000001] func t1
[    1.000002] Stopping t2
[    1.000003] t2 stopped
[    1.000004] Stopping t1
[    1.000005] func t1 return
[    1.000006] t1 stopped
[    1.000007] func t2
`
	c, err := New(nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	drawn := 0
	_, err = c.Check(reader.New(strings.NewReader(log), reader.Options{Patterns: printk.Builtin("story")}), Options{}, func(v *Verdict) error {
		ops := v.Operations()
		if len(ops) != len(v.how.history.Operations) {
			t.Errorf("%s: %d operations, searched were %d", v.Life.Thread, len(ops), len(v.how.history.Operations))
		}
		lanes, names := Lanes(ops)
		if names[lanes[0]] == "" {
			t.Errorf("%s: the first row has no name", v.Life.Thread)
		}
		for i, a := range ops {
			if a.Text == "" || a.From > a.To {
				t.Errorf("%s: %+v", v.Life.Thread, a)
			}
			for j, b := range ops[:i] {
				if lanes[i] == lanes[j] && a.From <= b.To && b.From <= a.To {
					t.Errorf("%s: %+v and %+v overlap in row %d", v.Life.Thread, a, b, lanes[i])
				}
			}
		}
		var page bytes.Buffer
		if err := v.Visualize(&page); err != nil {
			t.Errorf("%s: %v", v.Life.Thread, err)
		}
		if !strings.Contains(page.String(), `"Description":"kthread_stop: request"`) {
			t.Errorf("%s: no stop is drawn", v.Life.Thread)
		}
		drawn++
		return nil
	})
	if err != nil || drawn != 2 {
		t.Errorf("%d lives, %v", drawn, err)
	}
	if err := (&Verdict{}).Visualize(&bytes.Buffer{}); !errors.Is(err, model.ErrNotDrawn) {
		t.Errorf("nothing to draw: %v", err)
	}
}
