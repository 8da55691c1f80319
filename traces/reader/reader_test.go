package reader

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/kthread-tla/tracecheck/internal/layouts"
	"github.com/kthread-tla/tracecheck/traces"
	"github.com/kthread-tla/tracecheck/traces/internal/skim"
	"github.com/kthread-tla/tracecheck/traces/printk"
)

// read returns the events of a log, one a line.
func read(t testing.TB, r *Reader) string {
	t.Helper()
	var b strings.Builder
	for r.Scan() {
		e := r.Event()
		fmt.Fprintf(&b, "%d %v", e.Line, e.Kind)
		if e.Thread != (traces.Task{}) {
			fmt.Fprintf(&b, " %v", e.Thread)
		}
		if e.By != (traces.Task{}) {
			fmt.Fprintf(&b, " by %v", e.By)
		}
		if e.HasCode {
			fmt.Fprintf(&b, " = %d", e.Code)
		}
		if e.Kind == traces.Boot {
			fmt.Fprintf(&b, " %s", e.Kernel)
		}
		if e.Kind == traces.Loss {
			fmt.Fprintf(&b, " %d", e.Count)
		}
		b.WriteString("\n")
	}
	return b.String()
}

var readerTests = []struct {
	name, in, want string
	always         bool
	err            error
	unusable       int
}{
	{
		name: "messages count from the begin line on",
		in:   "[    1.000000] func t1\n[    2.000000] Thread Creating...\n[    3.000000] func t1\n",
		want: "2 begin\n3 enter t1\n",
	},
	{
		name: "or everywhere, when asked for", always: true,
		in:   "[    1.000000] func t1\n",
		want: "1 enter t1\n",
	},
	{
		name: "another boot ends the set",
		in:   "[    1.000000] Thread Creating...\n[    0.000000] Linux version 6.1.0-18-amd64 (debian) #1\n[    3.000000] func t1\n",
		want: "1 begin\n2 boot 6.1.0-18-amd64\n",
	},
	{
		name: "lines that are no kernel log lines are no evidence", always: true,
		in:   "func t1\n[  OK  ] Stopped t1\n         Stopping t1\n[ 1.0] func t1\n[1.000000 func t1\n[]\n[\n\n1.000000]func t1\n[    1.000000] func t2\n",
		want: "10 enter t2\n",
	},
	{
		name: "a paste may lack its first bracket, a log in its middle may not", always: true, unusable: 1,
		in:   "1.000000] func t1\n[    1.000000] func t2\n1.000000] func t3\n",
		want: "1 enter t1\n2 enter t2\n3 loss 0\n",
	},
	{
		name: "somebody else's words are no evidence", always: true,
		in:   "[    1.000000] systemd[1]: Stopping t1\n[    1.000000] xfunc t1\n[    1.000000] func \n[    1.000000] t1 stopped, exit code\n[    1.000000]  stopped\n[    1.000000] func t2\n",
		want: "6 enter t2\n",
	},
	{
		name: "names may hold blanks and more", always: true,
		in:   "[    1.000000] func kt [b](c)\n[    1.000000] Stopping a stopped\n[    1.000000] a stopped stopped\n[    1.000000] x stopped, exit code -4 stopped, exit code 7\n",
		want: "1 enter kt [b](c)\n2 stop-call a stopped\n3 stop-return a stopped\n4 stop-return x stopped, exit code -4 = 7\n",
	},
	{
		name: "the pattern with the most literal text wins", always: true,
		in:   "[    1.000000] func t1 return\n[    1.000000] func t1 return -5\n[    1.000000] func t1 returns\n",
		want: "1 return t1\n2 return t1 = -5\n3 enter t1 returns\n",
	},
	{
		name: "an exit code is a 32-bit number", always: true, unusable: 1,
		in:   "[    1.000000] t1 stopped, exit code 2147483648\n[    1.000000] t1 stopped, exit code -2147483648\n[    1.000000] t1 stopped, exit code 0xfffffffc\n",
		want: "1 stop-return t1\n2 stop-return t1 = -2147483648\n3 stop-return t1 = -4\n",
	},
	{
		name: "what is no number is not taken for one, nor for a name", always: true, unusable: 2,
		in:   "[    1.000000] t1 stopped, exit code -EINTR\n[    1.000000] func t1 return 5x\n",
		want: "1 loss 0\n2 loss 0\n",
	},
	{
		name: "losses by the log's own words", always: true,
		in:   "[    1.000000] func t1\n** 12 printk messages dropped **\n[    1.000000] ** 3 printk messages dropped **\n[    1.000000] foo: 5 callbacks suppressed\n[    1.000000] ** x printk messages dropped **\n",
		want: "1 enter t1\n2 loss 12\n3 loss 3\n4 loss 5\n",
	},
	{
		name: "another boot by the journal's id", always: true,
		in: j(`"MESSAGE":"func t1","_BOOT_ID":"a"`) + j(`"MESSAGE":"x","_BOOT_ID":"a"`) + j(`"MESSAGE":"func t2","_BOOT_ID":"b"`) +
			j(`"MESSAGE":"y","_TRANSPORT":"syslog","_BOOT_ID":"c"`) + j(`"MESSAGE":"func t3","_BOOT_ID":"c"`),
		want: "1 enter t1\n3 boot \n3 enter t2\n4 boot \n5 enter t3\n",
	},
	{
		name: "another boot by journalctl's line", always: true,
		in:   "-- Journal begins at Sat. --\nNov 21 18:06:59 h kernel: func t1\n-- Reboot --\nNov 21 18:06:59 h kernel: func t1\n",
		want: "2 enter t1\n3 boot \n4 enter t1\n",
	},
	{
		name: "a mail's long lines may have been cut", always: true, unusable: 1,
		in:   "> [    1.000000] func t1\n> [    1.000000] func t1 of a name that is long, and longer, and longer\n",
		want: "1 enter t1\n2 loss 0\n",
	},
	{
		name: "a message's further lines are none of the set's", always: true, unusable: 1,
		in:   "[    1.000000] func t1\n               func t2\n               other\n",
		want: "1 enter t1\n2 loss 0\n",
	},
	{
		name: "a long line of another program is no loss", always: true, unusable: 3,
		in: j(`"MESSAGE":"func t1"`) + `{"_TRANSPORT":"stdout","MESSAGE":"` + strings.Repeat("x", skim.MaxLine) + "\"}\n" +
			`{"MESSAGE":"` + strings.Repeat("x", skim.MaxLine) + `","_TRANSPORT":"kernel"}` + "\n" + `{"_BOOT_ID":"x","A":"` + strings.Repeat("x", skim.MaxLine) + `"}` + "\n",
		want: "1 enter t1\n4 loss 0\n",
	},
	{
		name: "losses by other words", always: true,
		in:   "[    1.000000] printk: 7 messages suppressed.\n** replaying previous printk message **\n[    1.000000] printk: console [tty0] enabled\n",
		want: "1 loss 7\n2 loss 0\n",
	},
	{
		name: "a log in reverse order says nothing", always: true, unusable: 2,
		in:   "[    1.000005] t1 stopped\n[    1.000004] x\n[    1.000003] y\n[    1.000002] func t1 return\n[    1.000001] func t1\n",
		want: "1 stop-return t1\n4 loss 0\n5 loss 0\n",
	},
	{
		name: "reports of a task's death", always: true,
		in:   "[    1.000000] BUG: kernel NULL pointer dereference, address: 8\n[    1.000000] Unable to handle kernel paging request\n[    1.000000] DEBUG: fine\n",
		want: "1 crash\n2 crash\n",
	},
	{
		name: "other texts that mean a death or a loss", always: true,
		in:   "[    1.000000] Kernel bug detected[#1]:\n[    1.000000] Lost 3 message(s)!\n[    1.000000] Lost it\n",
		want: "1 crash\n2 loss 3\n",
	},
	{
		name: "a message behind a prompt, or behind another one, is a loss", always: true, unusable: 2,
		in:   "root@box:~# [    1.000003] func t1\n[    1.000000] t1 stopped[    0.000000] Linux version 5.4\n[    1.000003] func t2\n",
		want: "1 loss 0\n2 loss 0\n3 enter t2\n",
	},
	{
		name: "stamps may run backwards a little, not by seconds", always: true, unusable: 1,
		in:   "[    3.000000] func t1\n[    2.500000] func t2\n[    1.000000] func t3\n",
		want: "1 enter t1\n2 enter t2\n3 loss 0\n3 enter t3\n",
	},
	{
		name: "blanks at the end of a message do not matter", always: true,
		in:   "[    1.000000] func t1 \n",
		want: "1 enter t1\n",
	},
	{
		name: "the last line without its end proves nothing", always: true, unusable: 1,
		in:   "[    1.000000] func t1\n[    1.000000] func t2",
		want: "1 enter t1\n",
	},
	{
		name: "a Windows line end is a line end", always: true,
		in:   "[    1.000000] func t1\r\n",
		want: "1 enter t1\n",
	},
	{
		name: "a line that is too long does not hide the next one", always: true, unusable: 1,
		in:   "[    1.000000] " + strings.Repeat("x", 3*skim.MaxLine) + "\n[    1.000000] func t2\n",
		want: "1 loss 0\n2 enter t2\n",
	},
	{
		name: "nor does what comes behind its first part count", always: true, unusable: 1,
		in:   "[    1.000000] " + strings.Repeat("x", skim.MaxLine-15) + "[    1.000000] func t1\n[    1.000000] func t2\n",
		want: "1 loss 0\n2 enter t2\n",
	},
	{
		name: "NUL bytes in the middle spoil their line only", always: true, unusable: 1,
		in:   "[    1.000000] func t1\n[    1.000000] func t2\x00\n[    1.000000] func t3\n",
		want: "1 enter t1\n2 loss 0\n3 enter t3\n",
	},
	{name: "an empty file", in: "", err: ErrEmpty},
	{name: "a binary file", in: "\x7fELF\x00\x00\n[    1.000000] func t1\n", err: ErrBinary},
	{name: "a file of something else", in: "Dear all,\nit hangs.\n", err: ErrUnknown},
	{name: "a log without a begin line", in: "[    1.000000] func t1\n", want: ""},
}

