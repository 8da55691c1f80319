package traces

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
)

// said is a message as a recorder has seen it.
type said struct {
	Line  int
	Stamp int64
	Text  string // the whole of it, further lines as well
}

// A recorder keeps all messages that a kernelLog has found.
type recorder struct {
	list     []said
	unusable int
}

func (r *recorder) add(c class, rec *record) {
	switch c {
	case message:
		r.list = append(r.list, said{rec.line, rec.stamp, string(rec.msg)})
	case further:
		if n := len(r.list) - 1; n >= 0 {
			r.list[n].Text += "\n" + string(rec.msg)
		}
	case unusable:
		r.unusable++
	}
}

// messagesOf reads a log. format is the only one to be read, or empty.
func messagesOf(t testing.TB, log []byte, format string) (*recorder, *Reader) {
	t.Helper()
	r := NewReader(bytes.NewReader(log), nil, false)
	if format != "" {
		if err := r.Only(format); err != nil {
			t.Fatal(err)
		}
	}
	rec := &recorder{}
	r.out.tap = rec.add
	for r.Scan() {
	}
	return rec, r
}

// printed is a message to be laid out.
type printed struct {
	micros int64
	text   string // may have several lines
}

func (p printed) secs() string { return fmt.Sprintf("%5d.%06d", p.micros/1e6, p.micros%1e6) }

// indented is a message whose further lines are indented below its first.
func indented(head, text string) string {
	return head + strings.ReplaceAll(text, "\n", "\n"+strings.Repeat(" ", len(head))) + "\n"
}

// A layout is a way in which a log comes. Formats that the reader tells apart
// by name may have several.
type layout struct {
	name    string
	format  string // what it is recognised as
	ask     bool   // has to be asked for
	stamped bool   // its records have a stamp
	oneLine bool   // of a message of several lines it holds them as messages, or not at all
	begin   string // before the first record
	print   func(n int, p printed) string
	close   string // behind the last one
}

// each is a layout of messages that stand behind something.
func each(head string, stamp bool) func(int, printed) string {
	return func(n int, p printed) string {
		h := head
		if stamp {
			h += "[" + p.secs() + "] "
		}
		return indented(h, p.text)
	}
}

