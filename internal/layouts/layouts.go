// Package layouts lays out messages as the kernel logs that people have: what
// dmesg, journalctl, syslog daemons, consoles and mails make of them. The tests
// of the readers and of the checker use it.
package layouts

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"strings"
)

// A Message is one record of a kernel log.
type Message struct {
	Micros int64  // since boot
	Text   string // may have several lines
}

func (p Message) secs() string { return fmt.Sprintf("%5d.%06d", p.Micros/1e6, p.Micros%1e6) }

// indented is a message whose further lines are indented below its first.
func indented(head, text string) string {
	return head + strings.ReplaceAll(text, "\n", "\n"+strings.Repeat(" ", len(head))) + "\n"
}

// A Layout is a way in which a log comes. Formats that the reader tells apart
// by name may have several.
type Layout struct {
	Name    string
	Format  string // what it is recognised as
	Ask     bool   // has to be asked for
	Stamped bool   // its records have a stamp
	OneLine bool   // of a message of several lines it holds them as messages, or not at all
	Close   string // behind the last record
	begin   string // before the first record
	print   func(n int, p Message) string
}

// each is a layout of messages that stand behind something.
func each(head string, stamp bool) func(int, Message) string {
	return func(n int, p Message) string {
		h := head
		if stamp {
			h += "[" + p.secs() + "] "
		}
		return indented(h, p.Text)
	}
}