func TestReader(t *testing.T) {
	for _, tt := range readerTests {
		t.Run(tt.name, func(t *testing.T) {
			r := New(strings.NewReader(tt.in), Options{Patterns: printk.Builtin("story"), Always: tt.always})
			if got := read(t, r); got != tt.want {
				t.Errorf("events:\n%swant:\n%s", got, tt.want)
			}
			if r.Err() != tt.err {
				t.Errorf("error %v, want %v", r.Err(), tt.err)
			}
			if s := r.Stats(); s.Unusable != tt.unusable {
				t.Errorf("%d lines could not be used, want %d: %v", s.Unusable, tt.unusable, s.Diagnostics)
			}
		})
	}
}

func TestReaderPassesOnReadErrors(t *testing.T) {
	bad := errors.New("disk on fire")
	r := New(io.MultiReader(strings.NewReader("[    1.000000] func t1\n"), iotest.ErrReader(bad)), Options{Patterns: printk.Builtin("story"), Always: true})
	if got := read(t, r); got != "1 enter t1\n" {
		t.Errorf("events: %s", got)
	}
	if r.Err() != bad {
		t.Errorf("error %v, want %v", r.Err(), bad)
	}
}

func TestPatternPlaceholders(t *testing.T) {
	pats, err := printk.Parse("p", strings.NewReader(`
# a comment
begin        drv: loaded {*}
create       drv: {thread}/{pid} made by {by}
stop-return  {by}: {*}stop({thread}) = {code}
exit         drv: pid {pid} leaves with {code}
`))
	if err != nil {
		t.Fatal(err)
	}
	in := `drv: loaded v1
drv: w0/17 made by modprobe
modprobe: kthread_stop(w0) = -12
drv: pid 17 leaves with 3
drv: pid x17 leaves with 3
drv: pid 18 leaves
drv: pid 99999999999 leaves with 3
a: b: stop(w0) = 0
a stop(b) = stop(c) = 1
`
	var log strings.Builder
	for line := range strings.Lines(in) {
		log.WriteString("[    1.000000] " + line)
	}
	r := New(strings.NewReader(log.String()), Options{Patterns: pats})
	got := read(t, r)
	want := `1 begin
2 create w0[17] by modprobe
3 stop-return w0 by modprobe = -12
4 exit pid 17 = 3
5 loss 0
7 loss 0
8 loss 0
`
	if got != want {
		t.Errorf("got:\n%swant:\n%s", got, want)
	}
	// "a: b: stop(w0)" names its caller in two ways, and is left out.
	if s := r.Stats(); s.Unusable != 3 {
		t.Errorf("diagnostics: %v", s.Diagnostics)
	}
}

