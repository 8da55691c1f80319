package main

import (
	"bytes"
	"encoding/json"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/kthread-tla/tracecheck/checker"
	"github.com/kthread-tla/tracecheck/traces"
)

// What --shrink prints of each illegal sample, and of each rule's bad log that
// does not fit, still does not fit, by the same rule; and does without any one
// of its lines, which then counts as lost.
func TestShrink(t *testing.T) {
	t.Chdir(filepath.Join("..", ".."))
	logs := map[string][]string{} // their flags
	err := filepath.WalkDir("traces/samples", func(name string, _ fs.DirEntry, err error) error {
		if err != nil || !strings.HasSuffix(name, ".want") {
			return err
		}
		b, err := os.ReadFile(name)
		if bytes.Contains(b, []byte(": fits no,")) {
			command, _, _ := strings.Cut(string(b), "\n")
			args := strings.Fields(strings.TrimPrefix(command, "$ tracecheck "))
			logs[args[len(args)-1]] = args[:len(args)-1]
		}
		return err
	})
	if err != nil || len(logs) < 7 {
		t.Fatalf("%d illegal samples, %v", len(logs), err)
	}
	for _, r := range checker.Rules {
		logs["checker/rules/"+r.ID+".bad.log"] = nil
	}
	shrunk := 0
	for name, flags := range logs {
		b, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		for thread, rule := range misfitsIn(t, string(b), flags) {
			shrunk++
			var out, errs bytes.Buffer
			if status := run(nil, &out, &errs, append([]string{"--shrink", thread, name}, flags...)); status != exitFits {
				t.Errorf("%s: --shrink %s: status %d, %s", name, thread, status, errs.String())
				continue
			}
			var fromInput bytes.Buffer
			run(bytes.NewReader(b), &fromInput, &errs, append([]string{"--shrink", thread}, flags...))
			if fromInput.String() != out.String() {
				t.Errorf("%s: from standard input %s", name, fromInput.String())
			}
			if got := misfitsIn(t, out.String(), flags)[thread]; got != rule {
				t.Errorf("%s: %s: %q, want %s, of\n%s", name, thread, got, rule, out.String())
			}
			lines := strings.SplitAfter(out.String(), "\n")
			for i, line := range lines[:len(lines)-1] {
				if strings.HasPrefix(line, "#") {
					continue
				}
				less := strings.Join(lines[:i], "") + traces.LeftOut(1) + "\n" + strings.Join(lines[i+1:], "")
				if got := misfitsIn(t, less, flags)[thread]; got == rule {
					t.Errorf("%s: %s: still %s without line %d of\n%s", name, thread, rule, i+1, out.String())
				}
			}
		}
	}
	if shrunk < 14 {
		t.Errorf("only %d shrunk", shrunk)
	}
}

// misfitsIn are the threads of a log that do not fit, each with its rule.
func misfitsIn(t *testing.T, log string, flags []string) map[string]string {
	t.Helper()
	var out, errs bytes.Buffer
	if run(strings.NewReader(log), &out, &errs, append([]string{"--format", "json"}, flags...)) == exitUsage {
		return nil // nothing is left of it
	}
	var doc struct {
		Threads []struct {
			Comm     string
			PID      int
			Fits     string
			Findings []struct{ Rule string }
		}
	}
	if err := json.Unmarshal(out.Bytes(), &doc); err != nil {
		t.Fatal(err)
	}
	bad := map[string]string{}
	for _, th := range doc.Threads {
		if th.Fits != "no" {
			continue
		}
		name := th.Comm
		if th.PID != 0 {
			name = strconv.Itoa(th.PID)
		}
		bad[name] = th.Findings[0].Rule
	}
	return bad
}

// What is said of a thread that does not fit is under twenty lines.
func TestMisfitsAreShort(t *testing.T) {
	t.Chdir(filepath.Join("..", ".."))
	wants, err := filepath.Glob("traces/samples/*.want")
	if err != nil {
		t.Fatal(err)
	}
	found := 0
	for _, name := range wants {
		b, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		for _, block := range strings.Split(string(b), "\n\n") {
			if strings.Contains(block, "[does not fit]") {
				found++
				if n := strings.Count(block, "\n") + 1; n >= 20 || !strings.Contains(block, "smallest part") {
					t.Errorf("%s: %d lines\n%s", name, n, block)
				}
			}
		}
	}
	if found < 7 {
		t.Errorf("only %d found", found)
	}
}
