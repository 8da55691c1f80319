package reader

import (
	"bytes"
	"slices"
	"strings"
	"testing"

	"github.com/kthread-tla/tracecheck/internal/layouts"
	"github.com/kthread-tla/tracecheck/traces"
	"github.com/kthread-tla/tracecheck/traces/printk"
)

// said is a message as a recorder has seen it.
type said struct {
	Line  int
	Stamp int64
	Text  string // the whole of it, further lines as well
}

// A recorder keeps all messages that a klog.Log has found.
type recorder struct {
	list     []said
	unusable int
}

func (r *recorder) add(kind rune, line int, stamp int64, text []byte) {
	switch kind {
	case 'm':
		r.list = append(r.list, said{line, stamp, string(text)})
	case 'f':
		if n := len(r.list) - 1; n >= 0 {
			r.list[n].Text += "\n" + string(text)
		}
	case 'u':
		r.unusable++
	}
}

// messagesOf reads a log. format is the only one to be read, or empty.
func messagesOf(t testing.TB, log []byte, format string) (*recorder, *Reader) {
	t.Helper()
	r := New(bytes.NewReader(log), Options{Format: format})
	rec := &recorder{}
	r.opts.testHook = rec.add
	for r.Scan() {
	}
	return rec, r
}

// What dmesg and rsyslog escape is as it was printed, and a message of several
// lines is several.
func TestEscapes(t *testing.T) {
	for _, test := range []struct{ name, in, want string }{
		{"rsyslog", "Nov 21 18:06:59 host kernel: [   30.363151] a#011b#012  c #177-Ubuntu #123 #01\n", "a\tb\n  c #177-Ubuntu #123 #01"},
		{"rsyslog, colours", "2026-11-21T18:06:59.363151+00:00 host kernel: [   30.363151] #033[1mfunc#033[0m t1#015\n", "func t1"},
		{"rsyslog, RFC 5424", "<6>1 2026-11-21T18:06:59.363151+00:00 host kernel - - - [   30.363151] a#012b\n", "a\nb"},
		{"a console through ts", "Nov 21 18:06:59 [   30.363151] a#012b\n", "a#012b"},
		{"dmesg", "[   30.363151] fünc \\xc3\\xbc \\x41 \\x0a \\xz1 \\\\ \\x1\n", "fünc ü \\x41 \\x0a \\xz1 \\\\ \\x1"},
		{"dmesg, a second line", "[   30.363151] a\\x07\n               b\\xff\n[   30.363152] c\n", "a\a\nb\xff|c"},
		{"dmesg -T", "[Sat Nov 21 18:06:58 2026] func \\x1b[31mt1\\x1b[0m\n", "func t1"},
		{"kmsg decodes its own", "6,944,394152262,-;a \\x5cxc3 \\xc3\\xa9\n", "a \\xc3 é"},
		{"dmesg, shown by the journal", "[   30.363151] host kernel: a \\xc3#012\n", "a \\xc3#012"},
	} {
		got, _ := messagesOf(t, []byte(test.in), "")
		var texts []string
		for _, m := range got.list {
			texts = append(texts, m.Text)
		}
		if text := strings.Join(texts, "|"); text != test.want {
			t.Errorf("%s: %q, want %q", test.name, text, test.want)
		}
	}
}