var layouts = []layout{
	{name: "dmesg", format: "dmesg", stamped: true, print: each("", true)},
	{name: "dmesg-x", format: "dmesg", stamped: true, print: each("kern  :info  : ", true)},
	{name: "dmesg-r", format: "dmesg", stamped: true, print: each("<6>", true)},
	{name: "dmesg-r-t", format: "dmesg", print: each("<4>", false)},
	{name: "dmesg-x-t", format: "dmesg", print: each("kern  :notice: ", false)},
	{name: "dmesg-d", format: "dmesg", stamped: true, print: func(n int, p printed) string {
		return indented("["+p.secs()+" <    0.000857>] ", p.text)
	}},
	{name: "dmesg-ctime", format: "dmesg-ctime", print: each("[Sat Nov 21 18:06:58 2026] ", false)},
	{name: "dmesg-ctime-x", format: "dmesg-ctime", print: each("kern  :warn  : [Sat Nov  1 18:06:58 2026] ", false)},
	{name: "dmesg-ctime-d", format: "dmesg-ctime", print: each("[Sat Nov 21 18:06:58 2026 <    0.000857>] ", false)},
	{name: "dmesg-ctime-de", format: "dmesg-ctime", print: each("[Sa 21. Nov 18:06:58 2026] ", false)},
	{name: "dmesg-two-times", format: "dmesg", stamped: true, print: each("[Sat Nov 21 18:06:58 2026] ", true)},
	{name: "dmesg-reltime", format: "dmesg-reltime", print: func(n int, p printed) string {
		if n%3 == 0 {
			return indented("[Nov21 18:06] ", p.text)
		}
		return indented("[  +0.000857] ", p.text)
	}},
	{name: "dmesg-iso", format: "dmesg-iso", print: each("2026-11-21T18:06:58,363151+00:00 ", false)},
	{name: "dmesg-delta", format: "dmesg-delta", print: each("[<    0.000857>] ", false)},
	{name: "dmesg-t", format: "bare", ask: true, oneLine: true, print: each("", false)},
	{name: "dmesg-colour", format: "dmesg", stamped: true, oneLine: true, print: func(n int, p printed) string {
		text := p.text
		if rest, ok := strings.CutPrefix(text, "m: "); ok {
			text = "\x1b[33mm: \x1b[0m\x1b[31m" + rest + "\x1b[0m"
		}
		return "\x1b[32m[" + p.secs() + "] \x1b[0m" + text + "\n"
	}},
	{name: "console", format: "dmesg", stamped: true, oneLine: true, begin: "Booting...\r\n[\x1b[0;32m  OK  \x1b[0m] Started t1.\r\n         Stopping t1...\r\n",
		print: func(n int, p printed) string {
			return "[" + p.secs() + "] " + p.text + "\r\n" + "[\x1b[0;32m  OK  \x1b[0m] Stopped m: t1.\r\n"
		}},
	{name: "caller", format: "dmesg", stamped: true, print: func(n int, p printed) string {
		return indented("["+p.secs()+"]["+fmt.Sprintf("%7s", fmt.Sprintf("T%d", n+300))+"] ", p.text)
	}},
	{name: "caller-util-linux", format: "dmesg", stamped: true, print: func(n int, p printed) string {
		return indented("<6>["+p.secs()+"] [    C1] ", p.text)
	}},
	{name: "mail", format: "dmesg", stamped: true, begin: "Dear all,\n\n", print: func(n int, p printed) string {
		text := indented("["+p.secs()+"] ", p.text)
		return "> > " + strings.ReplaceAll(strings.TrimSuffix(text, "\n"), "\n", "\n> > ") + "\n"
	}},
	{name: "mail-tight", format: "dmesg", stamped: true, oneLine: true, print: each(">>", true)},
	{name: "fence", format: "dmesg", stamped: true, begin: "It hangs:\n```console\n$ dmesg\n", print: each("", true), close: "```\nAny idea?\n"},
	{name: "indented", format: "dmesg", stamped: true, begin: "    $ dmesg\n", print: each("    ", true)},
	{name: "ci", format: "syslog", stamped: true, begin: "2026-11-21T18:06:58.1234567Z ##[group]Run make\n", print: each("2026-11-21T18:06:59.1234567Z ", true)},
	{name: "kmsg", format: "kmsg", stamped: true, print: func(n int, p printed) string {
		return fmt.Sprintf("6,%d,%d,-;%s\n SUBSYSTEM=m\n DEVICE=+m:[    1.000000] m: x\n", n+700, p.micros, kmsgEscape(p.text))
	}},
	{name: "kmsg-caller", format: "kmsg", stamped: true, print: func(n int, p printed) string {
		return fmt.Sprintf("4,%d,%d,-,caller=T%d,new=1;%s\n", n, p.micros, n+1, kmsgEscape(p.text))
	}},
	{name: "journal-short", format: "syslog", print: each("Nov 21 18:06:59 lab-vm kernel: ", false), begin: "-- Journal begins at Sat 2026-11-21 18:00:00 UTC. --\n"},
	{name: "journal-short-precise", format: "syslog", print: each("Nov 21 18:06:59.363151 lab-vm kernel: ", false)},
	{name: "journal-short-iso", format: "syslog", print: each("2026-11-21T18:06:59+0100 lab-vm kernel: ", false)},
	{name: "journal-short-iso-precise", format: "syslog", print: each("2026-11-21T18:06:59.363151+01:00 lab-vm kernel: ", false)},
	{name: "journal-short-full", format: "syslog", print: each("Sat 2026-11-21 18:06:59 CET lab-vm kernel: ", false)},
	{name: "journal-short-unix", format: "syslog", print: each("1795285019.363151 lab-vm kernel: ", false)},
	{name: "journal-short-monotonic", format: "journal-monotonic", stamped: true, print: func(n int, p printed) string {
		return indented("["+p.secs()+"] lab-vm kernel: ", p.text) + "[" + p.secs() + "] lab-vm systemd[1]: m: of another\n"
	}},
	{name: "journal-cat", format: "bare", ask: true, oneLine: true, print: each("", false)},
	{name: "journal-json", format: "journal-json", stamped: true, print: func(n int, p printed) string {
		m, _ := json.Marshal(p.text)
		if n%2 == 1 || !json.Valid(m) || strings.ToValidUTF8(p.text, "") != p.text {
			m = []byte(strings.ReplaceAll(fmt.Sprint([]byte(p.text)), " ", ","))
		}
		return fmt.Sprintf(`{"__CURSOR":"s=1;i=%d","_BOOT_ID":"4796af85","MESSAGE":%s,"_TRANSPORT":"kernel","SYSLOG_FACILITY":"0","SYSLOG_IDENTIFIER":"kernel","_SOURCE_MONOTONIC_TIMESTAMP":"%d","_KERNEL_DEVICE":["a","b"]}`+"\n", n, m, p.micros)
	}},
	{name: "journal-export", format: "journal-export", stamped: true, print: func(n int, p printed) string {
		m := "MESSAGE=" + p.text + "\n"
		if n%2 == 1 || strings.ContainsAny(p.text, "\n") {
			m = "MESSAGE\n" + string(binary.LittleEndian.AppendUint64(nil, uint64(len(p.text)))) + p.text + "\n"
		}
		return fmt.Sprintf("__CURSOR=s=1;i=%d\n_BOOT_ID=4796af85\n_TRANSPORT=kernel\n%sSYSLOG_IDENTIFIER=kernel\n_SOURCE_MONOTONIC_TIMESTAMP=%d\n\n", n, m, p.micros)
	}},
	{name: "rsyslog", format: "syslog", stamped: true, print: each("2026-11-21T18:06:59.363151+00:00 lab-vm kernel: ", true)},
	{name: "rfc3164", format: "syslog", stamped: true, print: each("Nov  1 18:06:59 lab-vm kernel: ", true)},
	{name: "rfc3164-de", format: "syslog", stamped: true, print: each("Dez 21 18:06:59 lab-vm kernel: ", true)},
	{name: "rfc3164-fr", format: "syslog", stamped: true, print: each("févr. 21 18:06:59 lab-vm kernel: ", true)},
	{name: "rfc3164-ja", format: "syslog", stamped: true, print: each("12月 21 18:06:59 lab-vm kernel: ", true)},
	{name: "rfc3164-network", format: "syslog", stamped: true, print: each("<6>Nov 21 18:06:59 lab-vm kernel: ", true)},
	{name: "rfc5424", format: "rfc5424", stamped: true, oneLine: true, print: each(`<6>1 2026-11-21T18:06:59.363151+00:00 lab-vm kernel - - [a@1 b="\"]"][c] `, true)},
	{name: "busybox", format: "syslog", stamped: true, print: each("Nov 21 18:06:59 router kern.info kernel: ", true)},
	{name: "busybox-S", format: "syslog", stamped: true, print: each("Nov 21 18:06:59 kernel: ", true)},
	{name: "logread", format: "logread", stamped: true, print: each("Sat Sep  1 19:30:19 2019 kern.warn kernel: ", true)},
	{name: "logread-t", format: "logread", stamped: true, print: each("Sat Sep  1 19:30:19 2019 [1567366219.123] kern.warn kernel: ", true)},
	{name: "logcat-threadtime", format: "logcat", oneLine: true, begin: "--------- beginning of kernel\n", print: func(n int, p printed) string {
		tag, text, ok := strings.Cut(p.text, ": ")
		if !ok {
			tag, text = "", p.text
		}
		return fmt.Sprintf("11-21 18:06:59.363     0     0 I %-8s: %s\n", tag, text)
	}},
	{name: "logcat-brief", format: "logcat", oneLine: true, print: func(n int, p printed) string {
		return fmt.Sprintf("I/%-8s(%5d): %s\n", "kernel", 0, p.text)
	}},
	{name: "dmesg-json", format: "dmesg-json", stamped: true, begin: "{\n   \"dmesg\": [\n      {\n", print: func(n int, p printed) string {
		sep := "      },{\n"
		if n == 0 {
			sep = ""
		}
		return fmt.Sprintf("%s         \"pri\": 6,\n         \"time\": %12s,\n         \"msg\": \"%s\"\n", sep, p.secs(), dmesgJSONString(p.text))
	}, close: "      }\n   ]\n}\n"},
	{name: "dmesg-json-ctime", format: "dmesg-json", begin: "{\n   \"dmesg\": [\n      {\n", print: func(n int, p printed) string {
		sep := "      },{\n"
		if n == 0 {
			sep = ""
		}
		return fmt.Sprintf("%s         \"fac\": \"kern\",\n         \"pri\": \"info\",\n         \"time\": [Sat Nov 21 18:06:58 2026] ,\n         \"caller\": \"T1\",\n         \"msg\": \"%s\"\n", sep, dmesgJSONString(p.text))
	}, close: "      }\n   ]\n}\n"},
	{name: "dmesg-json-compact", format: "dmesg-json", stamped: true, begin: `{"dmesg":[`, print: func(n int, p printed) string {
		sep := ","
		if n == 0 {
			sep = ""
		}
		return fmt.Sprintf(`%s{"pri":6,"time":%s,"msg":"%s"}`, sep, strings.TrimSpace(p.secs()), dmesgJSONString(p.text))
	}, close: "]}\n"},
}

