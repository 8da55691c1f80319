package main

import (
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/rogpeppe/go-internal/txtar"
)

var update = flag.Bool("update", false, "write what was got as what is wanted")

// Every sample in traces/samples has its expected verdict beside it, in a file
// NAME.want: the command, its exit status, one line for each thread, the
// verdict, and the whole text that is printed. `go test ./cmd/tracecheck
// -update` writes all but the first line.
func TestSamples(t *testing.T) {
	t.Chdir(filepath.Join("..", ".."))
	logs, err := filepath.Glob("traces/samples/*.dmesg")
	if err != nil || len(logs) < 20 {
		t.Fatalf("%d samples, %v", len(logs), err)
	}
	for _, log := range logs {
		name := strings.TrimSuffix(filepath.Base(log), ".dmesg")
		t.Run(name, func(t *testing.T) {
			want := "traces/samples/" + name + ".want"
			b, err := os.ReadFile(want)
			if err != nil {
				t.Fatal(err)
			}
			command, _, _ := strings.Cut(string(b), "\n")
			args, ok := strings.CutPrefix(command, "$ tracecheck ")
			if !ok || !strings.HasSuffix(args, log) {
				t.Fatalf("%s:1: want a line `$ tracecheck [flags] %s`", want, log)
			}
			got := resultOf(t, command, strings.Fields(args))
			if *update {
				if err := os.WriteFile(want, got, 0o666); err != nil {
					t.Fatal(err)
				}
				return
			}
			if d := cmp.Diff(string(b), string(got)); d != "" {
				t.Errorf("-want +got:\n%s", d)
			}
		})
	}
}

func resultOf(t *testing.T, command string, args []string) []byte {
	t.Helper()
	var text, stderr, doc, noise bytes.Buffer
	status := run(nil, &text, &stderr, args)
	if other := run(nil, &doc, &noise, append([]string{"--format", "json"}, args...)); other != status {
		t.Errorf("status %d with text, %d with json", status, other)
	}
	var head strings.Builder
	fmt.Fprintf(&head, "%s\nstatus %d\n", command, status)
	var r struct {
		Verdict string
		Threads []struct {
			Comm                      string
			PID                       *int
			Incarnation               int
			Fits, Outcome, Ran, Woken string
			ExitCode                  *int    `json:"exit_code"`
			ExitCodeFrom              *string `json:"exit_code_from"`
			Findings                  []struct {
				Rule, Level string
				Lines       []int
			}
		}
	}
	if err := json.Unmarshal(doc.Bytes(), &r); err != nil {
		t.Fatalf("the JSON: %v\n%s", err, doc.String())
	}
	for _, th := range r.Threads {
		code := "null"
		if th.ExitCode != nil {
			code = fmt.Sprintf("%d (%s)", *th.ExitCode, *th.ExitCodeFrom)
		}
		fmt.Fprintf(&head, "%s#%d: fits %s, %s, ran %s, woken %s, exit_code %s", th.Comm, th.Incarnation, th.Fits, th.Outcome, th.Ran, th.Woken, code)
		for _, f := range th.Findings {
			fmt.Fprintf(&head, ", %s %s %v", f.Rule, f.Level, f.Lines)
		}
		head.WriteString("\n")
	}
	fmt.Fprintf(&head, "verdict %s\n", r.Verdict)
	a := txtar.Archive{Comment: []byte(head.String()), Files: []txtar.File{
		{Name: "text", Data: text.Bytes()},
		{Name: "stderr", Data: stderr.Bytes()},
	}}
	return txtar.Format(&a)
}
