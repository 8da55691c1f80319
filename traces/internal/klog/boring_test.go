package klog

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/kthread-tla/tracecheck/internal/bigtrace"
	"github.com/kthread-tla/tracecheck/traces/internal/kreport"
	"github.com/kthread-tla/tracecheck/traces/internal/scan"
	"github.com/kthread-tla/tracecheck/traces/internal/skim"
	"github.com/kthread-tla/tracecheck/traces/printk"
)

func bigLog(t testing.TB) (text []byte, lines int) {
	t.Helper()
	var b bytes.Buffer
	lines, _, err := bigtrace.Dmesg(&b, bigtrace.Trace{Bytes: 768 << 10, Kthread: 0.01, Seed: 1})
	if err != nil {
		t.Fatal(err)
	}
	return b.Bytes(), lines
}

// How long a line takes, most of which are boring.
func BenchmarkBoring(b *testing.B) {
	text, lines := bigLog(b)
	g := NewBoringLines(printk.Builtin("story"))
	out := new(skim.Block)
	b.SetBytes(int64(len(text)))
	b.ReportAllocs()
	for b.Loop() {
		g.Skim(text, out)
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*lines), "ns/line")
}

// asPrinted has for each hint a message that the decoder wants.
var asPrinted = []string{
	"INFO: task t1:596 blocked for more than 120 seconds.", "rcu: INFO: rcu_sched self-detected stall on CPU",
	"INFO: rcu_sched detected stalls on CPUs/tasks:", "RCU grace-period kthread stack dump:",
	"rcu: RCU grace-period kthread stack dump:", "watchdog: BUG: soft lockup - CPU#1 stuck for 23s! [kt_spin:310]",
	"NMI watchdog: BUG: soft lockup - CPU#1 stuck for 23s! [kt_spin:310]", "Watchdog detected hard LOCKUP on cpu 1 by CPU 0",
	"NMI backtrace for cpu 1 and some more", "WARNING: CPU: 0 PID: 12 at kernel/kthread.c:520 kthread_park+0x40/0x90",
	"------------[ cut here ]------------ of it", "Task dump for CPU 1: and no other",
	"task:kt_deaf         state:D stack:0     pid:596   tgid:596   ppid:2      flags:0x00024000",
	"kt_deaf         D    0   596      2 0x00000000", "CPU: 1 PID: 310 Comm: kt_x Not tainted 6.1.0 #1",
	"Pid: 2183, comm: bash Tainted: P        2.6.32 #1", "Call Trace: on all of it", "Call trace: on all of it",
	"Backtrace: on all of it", "Showing all locks held in the system:", "sysrq: Show Blocked State", "SysRq : Show Blocked State",
	"Future hung task reports are suppressed", "/proc/594/stack:[<0>] kthread+0xf2/0x120", "==> /proc/594/stack <==",
	"user@host:~# cat /proc/594/stack", "Oops#1 Part1", "Panic#2345678901234567 Part123",
	"BUG: kernel NULL pointer dereference, address: 10", "Oops: 0002 [1] PREEMPT SMP", "Internal error: Oops: 96000004 SMP",
	"Unable to handle kernel paging request", "CPU 0 Unable to handle kernel paging request", "kernel BUG at lib/list_debug.c:56!",
	"Kernel panic - not syncing: it is over", "invalid opcode: 0000 SMP NOPTI", "general protection fault, probably for it",
	"divide error: 0000 SMP NOPTI", "stack segment: 0000 SMP NOPTI", "** 12 printk messages dropped **",
	"Lost 312345 message(s)!", "printk: 12 messages suppressed.", "net_ratelimit: 3 callbacks suppressed",
	"Linux version 6.1.0-18-amd64 (x)", "host kernel: usb 1-1: new device", "usb 1-1: Product: M\\xc3\\xbcller", "usb 1-1: \x1b[1mnew device\x1b[0m",
	"Stopping the thread t1", "Thread Creating...", "the thread t1 stopped", "the thread t1 stopped, exit code -4", "func t1 return and more",
	"Kernel bug detected[#1]: in a driver", "prompt$ [   10.000000] Stopping t1", " indented as reports are", "\tindented as reports are",
	"[Sat Nov 21 18:06:58 2026] usb 1-1", "2026-11-21T18:06:58,363151+00:00 usb 1-1",
}

