package reader

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/kthread-tla/tracecheck/traces"
	"github.com/kthread-tla/tracecheck/traces/printk"
)

// The line that says that some were left out is read as a loss in every format
// that has lines.
func TestLeftOut(t *testing.T) {
	var files []string
	for _, pattern := range []string{"../samples/formats/*", "../samples/recorded/*"} {
		found, err := filepath.Glob(pattern)
		if err != nil {
			t.Fatal(err)
		}
		files = append(files, found...)
	}
	formats := map[string]bool{}
	for _, name := range files {
		b, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		if strings.Contains(name, ".want") || strings.IndexByte(string(b), 0) >= 0 {
			continue
		}
		lines := strings.SplitAfter(string(b), "\n")
		n := len(lines) / 2
		text := strings.Join(lines[:n], "") + LeftOut(3) + "\n" + strings.Join(lines[n:], "")
		r := New(strings.NewReader(text), Options{Patterns: printk.Builtin("story")})
		told := false
		for r.Scan() {
			e := r.Event()
			told = told || e.Line == n+1 && e.Count == 3 && (e.Kind == traces.Loss || e.Kind == traces.Cut)
		}
		if r.Err() != nil {
			continue // of those that are not read, and that are compressed
		}
		format := r.Format()
		if format == "dmesg-json" || format == "journal-export" {
			continue // not in lines
		}
		formats[format] = true
		if !told {
			t.Errorf("%s (%s): not read as a loss", name, format)
		}
	}
	t.Logf("%v", formats)
	if len(formats) < 12 {
		t.Errorf("only %v", formats)
	}
}

func TestLeftOutLine(t *testing.T) {
	for _, n := range []int{1, 2, 300} {
		if got, ok := leftOut([]byte(LeftOut(n))); !ok || got != n {
			t.Errorf("%q: %d, %v", LeftOut(n), got, ok)
		}
	}
	for _, line := range []string{"# tracecheck: 0 lines left out", "# tracecheck: lines left out", "# tracer: nop", "# tracecheck: 3 lines left", " # tracecheck: 3 lines left out"} {
		if _, ok := leftOut([]byte(line)); ok {
			t.Errorf("%q: taken for a mark", line)
		}
	}
}