// A message that two patterns match equally well is left out.
func TestTiesOfOneMessageAreLeftOut(t *testing.T) {
	pats, err := printk.Parse("p", strings.NewReader("create {by} made {thread}\nwake {by} woke {thread}\n"))
	if err != nil {
		t.Fatal(err)
	}
	r := New(strings.NewReader("[    1.000000] a made b\n[    1.000000] a made b woke c\n"), Options{Patterns: pats, Always: true})
	if got := read(t, r); got != "1 create b by a\n2 loss 0\n" || r.Stats().Unusable != 1 {
		t.Errorf("events %q, %d unusable", got, r.Stats().Unusable)
	}
}

// A message that can be read in very many ways does not hang the reader.
func TestManyReadingsAreGivenUp(t *testing.T) {
	pats, err := printk.Parse("p", strings.NewReader("enter {*}a{*}a{*}a{*}a{thread}x\n"))
	if err != nil {
		t.Fatal(err)
	}
	r := New(strings.NewReader("[    1.000000] "+strings.Repeat("a", 60000)+"x\n"), Options{Patterns: pats, Always: true})
	if got := read(t, r); got != "1 loss 0\n" || r.Stats().Unusable != 1 {
		t.Errorf("events %q, %d unusable", got, r.Stats().Unusable)
	}
}

