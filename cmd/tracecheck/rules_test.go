package main

import (
	"bytes"
	"encoding/json"
	"path/filepath"
	"strings"
	"testing"

	"github.com/kthread-tla/tracecheck/checker"
)

// Of each rule's two logs the bad one has a finding of it, at its level, and the
// good one has not.
func TestRules(t *testing.T) {
	wanted := 0
	for i, r := range checker.Rules {
		if i > 0 && checker.Rules[i-1].ID >= r.ID {
			t.Errorf("%s stands behind %s", r.ID, checker.Rules[i-1].ID)
		}
		if levels := rulesIn(t, r.Bad()); levels[r.ID] != string(r.Level) {
			t.Errorf("checker/rules/%s.bad.log: %v, want %s %s", r.ID, levels, r.ID, r.Level)
		}
		if levels := rulesIn(t, r.Good()); levels[r.ID] != "" {
			t.Errorf("checker/rules/%s.good.log: %v, want no %s", r.ID, levels, r.ID)
		}
		for _, log := range []string{r.Bad(), r.Good()} {
			wanted++
			if n := strings.Count(log, "\n"); n > 15 {
				t.Errorf("%s: an example of %d lines is too long", r.ID, n)
			}
		}
		var out, errs bytes.Buffer
		if status := run(nil, &out, &errs, []string{"--explain", strings.ToLower(r.ID)}); status != exitFits || out.String() != r.Explain() {
			t.Errorf("--explain %s: status %d, %s%s", r.ID, status, out.String(), errs.String())
		}
	}
	files, err := filepath.Glob("../../checker/rules/*")
	if err != nil || len(files) != wanted {
		t.Errorf("%d files in checker/rules for %d rules, %v", len(files), len(checker.Rules), err)
	}
}

// rulesIn are the findings of a log: the level of each rule.
func rulesIn(t *testing.T, log string) map[string]string {
	t.Helper()
	var out, errs bytes.Buffer
	if run(strings.NewReader(log), &out, &errs, []string{"--format", "json"}) == exitUsage {
		t.Errorf("%q: %s", log, errs.String())
		return nil
	}
	type finding struct{ Rule, Level string }
	var doc struct {
		Threads  []struct{ Findings []finding }
		Findings []finding
	}
	if err := json.Unmarshal(out.Bytes(), &doc); err != nil {
		t.Fatal(err)
	}
	levels := map[string]string{}
	for _, th := range doc.Threads {
		doc.Findings = append(doc.Findings, th.Findings...)
	}
	for _, f := range doc.Findings {
		levels[f.Rule] = f.Level
	}
	return levels
}
