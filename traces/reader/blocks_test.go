package reader

import (
	"bytes"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/google/go-cmp/cmp"
	"github.com/kthread-tla/tracecheck/internal/bigtrace"
	"github.com/kthread-tla/tracecheck/internal/logtest"
	"github.com/kthread-tla/tracecheck/traces"
	"github.com/kthread-tla/tracecheck/traces/internal/ktrace"
	"github.com/kthread-tla/tracecheck/traces/internal/skim"
	"github.com/kthread-tla/tracecheck/traces/printk"
)

// A way is one to read a log. All come to the same.
type way struct {
	name    string
	follow  bool // a line at a time
	skimmer func(head func([]byte) (ktrace.LineHead, bool)) skim.Skimmer
}

// decodeAll is the way of which no line is skipped.
var decodeAll = way{"every line decoded", false, func(func([]byte) (ktrace.LineHead, bool)) skim.Skimmer { return new(skim.Plain) }}

// ways are the others.
var ways = []way{
	{"plain", false, func(head func([]byte) (ktrace.LineHead, bool)) skim.Skimmer { return &skim.Plain{Head: head} }},
	{"fast", false, nil},
	{"follow", true, nil},
}

// watched reads a log in one way, with a set of watched pids.
func watched(t testing.TB, in io.Reader, pids []int, w way) (string, traces.Stats) {
	t.Helper()
	return watchedBy(t, in, pids, w, func(*traces.Interest, *traces.Event) {})
}

// watchedBy is watched by somebody who asks for more, or less, at each event.
func watchedBy(t testing.TB, in io.Reader, pids []int, w way, ask func(*traces.Interest, *traces.Event)) (string, traces.Stats) {
	t.Helper()
	if w.follow {
		in = logtest.Lines(in)
	}
	set := traces.NewInterest()
	r := New(in, Options{Patterns: printk.Builtin("story"), Always: pids == nil, Follow: w.follow, Interest: set, skimmer: w.skimmer})
	for _, pid := range pids {
		set.Add(pid)
	}
	defer r.Close()
	var b strings.Builder
	for r.Scan() {
		e := r.Event()
		ask(set, e)
		s := r.Stats() // of what the checker looks at while it reads
		fmt.Fprintf(&b, "%d %b %v %d ", s.LastLine, s.Seen, s.Waking, len(s.Marks))
		if e.Stack != nil {
			fmt.Fprintf(&b, "%+v ", *e.Stack)
		}
		e.Set, e.Stack = nil, nil
		fmt.Fprintf(&b, "%+v\n", e)
	}
	if err := r.Err(); err != nil {
		fmt.Fprintln(&b, err)
	}
	return b.String(), *r.Stats()
}

func tracesToTry(t testing.TB) map[string][]byte {
	t.Helper()
	files, err := filepath.Glob("../samples/recorded/*")
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
	texts["generated"], _ = logtest.Ftrace(t, 300_000, 0.5)
	return texts
}

// What is skimmed of a trace is what decoding all lines finds.
func TestBlocksAreAsLines(t *testing.T) {
	t.Parallel()
	for name, text := range tracesToTry(t) {
		damaged := append(bytes.Replace(bytes.Clone(text), []byte("prev_state=S"), []byte("prev_state=\x00"), 3),
			[]byte("           kt_ok-338     [001] d..2.    34.208007: sched_swi")...)
		long := append(append(bytes.Clone(text), bytes.Repeat([]byte("x"), 3*blockSize)...), "\n"...)
		long = append(long, text...)
		for variant, in := range map[string][]byte{
			"plain": text, "damaged": damaged, "crlf": bytes.ReplaceAll(text, []byte("\n"), []byte("\r\n")),
			"long line": long, "twice": append(bytes.Clone(text), text...), "big": bytes.Repeat(text, 2+2*blockSize/len(text)),
		} {
			if testing.Short() && (variant == "big" || variant == "twice") {
				continue
			}
			for _, pids := range [][]int{nil, {338, 347, 359}, {294, 448, 449, 450, 488, 1}, {5001, 5002, 5003, 5070, 45001, 1010}} {
				sameInBlocks(t, name+", "+variant, in, pids)
				want, _ := watched(t, bytes.NewReader(in[:min(len(in), 20000)]), pids, decodeAll)
				for _, w := range ways {
					got, _ := watched(t, iotest.OneByteReader(bytes.NewReader(in[:min(len(in), 20000)])), pids, w)
					if d := cmp.Diff(want, got); d != "" {
						t.Fatalf("%s, %s, %v: %s, a byte at a time: -all decoded +it\n%s", name, variant, pids, w.name, d)
					}
				}
			}
		}
	}
}

