package traces

import (
	"bytes"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "rewrite the golden files")

// readTrace runs a trace through the reader that detectTrace finds for it, and
// returns the events, one a line.
func readTrace(t testing.TB, in string, interest func(int) bool) (string, *traceReader) {
	t.Helper()
	lines := bytes.SplitAfter([]byte(in), []byte("\n"))
	if len(lines[len(lines)-1]) == 0 {
		lines = lines[:len(lines)-1]
	}
	name, ok := detectTrace(lines)
	if !ok {
		return "", nil
	}
	r := newTraceReader(name)
	if r == nil {
		t.Fatalf("no reader for %q", name)
	}
	r.interest = interest
	var b strings.Builder
	emit := func(e Event) { b.WriteString(traceEventString(e)); b.WriteByte('\n') }
	for i, line := range lines {
		if bytes.HasSuffix(line, []byte("\n")) {
			r.line(i+1, line[:len(line)-1], emit)
		} else {
			r.unfinished(i+1, line, emit)
		}
	}
	r.end(emit)
	return b.String(), r
}

// traceEventString is an event for people: line, kind, thread, what else it says.
func traceEventString(e Event) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%d %v", e.Line, e.Kind)
	if e.Late {
		b.WriteString(" (late)")
	}
	if e.Thread != (Task{}) {
		fmt.Fprintf(&b, " %v", e.Thread)
		if e.Thread.Addr != 0 && e.Thread.PID != 0 {
			fmt.Fprintf(&b, "@%#x", e.Thread.Addr)
		}
	}
	if e.By != (Task{}) && e.By != e.Thread {
		fmt.Fprintf(&b, " by %v", e.By)
	}
	if e.Kind == SwitchOut {
		if e.State == 0 {
			e.State = '?'
		}
		fmt.Fprintf(&b, " %c", e.State)
	}
	switch {
	case e.HasCode:
		fmt.Fprintf(&b, " = %d", e.Code)
	case e.Kind == ExitCall && e.Code != 0:
		fmt.Fprintf(&b, " (%d)", e.Code)
	}
	if e.Probe {
		fmt.Fprintf(&b, " probe %s", e.Func)
	}
	if e.Kind == Loss {
		fmt.Fprintf(&b, " %d cpu %d since %d", e.Count, e.CPU, e.Since)
		return b.String()
	}
	switch e.Context {
	case InterruptContext:
		b.WriteString(" in an interrupt")
	case UnknownContext:
		b.WriteString(" in ?")
	}
	return b.String()
}

// The events of each recording, for the pids of the kernel threads that
// truth.tsv names.
func TestRecordedTraces(t *testing.T) {
	between := func(from, to int) func(int) bool {
		return func(pid int) bool { return from <= pid && pid <= to }
	}
	tests := []struct {
		file, format string
		interest     func(int) bool
	}{
		{"ftrace-eintr.txt", "ftrace", between(347, 347)},
		{"ftrace-ok.txt", "ftrace", between(338, 338)},
		{"ftrace-selfheld.txt", "ftrace", between(359, 359)},
		{"ftrace-twice.txt", "ftrace", between(310, 312)},
		{"ftrace-wokeneintr2.txt", "ftrace", between(353, 353)},
		{"ftrace-tgid-kprobes.txt", "ftrace", between(381, 384)},
		{"ftrace-trace_pipe-lost-events.txt", "ftrace", between(391, 402)},
		{"tracecmd-report.txt", "trace-cmd", between(448, 467)},
		{"perf-script.txt", "perf-script", between(488, 497)},
	}
	for _, test := range tests {
		t.Run(test.file, func(t *testing.T) {
			in, err := os.ReadFile(filepath.Join("samples", "recorded", test.file))
			if err != nil {
				t.Fatal(err)
			}
			got, r := readTrace(t, string(in), test.interest)
			if r == nil {
				t.Fatal("not recognised")
			}
			if r.name != test.format {
				t.Errorf("read as %s, want %s", r.name, test.format)
			}
			if r.stats.Unusable != 0 {
				t.Errorf("diagnostics: %v", r.stats.Diagnostics)
			}
			golden := filepath.Join("testdata", "events", strings.TrimSuffix(test.file, ".txt")+".events")
			if *update {
				if err := os.MkdirAll(filepath.Dir(golden), 0o755); err != nil {
					t.Fatal(err)
				}
				if err := os.WriteFile(golden, []byte(got), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(golden)
			if err != nil {
				t.Fatal(err)
			}
			if got != string(want) {
				t.Errorf("events differ from %s (run with -update and look at the difference):\n%s", golden, got)
			}
		})
	}
}

func BenchmarkTrace(b *testing.B) {
	for _, file := range []string{"ftrace-trace_pipe-lost-events.txt", "tracecmd-report.txt", "perf-script.txt"} {
		for _, relevant := range []bool{false, true} {
			name := file
			if relevant {
				name += "/all"
			}
			b.Run(name, func(b *testing.B) {
				in, err := os.ReadFile(filepath.Join("samples", "recorded", file))
				if err != nil {
					b.Fatal(err)
				}
				lines := bytes.Split(bytes.TrimSuffix(in, []byte("\n")), []byte("\n"))
				format, _ := detectTrace(lines)
				r := newTraceReader(format)
				if !relevant {
					r.interest = func(int) bool { return false }
				}
				emit := func(Event) {}
				b.ReportAllocs()
				b.SetBytes(int64(len(in) / len(lines)))
				i := 0
				for b.Loop() {
					r.line(i+1, lines[i], emit)
					if i++; i == len(lines) {
						i = 0
					}
				}
			})
		}
	}
}