// Irrelevant lines cost no allocation.
func TestIrrelevantLinesDoNotAllocate(t *testing.T) {
	line := "[   12.345678] usb 1-1: stopped being a func of anything, exit code none\n"
	r := New(iotest.DataErrReader(strings.NewReader(strings.Repeat(line, 20000))), Options{Patterns: printk.Builtin("story"), Always: true})
	if n := testing.AllocsPerRun(1, func() {
		for r.Scan() {
		}
	}); n > 10 {
		t.Errorf("%v allocations for 20000 irrelevant lines", n)
	}
	if r.Stats().Lines < 10000 {
		t.Errorf("only %d lines read", r.Stats().Lines)
	}
}

// Whatever the bytes, the reader ends, and what it says is about lines that are
// there, in their order. Of a file that is cut it says the same as far as it goes.
func FuzzReader(f *testing.F) {
	for _, l := range layouts.All {
		f.Add(l.Render([]layouts.Message{{Micros: 1000000, Text: "Thread Creating..."}, {Micros: 1000001, Text: "func t1"}, {Micros: 1000002, Text: "a\nb"}}), true, 50)
	}
	f.Add([]byte("** 12 printk messages dropped **\n[    1.000000] BUG: x\n"), false, 3)
	f.Add([]byte("\x00\n"), false, 1)
	f.Add([]byte("[    1.000000] t stopped, exit code 99999999999999999999\n["), true, 70)
	f.Fuzz(func(t *testing.T, data []byte, always bool, cut int) {
		r := New(bytes.NewReader(data), Options{Patterns: printk.Builtin("story"), Always: always})
		last, events := 0, 0
		for r.Scan() {
			e := r.Event()
			if e.Line < last || e.Line > r.Stats().Lines || e.Before > e.Line {
				t.Fatalf("event at line %d after one at line %d, of %d", e.Line, last, r.Stats().Lines)
			}
			last = e.Line
			switch e.Kind {
			case traces.Begin, traces.Boot, traces.Loss, traces.Crash:
			default:
				events++
				if e.Thread == (traces.Task{}) {
					t.Fatalf("line %d: %v of no thread", e.Line, e.Kind)
				}
			}
		}
		s := r.Stats()
		if events != s.Events {
			t.Fatalf("%d events, counted %d", events, s.Events)
		}
		lines := bytes.Count(data, []byte("\n"))
		if len(data) > 0 && data[len(data)-1] != '\n' {
			lines++
		}
		// What is compressed has other lines, and of a document of dmesg's the
		// records may count.
		if (r.Err() == nil || r.Err() == ErrUnknown) && s.Lines != lines && r.plainText() && !strings.Contains(r.Format(), "dmesg-json") {
			t.Fatalf("%d lines, counted %d", lines, s.Lines)
		}
		for _, format := range []string{"", "bare", "kmsg"} {
			whole, _ := messagesOf(t, data, format)
			part, r := messagesOf(t, data[:min(uint(cut), uint(len(data)))], format)
			if format == "" && r.Format() == "bare" {
				continue // a report that somebody has pasted, as no line says otherwise: one that is cut off may
			}
			if !isPrefix(part.list, whole.list) {
				t.Fatalf("cut at %d: %q, whole: %q", cut, part.list, whole.list)
			}
		}
	})
}

// plainText: the input was not compressed.
func (r *Reader) plainText() bool {
	if r.blocks == nil {
		return true
	}
	_, packed := r.blocks.in.(*packed)
	return !packed
}