// However many carriage returns end a line, they are no part of it.
func TestBlocksOfLinesWithReturns(t *testing.T) {
	var b bytes.Buffer
	for i, body := range []string{"sched_waking: comm=kt pid=14 prio=120 target_cpu=000", "sched_kthread_stop: comm=41905 pid=3 pid=14", "sched_kthread_stop_ret: ret=-4",
		"sched_process_exit: comm=kt pid=3 pid=14 prio=120 group_dead=true", "sched_process_fork: comm=kthreadd pid=2 child_comm=kt pid=3 child_pid=14"} {
		for n := range 4 {
			fmt.Fprintf(&b, "%16s-%-7d [000] ..... %5d.%06d: %s%s\n", "sh", 50, 36, 10*i+n, body, strings.Repeat("\r", n))
		}
	}
	sameInBlocks(t, "returns", b.Bytes(), []int{14})
}

// However many flags there are, in a block or from one to the next, each says what it says.
func TestBlocksOfManyFlags(t *testing.T) {
	const letters = "0123456789abcdefghijklmnopqrstuvwxyz"
	var b bytes.Buffer
	for i := range 30_000 {
		task, pid := "sh", 50
		if i%7 == 0 {
			task, pid = "<idle>", 0
		}
		about := 14 + i/5000%2 // another one begins anew
		flags := fmt.Sprintf("d%c.%c%c", letters[i%len(letters)], letters[i/3%len(letters)], letters[i/(1+i/8000*40)%len(letters)])
		fmt.Fprintf(&b, "%16s-%-7d [000] %s %5d.%06d: sched_waking: comm=kt pid=%d prio=120 target_cpu=000\n", task, pid, flags, 36, i, about)
		if i%3 == 0 {
			fmt.Fprintf(&b, "%16s-%-7d [000] %s %5d.%06d: sched_switch: prev_comm=kt prev_pid=%d prev_prio=120 prev_state=S ==> next_comm=sh next_pid=50 next_prio=120\n", "kt", about, flags, 36, i, about)
		}
	}
	if b.Len() < 4*firstSize {
		t.Fatal("a single block")
	}
	sameInBlocks(t, "flags", b.Bytes(), []int{14, 15})
}

// The rest of a line that is longer than blocks is no line of its own.
func TestMarkBehindALongLine(t *testing.T) {
	const exit = "              sh-50      [000] .....    36.000001: sched_process_exit: comm=kt pid=3 prio=120\n"
	const waking = "              sh-50      [000] .....    36.000001: sched_waking: comm=kt pid=3 prio=120 target_cpu=000\n"
	sameInBlocks(t, "long line", []byte(exit+strings.Repeat("x", 3*blockSize)+"\n"+waking), []int{14})
}

// logsToTry are kernel logs of all kinds.
func logsToTry(t testing.TB) map[string][]byte {
	t.Helper()
	texts := map[string][]byte{}
	for _, glob := range []string{"../samples/*.dmesg", "../samples/formats/*", "../samples/recorded/dmesg*", "../samples/recorded/kmsg*", "../samples/reports/*"} {
		files, err := filepath.Glob(glob)
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range files {
			text, err := os.ReadFile(f)
			if err != nil {
				t.Fatal(err)
			}
			if !strings.Contains(f, ".want") {
				texts[f] = text
			}
		}
	}
	var b bytes.Buffer
	if _, _, err := bigtrace.Dmesg(&b, bigtrace.Trace{Bytes: 200_000, Kthread: 0.3, Seed: 1}); err != nil {
		t.Fatal(err)
	}
	if texts["generated"] = b.Bytes(); len(texts) < 50 {
		t.Fatalf("%d logs", len(texts))
	}
	return texts
}