// All are the layouts.
var All = []Layout{
	{Name: "dmesg", Format: "dmesg", Stamped: true, print: each("", true)},
	{Name: "dmesg-x", Format: "dmesg", Stamped: true, print: each("kern  :info  : ", true)},
	{Name: "dmesg-r", Format: "dmesg", Stamped: true, print: each("<6>", true)},
	{Name: "dmesg-r-t", Format: "dmesg", print: each("<4>", false)},
	{Name: "dmesg-x-t", Format: "dmesg", print: each("kern  :notice: ", false)},
	{Name: "dmesg-d", Format: "dmesg", Stamped: true, print: func(n int, p Message) string {
		return indented("["+p.secs()+" <    0.000857>] ", p.Text)
	}},
	{Name: "dmesg-ctime", Format: "dmesg-ctime", print: each("[Sat Nov 21 18:06:58 2026] ", false)},
	{Name: "dmesg-ctime-x", Format: "dmesg-ctime", print: each("kern  :warn  : [Sat Nov  1 18:06:58 2026] ", false)},
	{Name: "dmesg-ctime-d", Format: "dmesg-ctime", print: each("[Sat Nov 21 18:06:58 2026 <    0.000857>] ", false)},
	{Name: "dmesg-ctime-de", Format: "dmesg-ctime", print: each("[Sa 21. Nov 18:06:58 2026] ", false)},
	{Name: "dmesg-two-times", Format: "dmesg", Stamped: true, print: each("[Sat Nov 21 18:06:58 2026] ", true)},
	{Name: "dmesg-reltime", Format: "dmesg-reltime", print: func(n int, p Message) string {
		if n%3 == 0 {
			return indented("[Nov21 18:06] ", p.Text)
		}
		return indented("[  +0.000857] ", p.Text)
	}},
	{Name: "dmesg-iso", Format: "dmesg-iso", print: each("2026-11-21T18:06:58,363151+00:00 ", false)},
	{Name: "dmesg-delta", Format: "dmesg-delta", print: each("[<    0.000857>] ", false)},
	{Name: "dmesg-t", Format: "bare", Ask: true, OneLine: true, print: each("", false)},
	{Name: "dmesg-colour", Format: "dmesg", Stamped: true, OneLine: true, print: func(n int, p Message) string {
		text := p.Text
		if rest, ok := strings.CutPrefix(text, "m: "); ok {
			text = "\x1b[33mm: \x1b[0m\x1b[31m" + rest + "\x1b[0m"
		}
		return "\x1b[32m[" + p.secs() + "] \x1b[0m" + text + "\n"
	}},
	{Name: "console", Format: "dmesg", Stamped: true, OneLine: true, begin: "Booting...\r\n[\x1b[0;32m  OK  \x1b[0m] Started t1.\r\n         Stopping t1...\r\n",
		print: func(n int, p Message) string {
			return "[" + p.secs() + "] " + p.Text + "\r\n" + "[\x1b[0;32m  OK  \x1b[0m] Stopped m: t1.\r\n"
		}},
	{Name: "caller", Format: "dmesg", Stamped: true, print: func(n int, p Message) string {
		return indented("["+p.secs()+"]["+fmt.Sprintf("%7s", fmt.Sprintf("T%d", n+300))+"] ", p.Text)
	}},
	{Name: "caller-util-linux", Format: "dmesg", Stamped: true, print: func(n int, p Message) string {
		return indented("<6>["+p.secs()+"] [    C1] ", p.Text)
	}},
	{Name: "mail", Format: "dmesg", Stamped: true, begin: "Dear all,\n\n", print: func(n int, p Message) string {
		text := indented("["+p.secs()+"] ", p.Text)
		return "> > " + strings.ReplaceAll(strings.TrimSuffix(text, "\n"), "\n", "\n> > ") + "\n"
	}},
	{Name: "mail-tight", Format: "dmesg", Stamped: true, OneLine: true, print: each(">>", true)},
	{Name: "fence", Format: "dmesg", Stamped: true, begin: "It hangs:\n```console\n$ dmesg\n", print: each("", true), Close: "```\nAny idea?\n"},
	{Name: "indented", Format: "dmesg", Stamped: true, begin: "    $ dmesg\n", print: each("    ", true)},
	{Name: "ci", Format: "syslog", Stamped: true, begin: "2026-11-21T18:06:58.1234567Z ##[group]Run make\n", print: each("2026-11-21T18:06:59.1234567Z ", true)},
	{Name: "kmsg", Format: "kmsg", Stamped: true, print: func(n int, p Message) string {
		return fmt.Sprintf("6,%d,%d,-;%s\n SUBSYSTEM=m\n DEVICE=+m:[    1.000000] m: x\n", n+700, p.Micros, kmsgEscape(p.Text))
	}},
	{Name: "kmsg-caller", Format: "kmsg", Stamped: true, print: func(n int, p Message) string {
		return fmt.Sprintf("4,%d,%d,-,caller=T%d,new=1;%s\n", n, p.Micros, n+1, kmsgEscape(p.Text))
	}},
	{Name: "journal-short", Format: "syslog", print: each("Nov 21 18:06:59 lab-vm kernel: ", false), begin: "-- Journal begins at Sat 2026-11-21 18:00:00 UTC. --\n"},
	{Name: "journal-short-precise", Format: "syslog", print: each("Nov 21 18:06:59.363151 lab-vm kernel: ", false)},
	{Name: "journal-short-iso", Format: "syslog", print: each("2026-11-21T18:06:59+0100 lab-vm kernel: ", false)},
	{Name: "journal-short-iso-precise", Format: "syslog", print: each("2026-11-21T18:06:59.363151+01:00 lab-vm kernel: ", false)},
	{Name: "journal-short-full", Format: "syslog", print: each("Sat 2026-11-21 18:06:59 CET lab-vm kernel: ", false)},
	{Name: "journal-short-unix", Format: "syslog", print: each("1795285019.363151 lab-vm kernel: ", false)},
	{Name: "journal-short-monotonic", Format: "journal-monotonic", Stamped: true, print: func(n int, p Message) string {
		return indented("["+p.secs()+"] lab-vm kernel: ", p.Text) + "[" + p.secs() + "] lab-vm systemd[1]: m: of another\n"
	}},
	{Name: "journal-cat", Format: "bare", Ask: true, OneLine: true, print: each("", false)},
	{Name: "journal-json", Format: "journal-json", Stamped: true, print: func(n int, p Message) string {
		m, _ := json.Marshal(p.Text)
		if n%2 == 1 || !json.Valid(m) || strings.ToValidUTF8(p.Text, "") != p.Text {
			m = []byte(strings.ReplaceAll(fmt.Sprint([]byte(p.Text)), " ", ","))
		}
		return fmt.Sprintf(`{"__CURSOR":"s=1;i=%d","_BOOT_ID":"4796af85","MESSAGE":%s,"_TRANSPORT":"kernel","SYSLOG_FACILITY":"0","SYSLOG_IDENTIFIER":"kernel","_SOURCE_MONOTONIC_TIMESTAMP":"%d","_KERNEL_DEVICE":["a","b"]}`+"\n", n, m, p.Micros)
	}},
	{Name: "journal-export", Format: "journal-export", Stamped: true, print: func(n int, p Message) string {
		m := "MESSAGE=" + p.Text + "\n"
		if n%2 == 1 || strings.ContainsAny(p.Text, "\n") {
			m = "MESSAGE\n" + string(binary.LittleEndian.AppendUint64(nil, uint64(len(p.Text)))) + p.Text + "\n"
		}
		return fmt.Sprintf("__CURSOR=s=1;i=%d\n_BOOT_ID=4796af85\n_TRANSPORT=kernel\n%sSYSLOG_IDENTIFIER=kernel\n_SOURCE_MONOTONIC_TIMESTAMP=%d\n\n", n, m, p.Micros)
	}},
	{Name: "rsyslog", Format: "syslog", Stamped: true, print: each("2026-11-21T18:06:59.363151+00:00 lab-vm kernel: ", true)},
	{Name: "rfc3164", Format: "syslog", Stamped: true, print: each("Nov  1 18:06:59 lab-vm kernel: ", true)},
	{Name: "rfc3164-de", Format: "syslog", Stamped: true, print: each("Dez 21 18:06:59 lab-vm kernel: ", true)},
	{Name: "rfc3164-fr", Format: "syslog", Stamped: true, print: each("févr. 21 18:06:59 lab-vm kernel: ", true)},
	{Name: "rfc3164-ja", Format: "syslog", Stamped: true, print: each("12月 21 18:06:59 lab-vm kernel: ", true)},
	{Name: "rfc3164-network", Format: "syslog", Stamped: true, print: each("<6>Nov 21 18:06:59 lab-vm kernel: ", true)},
	{Name: "rfc5424", Format: "rfc5424", Stamped: true, OneLine: true, print: each(`<6>1 2026-11-21T18:06:59.363151+00:00 lab-vm kernel - - [a@1 b="\"]"][c] `, true)},
	{Name: "busybox", Format: "syslog", Stamped: true, print: each("Nov 21 18:06:59 router kern.info kernel: ", true)},
	{Name: "busybox-S", Format: "syslog", Stamped: true, print: each("Nov 21 18:06:59 kernel: ", true)},
	{Name: "logread", Format: "logread", Stamped: true, print: each("Sat Sep  1 19:30:19 2019 kern.warn kernel: ", true)},
	{Name: "logread-t", Format: "logread", Stamped: true, print: each("Sat Sep  1 19:30:19 2019 [1567366219.123] kern.warn kernel: ", true)},
	{Name: "logcat-threadtime", Format: "logcat", OneLine: true, begin: "--------- beginning of kernel\n", print: func(n int, p Message) string {
		tag, text, ok := strings.Cut(p.Text, ": ")
		if !ok {
			tag, text = "", p.Text
		}
		return fmt.Sprintf("11-21 18:06:59.363     0     0 I %-8s: %s\n", tag, text)
	}},
	{Name: "logcat-brief", Format: "logcat", OneLine: true, print: func(n int, p Message) string {
		return fmt.Sprintf("I/%-8s(%5d): %s\n", "kernel", 0, p.Text)
	}},
	{Name: "dmesg-json", Format: "dmesg-json", Stamped: true, begin: "{\n   \"dmesg\": [\n      {\n", print: func(n int, p Message) string {
		sep := "      },{\n"
		if n == 0 {
			sep = ""
		}
		return fmt.Sprintf("%s         \"pri\": 6,\n         \"time\": %12s,\n         \"msg\": \"%s\"\n", sep, p.secs(), dmesgJSONString(p.Text))
	}, Close: "      }\n   ]\n}\n"},
	{Name: "dmesg-json-ctime", Format: "dmesg-json", begin: "{\n   \"dmesg\": [\n      {\n", print: func(n int, p Message) string {
		sep := "      },{\n"
		if n == 0 {
			sep = ""
		}
		return fmt.Sprintf("%s         \"fac\": \"kern\",\n         \"pri\": \"info\",\n         \"time\": [Sat Nov 21 18:06:58 2026] ,\n         \"caller\": \"T1\",\n         \"msg\": \"%s\"\n", sep, dmesgJSONString(p.Text))
	}, Close: "      }\n   ]\n}\n"},
	{Name: "dmesg-json-compact", Format: "dmesg-json", Stamped: true, begin: `{"dmesg":[`, print: func(n int, p Message) string {
		sep := ","
		if n == 0 {
			sep = ""
		}
		return fmt.Sprintf(`%s{"pri":6,"time":%s,"msg":"%s"}`, sep, strings.TrimSpace(p.secs()), dmesgJSONString(p.Text))
	}, Close: "]}\n"},
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
// ASCII are Message as they are.
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

// Render is a log in this layout.
func (l *Layout) Render(list []Message) []byte {
	log, _ := l.RenderLines(list)
	return log
}

// RenderLines is a log in this layout, and for each of its lines the index of
// the message that stands there, or of the next one.
func (l *Layout) RenderLines(list []Message) (log []byte, messageAt []int) {
	var b bytes.Buffer
	add := func(text string, n int) {
		b.WriteString(text)
		for range strings.Count(text, "\n") {
			messageAt = append(messageAt, n)
		}
	}
	add(l.begin, 0)
	for n, p := range list {
		add(l.print(n, p), n)
	}
	add(l.Close, max(len(list)-1, 0))
	return b.Bytes(), messageAt
}

// Only is the format to be asked for, empty where none need be.
func (l *Layout) Only() string {
	if l.Ask {
		return l.Format
	}
	return ""
}
