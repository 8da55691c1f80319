package traces

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/google/go-cmp/cmp"
)

// watched reads a trace with a set of watched pids, in blocks or line by line.
func watched(t testing.TB, in io.Reader, pids []int, lineByLine bool) (string, Stats) {
	t.Helper()
	r := NewReader(in, nil, false)
	r.lineByLine = lineByLine
	set := r.Watch()
	for _, pid := range pids {
		set.Add(pid)
	}
	defer r.Close()
	var b strings.Builder
	for r.Scan() {
		e := r.Event()
		e.Since = 0 // what is only glanced at is not counted as heard of
		fmt.Fprintf(&b, "%+v\n", e)
	}
	if err := r.Err(); err != nil {
		fmt.Fprintln(&b, err)
	}
	return b.String(), r.Stats()
}

func tracesToTry(t testing.TB) map[string][]byte {
	t.Helper()
	files, err := filepath.Glob("samples/recorded/*")
	if err != nil {
		t.Fatal(err)
	}
	texts := map[string][]byte{}
	for _, f := range files {
		name := filepath.Base(f)
		if strings.HasPrefix(name, "ftrace") || strings.HasPrefix(name, "tracecmd") || strings.HasPrefix(name, "perf") {
			if texts[name], err = os.ReadFile(f); err != nil {
				t.Fatal(err)
			}
		}
	}
	if len(texts) < 5 {
		t.Fatalf("%d traces", len(texts))
	}
	texts["generated"], _ = bigFtrace(t, 300_000, 0.5)
	return texts
}

// A glance never loses what a whole reading finds.
func TestBlocksAreAsLines(t *testing.T) {
	for name, text := range tracesToTry(t) {
		damaged := append(bytes.Replace(bytes.Clone(text), []byte("prev_state=S"), []byte("prev_state=\x00"), 3),
			[]byte("           kt_ok-338     [001] d..2.    34.208007: sched_swi")...)
		long := append(append(bytes.Clone(text), bytes.Repeat([]byte("x"), 3*blockSize)...), "\n"...)
		long = append(long, text...)
		for variant, in := range map[string][]byte{
			"plain": text, "damaged": damaged, "crlf": bytes.ReplaceAll(text, []byte("\n"), []byte("\r\n")),
			"long line": long, "twice": append(bytes.Clone(text), text...), "big": bytes.Repeat(text, 2+2*blockSize/len(text)),
		} {
			for _, pids := range [][]int{nil, {338, 347, 359}, {294, 448, 449, 450, 488, 1}, {5001, 5002, 5003, 5070, 45001, 1010}} {
				want, wantStats := watched(t, bytes.NewReader(in), pids, true)
				got, stats := watched(t, bytes.NewReader(in), pids, false)
				if d := cmp.Diff(want, got); d != "" {
					t.Fatalf("%s, %s, %v: -lines +blocks\n%s", name, variant, pids, d)
				}
				if d := cmp.Diff(wantStats, stats); d != "" {
					t.Errorf("%s, %s, %v: stats: -lines +blocks\n%s", name, variant, pids, d)
				}
				got, _ = watched(t, iotest.OneByteReader(bytes.NewReader(in[:min(len(in), 20000)])), pids, false)
				want, _ = watched(t, bytes.NewReader(in[:min(len(in), 20000)]), pids, true)
				if d := cmp.Diff(want, got); d != "" {
					t.Fatalf("%s, %s, %v: a byte at a time: -lines +blocks\n%s", name, variant, pids, d)
				}
			}
		}
	}
}

// Whatever a line holds, a glance at it leaves out nothing that is asked for.
func FuzzGlance(f *testing.F) {
	for _, text := range tracesToTry(f) {
		lines := bytes.SplitN(text, []byte("\n"), 60)
		f.Add(bytes.Join(lines[:len(lines)-1], []byte("\n")), 338)
	}
	f.Fuzz(func(t *testing.T, text []byte, pid int) {
		text = append(text, '\n')
		want, _ := watched(t, bytes.NewReader(text), []int{pid, 0}, true)
		got, _ := watched(t, bytes.NewReader(text), []int{pid, 0}, false)
		want, got = withoutLosses(want), withoutLosses(got)
		if want != got {
			t.Errorf("-lines +blocks\n%s", cmp.Diff(want, got))
		}
	})
}

// withoutLosses leaves losses out. A glance looks at both ends of a line: where
// these are whole, and of tasks that nobody asks about, it does not see that what
// is between them is damaged.
func withoutLosses(events string) string {
	var b strings.Builder
	for line := range strings.Lines(events) {
		if !strings.Contains(line, "Kind:loss ") {
			b.WriteString(line)
		}
	}
	return b.String()
}