// What is skipped of a kernel log says nothing.
func TestBlocksOfKernelLogsAreAsLines(t *testing.T) {
	t.Parallel()
	logs := logsToTry(t)
	noise := []byte("[   99.000001] usb 1-1: new device [8086:1237]\n[   99.000001][  T310] eth0: link up\n[   99.000004] \tat 3f:\n[   98.999999] host word\n")
	for i, name := range slices.Sorted(maps.Keys(logs)) {
		if testing.Short() && i%10 > 0 {
			continue
		}
		text := logs[name]
		var long, between []byte // slow, so of some
		if strings.HasPrefix(name, "../samples/formats/journal") || strings.HasPrefix(name, "../samples/recorded") || name == "generated" {
			long = slices.Concat(text, bytes.Repeat([]byte("x"), 2*blockSize), []byte("\n"), text)
			between = slices.Concat(text, bytes.Repeat(noise, 110), text)
		}
		var mixed []byte
		for i, line := range bytes.SplitAfter(text, []byte("\n")) {
			if mixed = append(mixed, line...); i%3 == 0 {
				mixed = append(mixed, noise...)
			}
		}
		for variant, in := range map[string][]byte{
			"plain": text, "cut": text[:len(text)*2/3], "crlf": bytes.ReplaceAll(text, []byte("\n"), []byte("\r\n")), "mixed": mixed,
			"noise first": append(bytes.Repeat(noise, 9), text...), "noise between": between,
			"long line":     long,
			"damaged":       bytes.ReplaceAll(mixed, []byte("1"), []byte("\x00")),
			"quoted":        append([]byte("> "), bytes.ReplaceAll(mixed, []byte("\n"), []byte("\n> "))...),
			"export behind": append(bytes.Clone(mixed), logs["../samples/formats/journal.export"]...),
			"coloured":      bytes.ReplaceAll(mixed, []byte("eth"), []byte("\x1b[1meth")),
		} {
			for _, pids := range [][]int{nil, {1}} {
				if pids != nil && variant != "mixed" {
					continue // without the set's begin line most says nothing
				}
				sameInBlocks(t, name+", "+variant, in, pids)
			}
		}
	}
}

// sameInBlocks compares all ways to read an input.
func sameInBlocks(t *testing.T, name string, in []byte, pids []int) {
	t.Helper()
	want, wantStats := watched(t, bytes.NewReader(in), pids, decodeAll)
	for _, w := range ways {
		got, stats := watched(t, bytes.NewReader(in), pids, w)
		if want != got {
			t.Fatalf("%s, %v: %s: -all decoded +it\n%s", name, pids, w.name, cmp.Diff(want, got))
		}
		if d := cmp.Diff(wantStats, stats); d != "" {
			t.Fatalf("%s, %v: %s: stats: -all decoded +it\n%s", name, pids, w.name, d)
		}
	}
}

// Whatever a log holds, all ways to read it give the same events, losses and counts.
func FuzzSkim(f *testing.F) {
	for _, text := range tracesToTry(f) {
		lines := bytes.SplitN(text, []byte("\n"), 60)
		f.Add(bytes.Join(lines[:len(lines)-1], []byte("\n")), 338)
		elided := slices.Insert(lines[:len(lines)-1], len(lines)/2, []byte("[...]"))
		f.Add(bytes.Join(elided, []byte("\n")), 338)
		slices.Reverse(lines)
		f.Add(bytes.Join(lines[1:], []byte("\n")), 338)
	}
	for _, text := range logsToTry(f) {
		f.Add(text[:min(len(text), 4000)], 0)
	}
	f.Fuzz(func(t *testing.T, text []byte, pid int) {
		if pid == 0 {
			sameInBlocks(t, "it", text, nil)
			return
		}
		sameInBlocks(t, "it", text, []int{pid, 0})
	})
}