// A stack that a syslog daemon has put on one line is read; a pattern's message
// with another letter than ASCII's is found, in blocks too.
func TestEscapedEvidence(t *testing.T) {
	in := "Nov 21 18:06:59 host kernel: [  240.000001] INFO: task kt_deaf:596 blocked for more than 120 seconds.#012      Not tainted 6.1.0 #1#012task:kt_deaf state:D stack:0 pid:596 ppid:2 flags:0x4000#012Call Trace:#012 <TASK>#012 __schedule+0x2d1/0x870#012 schedule+0x5d/0xe0#012 kthread+0xe9/0x110#012 </TASK>\n"
	r := New(strings.NewReader(in), Options{})
	var stacks []string
	for r.Scan() {
		if e := r.Event(); e.Kind == traces.KernelReport {
			stacks = append(stacks, e.Stack.Task.String(), e.Stack.Frames[len(e.Stack.Frames)-1].Func)
		}
	}
	if want := []string{"kt_deaf[596]", "kthread"}; !slices.Equal(stacks, want) {
		t.Errorf("stacks %q, want %q", stacks, want)
	}
	pats, err := printk.Parse("p", strings.NewReader("enter fünc {thread}\n"))
	if err != nil {
		t.Fatal(err)
	}
	for _, blocks := range []bool{false, true} {
		r := New(strings.NewReader("[   30.363151] usb 1-1: new\n[   30.363152] f\\xc3\\xbcnc t\\xc3\\xa9\n"),
			Options{Patterns: pats, Always: true, Follow: !blocks, Interest: traces.NewInterest()})
		names := ""
		for r.Scan() {
			names += r.Event().Kind.String() + " " + r.Event().Thread.Comm
		}
		r.Close()
		if names != "enter té" {
			t.Errorf("blocks %v: %q", blocks, names)
		}
	}
}

// The messages of a log, whatever its layout, are those that were printed.
func TestEveryLayoutReadsBack(t *testing.T) {
	list := []layouts.Message{
		{Micros: 0, Text: "m: first of all"},
		{Micros: 30363151, Text: "m: Thread Creating..."},
		{Micros: 30363152, Text: "usb 1-1: New device: \"it's\" a \\ {thing} [b](c)"},
		{Micros: 30363152, Text: "func t1"},
		{Micros: 30363150, Text: "t2 stopped, exit code -4"},
		{Micros: 30363170, Text: " <TASK>"},
		{Micros: 30363171, Text: "  ? __pfx_kthread+0x10/0x10 [ktlab]"},
		{Micros: 30363172, Text: "m: two\nlines of it\n  and a third"},
		{Micros: 30363173, Text: "Ünïcode: naïve → 𝄞"},
		{Micros: 30363174, Text: "systemd[1]: Stopping t1"},
		{Micros: 100000000001, Text: "m: kernel: x: [ not a stamp"},
		{Micros: 100000000002, Text: "Linux version 6.1.0-18-amd64 (a@b) #1"},
	}
	for _, l := range layouts.All {
		t.Run(l.Name, func(t *testing.T) {
			var in []layouts.Message
			for _, p := range list {
				if !l.OneLine || !strings.Contains(p.Text, "\n") {
					in = append(in, p)
				}
			}
			log := l.Render(in)
			got, r := messagesOf(t, log, l.Only())
			if r.Err() != nil || r.Format() != l.Format {
				t.Errorf("format %q, want %q; error %v", r.Format(), l.Format, r.Err())
			}
			if s := r.Stats(); s.Unusable > 0 || s.Lost > 0 {
				t.Errorf("lost %d; diagnostics %v", s.Lost, s.Diagnostics)
			}
			compare(t, &l, in, got.list)
			if t.Failed() {
				t.Logf("%s", log)
			}
			// Asked for by its name, it is read in the same way.
			if asked, _ := messagesOf(t, log, l.Format); !slices.Equal(asked.list, got.list) {
				t.Errorf("asked for: %v\nelse: %v", asked.list, got.list)
			}
			if l.Close != "" || strings.HasPrefix(l.Name, "mail") {
				return
			}
			// So it is with the line ends of Windows, where lines are all there is.
			if l.Format != "journal-export" {
				got, _ := messagesOf(t, bytes.ReplaceAll(log, []byte("\n"), []byte("\r\n")), l.Only())
				compare(t, &l, in, got.list)
			}
		})
	}
}