// fastSpans checks that what a skimmer has put into spans is boring by the decoder's own
// functions too, and returns how many lines these are.
func fastSpans(t *testing.T, g *BoringLines, text []byte) (lines int) {
	t.Helper()
	out := new(skim.Block)
	g.Skim(text, out)
	from := 0
	for _, l := range out.Lines {
		piece := text[min(from, len(text)):l.End]
		from = int(l.End) + 1
		if l.Prev != skim.Boring {
			if bytes.IndexByte(piece, '\n') >= 0 {
				t.Fatalf("several lines in one: %q", piece)
			}
			continue
		}
		span, before := out.Spans[l.Decoded-1], int64(noStamp)
		n := 0
		for line := range bytes.SplitSeq(piece, []byte("\n")) {
			stamp := splitHead(line).stamp
			if n++; g.boring(line).form == noForm || stamp < before || n == 1 && stamp != span.First {
				t.Fatalf("not boring: %q\nof %q", line, text)
			}
			before = stamp
		}
		if n != span.N {
			t.Fatalf("%d lines, the span has %d: %q", n, span.N, piece)
		}
		lines += n
	}
	return lines
}

// messages are of the samples' kernel logs, without stamps.
func messages(t testing.TB) [][]byte {
	t.Helper()
	var all [][]byte
	for _, glob := range []string{"../../samples/*.dmesg", "../../samples/reports/*", "../../samples/recorded/dmesg*"} {
		files, err := filepath.Glob(glob)
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range files {
			text, err := os.ReadFile(f)
			if err != nil {
				t.Fatal(err)
			}
			for line := range bytes.SplitSeq(text, []byte("\n")) {
				msg, _, ok := body(scan.TrimEnd(line))
				if ok && len(msg) > 0 {
					all = append(all, msg)
				}
			}
		}
	}
	if len(all) < 1000 {
		t.Fatalf("%d messages", len(all))
	}
	return all
}

// heads are what stands before a message, by its form.
var heads = [...]string{
	stamped: "[    7.000001] ", levelled: "<6>[    7.000001] ", clocked: "[Sat Nov 21 18:06:01 2026] ", monotonic: "[    7.000001] host kernel: ",
	tag: "Nov 21 18:06:01 host kernel: ", tagStamp: "2026-11-21T18:06:01.363151+00:00 host kernel: [    7.000001] ",
}

// headAt is the head of a form at another time.
func headAt(f form, micros int) string {
	at := strings.NewReplacer("7.000001", fmt.Sprintf("7.%06d", micros), "18:06:01", fmt.Sprintf("18:06:%02d", micros))
	return at.Replace(heads[f])
}

// Each form is known, and its lines make one span.
func TestForms(t *testing.T) {
	for f := stamped; int(f) < len(heads); f++ {
		var text []byte
		for i := range 20 {
			text = append(text, headAt(f, i/3+1)+"usb 1-1: New USB device strings: Mfr=3, Product=2\n"...)
		}
		if h := splitHead(text[:bytes.IndexByte(text, '\n')]); h.form != f || !bytes.HasPrefix(h.msg, []byte("usb")) {
			t.Errorf("%q is of form %d, want %d; message %q", heads[f], h.form, f, h.msg)
		}
		if n := fastSpans(t, NewBoringLines(nil), text); n != 20 {
			t.Errorf("%q: %d boring lines", heads[f], n)
		}
	}
}