// kmsgEscape is what kernel/printk/printk.c msg_add_ext_text does.
func kmsgEscape(s string) string {
	var b strings.Builder
	for _, c := range []byte(s) {
		if c < ' ' || c >= 127 || c == '\\' {
			fmt.Fprintf(&b, `\x%02x`, c)
		} else {
			b.WriteByte(c)
		}
	}
	return b.String()
}

// dmesgJSONString is what util-linux's include/carefulputc.h does: bytes above
// ASCII are printed as they are.
func dmesgJSONString(s string) string {
	var b strings.Builder
	for _, c := range []byte(s) {
		switch {
		case c == '"' || c == '\\':
			b.WriteString(`\` + string(c))
		case c < ' ' || c == 127:
			fmt.Fprintf(&b, `\u%04x`, c)
		default:
			b.WriteByte(c)
		}
	}
	return b.String()
}

func (l *layout) render(list []printed) []byte {
	var b bytes.Buffer
	b.WriteString(l.begin)
	for n, p := range list {
		b.WriteString(l.print(n, p))
	}
	b.WriteString(l.close)
	return b.Bytes()
}

func (l *layout) only() string {
	if l.ask {
		return l.format
	}
	return ""
}

// The messages of a log, whatever its layout, are those that were printed.
func TestEveryLayoutReadsBack(t *testing.T) {
	list := []printed{
		{0, "m: first of all"},
		{30363151, "m: Thread Creating..."},
		{30363152, "usb 1-1: New device: \"it's\" a \\ {thing} [b](c)"},
		{30363152, "func t1"},
		{30363150, "t2 stopped, exit code -4"},
		{30363170, " <TASK>"},
		{30363171, "  ? __pfx_kthread+0x10/0x10 [ktlab]"},
		{30363172, "m: two\nlines of it\n  and a third"},
		{30363173, "Ünïcode: naïve → 𝄞"},
		{30363174, "systemd[1]: Stopping t1"},
		{100000000001, "m: kernel: x: [ not a stamp"},
		{100000000002, "Linux version 6.1.0-18-amd64 (a@b) #1"},
	}
	for _, l := range layouts {
		t.Run(l.name, func(t *testing.T) {
			var in []printed
			for _, p := range list {
				if !l.oneLine || !strings.Contains(p.text, "\n") {
					in = append(in, p)
				}
			}
			log := l.render(in)
			got, r := messagesOf(t, log, l.only())
			if r.Err() != nil || r.Format() != l.format {
				t.Errorf("format %q, want %q; error %v", r.Format(), l.format, r.Err())
			}
			if s := r.Stats(); s.Unusable > 0 || s.Lost > 0 {
				t.Errorf("lost %d; diagnostics %v", s.Lost, s.Diagnostics)
			}
			compare(t, &l, in, got.list)
			if t.Failed() {
				t.Logf("%s", log)
			}
			// Asked for by its name, it is read in the same way.
			if asked, _ := messagesOf(t, log, l.format); !slices.Equal(asked.list, got.list) {
				t.Errorf("asked for: %v\nelse: %v", asked.list, got.list)
			}
			if l.close != "" || strings.HasPrefix(l.name, "mail") {
				return
			}
			// So it is with the line ends of Windows, where lines are all there is.
			if l.format != "journal-export" {
				got, _ := messagesOf(t, bytes.ReplaceAll(log, []byte("\n"), []byte("\r\n")), l.only())
				compare(t, &l, in, got.list)
			}
		})
	}
}

func compare(t *testing.T, l *layout, want []printed, got []said) {
	t.Helper()
	line := 0
	for i := range max(len(want), len(got)) {
		switch {
		case i >= len(want):
			t.Errorf("also %q", got[i].Text)
		case i >= len(got):
			t.Errorf("not read: %q", want[i].text)
		case got[i].Text != want[i].text:
			t.Errorf("message %d: %q, want %q", i, got[i].Text, want[i].text)
		case l.stamped && got[i].Stamp != want[i].micros || !l.stamped && got[i].Stamp != noStamp:
			t.Errorf("message %d: stamp %d, want %d, or %d without", i, got[i].Stamp, want[i].micros, noStamp)
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
	list := []printed{{1000001, "m: one"}, {1000002, "m: func t1 return 17"}, {1000003, "m: é \"x\" \\"}, {1000004, "m: last"}}
	for _, l := range layouts {
		t.Run(l.name, func(t *testing.T) {
			log := l.render(list)
			whole, _ := messagesOf(t, log, l.only())
			for cut := range log {
				got, _ := messagesOf(t, log[:cut], l.only())
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
	for i := range layouts {
		f.Add(uint8(i), "func t1 return 5\nStopping [    1.000000] t2\x00\\x41 \"é\"\xff kernel: x", uint32(30363151), 100)
	}
	f.Fuzz(func(t *testing.T, which uint8, texts string, micros uint32, cut int) {
		l := &layouts[int(which)%len(layouts)]
		var in []printed
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
			if l.oneLine {
				lines = lines[:1]
			}
			in = append(in, printed{int64(micros) + int64(i), strings.Join(lines, "\n")})
		}
		log := l.render(in)
		got, r := messagesOf(t, log, l.only())
		compare(t, l, in, got.list)
		if r.Format() != l.format || r.Err() != nil {
			t.Errorf("format %q, want %q; error %v", r.Format(), l.format, r.Err())
		}
		part, _ := messagesOf(t, log[:min(uint(cut), uint(len(log)))], l.only())
		if !isPrefix(part.list, got.list) {
			t.Errorf("cut at %d: %q", cut, part.list)
		}
		if t.Failed() {
			t.Logf("%s:\n%q", l.name, log)
		}
	})
}