func compare(t *testing.T, l *layouts.Layout, want []layouts.Message, got []said) {
	t.Helper()
	line := 0
	for i := range max(len(want), len(got)) {
		switch {
		case i >= len(want):
			t.Errorf("also %q", got[i].Text)
		case i >= len(got):
			t.Errorf("not read: %q", want[i].Text)
		case got[i].Text != want[i].Text:
			t.Errorf("message %d: %q, want %q", i, got[i].Text, want[i].Text)
		case l.Stamped && got[i].Stamp != want[i].Micros || !l.Stamped && got[i].Stamp != -1:
			t.Errorf("message %d: stamp %d, want %d, or %d without", i, got[i].Stamp, want[i].Micros, -1)
		case got[i].Line <= line:
			t.Errorf("message %d: line %d after %d", i, got[i].Line, line)
		}
		if i < len(got) {
			line = got[i].Line
		}
	}
}

// isPrefix says whether part is the first records of whole. Its last may lack
// further lines.
func isPrefix(part, whole []said) bool {
	n := len(part)
	if n == 0 || n > len(whole) {
		return n == 0
	}
	last, full := part[n-1], whole[n-1]
	return slices.Equal(part[:n-1], whole[:n-1]) && last.Line == full.Line && last.Stamp == full.Stamp &&
		(last.Text == full.Text || strings.HasPrefix(full.Text, last.Text+"\n"))
}

// A file that is cut, at whatever byte, holds no other messages than the whole:
// all of its records but the last are the same.
func TestEveryCutIsAPrefix(t *testing.T) {
	list := []layouts.Message{{Micros: 1000001, Text: "m: one"}, {Micros: 1000002, Text: "m: func t1 return 17"}, {Micros: 1000003, Text: "m: é \"x\" \\"}, {Micros: 1000004, Text: "m: last"}}
	for _, l := range layouts.All {
		t.Run(l.Name, func(t *testing.T) {
			log := l.Render(list)
			whole, _ := messagesOf(t, log, l.Only())
			for cut := range log {
				got, _ := messagesOf(t, log[:cut], l.Only())
				if !isPrefix(got.list, whole.list) {
					t.Fatalf("cut at %d of %d: %v", cut, len(log), got.list)
				}
			}
		})
	}
}

// Whatever is printed, in each layout it reads back, and a cut file holds no
// other messages.
func FuzzLayouts(f *testing.F) {
	for i := range layouts.All {
		f.Add(uint8(i), "func t1 return 5\nStopping [    1.000000] t2\x00\\x41 \"é\"\xff kernel: x", uint32(30363151), 100)
	}
	f.Fuzz(func(t *testing.T, which uint8, texts string, micros uint32, cut int) {
		l := &layouts.All[int(which)%len(layouts.All)]
		var in []layouts.Message
		// What reads as an escape is decoded: a log that holds such words itself
		// cannot be told from one that is escaped.
		texts = strings.NewReplacer("\\x", "\\y", "#0", "#9").Replace(texts)
		for i, text := range strings.Split(texts, "\x00") {
			if i == 50 {
				break
			}
			var lines []string
			for _, line := range strings.Split("m: "+text, "\n") {
				line = strings.TrimRight(strings.Map(func(r rune) rune {
					if r < ' ' || r == 0x7f {
						return '?'
					}
					return r
				}, line[:min(len(line), 900)]), " ")
				if line != "" {
					lines = append(lines, line)
				}
			}
			if l.OneLine {
				lines = lines[:1]
			}
			in = append(in, layouts.Message{Micros: int64(micros) + int64(i), Text: strings.Join(lines, "\n")})
		}
		log := l.Render(in)
		got, r := messagesOf(t, log, l.Only())
		compare(t, l, in, got.list)
		if r.Format() != l.Format || r.Err() != nil {
			t.Errorf("format %q, want %q; error %v", r.Format(), l.Format, r.Err())
		}
		part, _ := messagesOf(t, log[:min(uint(cut), uint(len(log)))], l.Only())
		if !isPrefix(part.list, got.list) {
			t.Errorf("cut at %d: %q", cut, part.list)
		}
		if t.Failed() {
			t.Logf("%s:\n%q", l.Name, log)
		}
	})
}