// The table of hints misses no message that the decoder wants: not of the samples', nor
// any that these and the hints make up.
func TestHints(t *testing.T) {
	all := messages(t)
	rng := rand.New(rand.NewPCG(1, 2))
	g := NewBoringLines(printk.Builtin("story"))
	hints := allHints(g.patterns)
	rounds, boring := 3000, 0
	if testing.Short() {
		rounds = 100
	}
	for _, m := range asPrinted {
		all = append(all, slices.Repeat([][]byte{[]byte(m)}, 20)...)
	}
	for i := range rounds {
		var text []byte
		micros, f := 0, stamped
		if i%2 > 0 {
			f += form(rng.IntN(len(heads) - 1))
		}
		for range 20 {
			a, b := all[rng.IntN(len(all))], all[rng.IntN(len(all))]
			h := asPrinted[rng.IntN(len(asPrinted))]
			if rng.IntN(2) == 0 {
				h = hints[rng.IntN(len(hints))].text
			}
			msg := a
			switch cut := a[:rng.IntN(len(a)+1)]; rng.IntN(6) {
			case 0:
				msg = slices.Concat(cut, b[rng.IntN(len(b)):])
			case 1:
				msg = slices.Concat([]byte(h), b[rng.IntN(len(b)):])
			case 2:
				msg = slices.Concat(cut, []byte(h))
			case 3:
				msg = slices.Concat(cut, []byte(h), b[rng.IntN(len(b)):])
			case 4:
				word, rest, _ := bytes.Cut(a, []byte(" "))
				msg = slices.Concat(word, []byte(" "), []byte(h), rest)
			}
			caller := [...]string{"", "", "", "[  T310] ", "[    C0] "}[rng.IntN(5)]
			end := [...]string{"", "", "", "\r", " ", "\r\r"}[rng.IntN(6)]
			micros = max(1, micros+rng.IntN(5)-1)
			from := len(text)
			text = fmt.Appendf(text, "%s%s%s%s\n", headAt(f, micros), caller, bytes.ReplaceAll(msg, []byte("\n"), nil), end)
			if rng.IntN(3) == 0 {
				text[from+rng.IntN(min(len(heads[f])+5, len(text)-from-1))] = "\x00\x1b[]. 0x9/<#:"[rng.IntN(13)]
			}
			text = fmt.Appendf(text, "%susb 1-1: New USB device strings: Mfr=3, Product=2\n", headAt(f, micros))
		}
		boring += fastSpans(t, g, text)
	}
	if boring < rounds*20 {
		t.Errorf("only %d of %d lines are boring", boring, rounds*40)
	}
}

// Whatever the decoder's own functions go by makes a line worth a second look: nobody
// who adds to it need know of boring lines.
func TestHintsAreTheDecoders(t *testing.T) {
	own, err := printk.Parse("own", strings.NewReader("begin mine: loaded\nenter {*}: runs {thread}\nexit t {thread}(9){*}\n"))
	if err != nil {
		t.Fatal(err)
	}
	g := NewBoringLines(own)
	hasHint := func(message string) bool {
		const usb = "[    7.000001] usb 1-1: New USB device strings: Mfr=3, Product=2"
		g.learn([]byte(usb), splitHead([]byte(usb)))
		line := []byte("[    7.000001] " + message)
		_, hintless := g.hintless(line, true)
		g.mark(append(line, '\n'), 0, 0, []int32{int32(len(line))})
		return !hintless || g.marked[0]
	}
	if hasHint("usb 1-1: Product: a stick of 16 GB") {
		t.Error("every line has a hint")
	}
	for _, h := range allHints(own) {
		message := [...]string{
			begin: h.text + " and more of it, and more", second: "a: " + h.text + " and more of it, and more",
			end: "some of it, and " + h.text, inside: "some of it, and " + h.text + " and more",
		}[h.where]
		if !hasHint(message) {
			t.Errorf("%q has no hint, want %q", message, h.text)
		}
	}
	for _, message := range slices.Concat(kreport.Beginnings(), crashes) {
		if !hasHint(message + " and more of it, and more") {
			t.Errorf("%q has no hint", message)
		}
	}
	for _, message := range []string{"some of it runs t1", "mine: loaded", "t t1(9) 596 and more", "x: runs t1 and more"} {
		if own.MayMatch([]byte(message)) && !hasHint(message) {
			t.Errorf("%q has no hint", message)
		}
	}
}

// FuzzHints: the same, of any text.
func FuzzHints(f *testing.F) {
	for i, msg := range messages(f)[:500] {
		h := heads[int(stamped)+i%(len(heads)-1)]
		f.Add(fmt.Appendf(nil, "%susb 1-1: new high-speed USB device number 5\n%s%s\n%s%s of it", h, h, msg, h, msg))
	}
	g := NewBoringLines(printk.Builtin("story"))
	f.Fuzz(func(t *testing.T, text []byte) {
		text = append(text, '\n')
		fastSpans(t, g, text)
		fastSpans(t, g, slices.Concat([]byte("[    7.000001] usb 1-1: new high-speed USB device\n"), text))
	})
}
