package reader

import (
	"fmt"
	"strings"
	"testing"

	"github.com/kthread-tla/tracecheck/traces/internal/skim"
)

var traps = []struct {
	name, format string // asked for; empty: not
	in           string
	want         []string
	lost         int
	damaged      int
}{
	// dmesg
	{name: "a program's message in the kernel's buffer has another facility",
		in:   "<6>[    1.000000] m: a\n<30>[    1.000001] systemd[1]: func t1\n<14>[    1.000002] m: b\n<191>[    1.0] x\n<192>[    1.000000]\n",
		want: []string{"m: a"}, damaged: 1},
	{name: "so it has in dmesg -x",
		in:   "kern  :info  : [    1.000000] m: a\nuser  :notice: [    1.000001] m: b\ndaemon:info  : [    1.000002] m: c\nkern:info: [    1.000003] m: d\n",
		want: []string{"m: a"}, damaged: 1},
	{name: "a cut fraction", in: "[  240.] m: a\n[  240.] m: b\n[241.] m: c\n", want: []string{"m: a", "m: b", "m: c"}},
	{name: "a first bracket lost", in: "\n  240.123456] m: a\n[  240.123457] m: b\n", want: []string{"m: a", "m: b"}},
	{name: "what is no time is no record", in: "[    1.000000] m: a\n[ERROR] m: b\n[12:34:56] m: c\n[Note to self: 2026] m: d\n[1/2] m: e\n[  OK  ] m: f\n[.] x\n[+1] x\n[<1>] x\n[    1.0000000] x\n",
		want: []string{"m: a"}},
	{name: "times of a web server's log are in other words", in: "[    1.000000] m: a\n[Sat Nov 21 18:06:58.123456 2026x] b\n[21/Nov/2026:18:06:58 +0000] c\n[Sat Nov 21 2026] d\n", want: []string{"m: a"}},
	{name: "negative differences", in: "[    1.000002 <    0.000000>] m: a\n[    1.000001 <   -0.000001>] m: b\n", want: []string{"m: a", "m: b"}},
	{name: "a further line may look like a record", in: "[    1.000000] m: a\n               [    2.000000] m: b\n[    1.000001] m: c\n",
		want: []string{"m: a\n[    2.000000] m: b", "m: c"}, damaged: 1},
	{name: "systemd's indented lines are not further lines", in: "[    1.000000] m: a\n         Stopping t1...\n[    1.000001] m: c\n", want: []string{"m: a", "m: c"}},
	{name: "a caller needs a number", in: "[    1.000000][ T12] m: a\n[    1.000001] [C0] m: b\n[    1.000002] [T] m: c\n[    1.000003] [T1]m: d\n[    1.000004][D1] m: e\n",
		want: []string{"m: a", "m: b", "[T] m: c", "[T1]m: d", "[D1] m: e"}},
	{name: "only colours are taken off", in: "\x1b[1;31m[    1.000000] m: a\x1b[0m\x1b[K\n[    1.000001] m: \x1b[2Jb\n[    1.000002] m: c\x1b\n", want: []string{"m: a", "m: \x1b[2Jb", "m: c\x1b"}},
	{name: "quoting of another depth is another log", in: "> [    1.000000] m: a\n> [    1.000001] m: b\nMine:\n[    5.000000] m: c\n", want: []string{"m: a", "m: b", "m: c"}, damaged: 1},
	{name: "another block is another log", in: "```\n[    1.000000] m: a\n```\nand\n```\n[    1.500000] m: b\n```\n", want: []string{"m: a", "m: b"}, damaged: 1},
	{name: "tabs, and a list", in: "\t[    1.000000] m: a\n\t[    1.000001] m: b\n", want: []string{"m: a", "m: b"}},
	{name: "a byte order mark", in: "\xef\xbb\xbf[    1.000000] m: a\n", want: []string{"m: a"}},
	{name: "pstore's parts", in: "Panic#1 Part1\n<4>[    1.000000] m: a\n<4>[    1.000001] m: b\n", want: []string{"m: a", "m: b"}},
	{name: "the end of a paste in the middle of another line", in: "[    1.000000] m: a[    1.000001] m: b\n", want: []string{"m: a[    1.000001] m: b"}, damaged: 1},

	// Several formats
	{name: "another format is another view", in: "[    1.000000] m: a\nNov 21 18:06:59 h kernel: [    1.000000] m: a\nNov 21 18:06:59 h kernel: [    1.000001] m: b\n",
		want: []string{"m: a", "m: a", "m: b"}, damaged: 1},
	{name: "a CI job's log", in: "2026-11-21T18:06:59.1234567Z + dmesg\n2026-11-21T18:06:59.2234567Z [    1.000000] m: a\n2026-11-21T18:06:59.2234567Z done\n", want: []string{"m: a"}},
	{name: "ts(1)", in: "Nov 21 18:06:59 [    1.000000][   T12] m: a\n", want: []string{"m: a"}},

	// kmsg
	{name: "a gap in the numbers is a loss", in: "6,10,1000000,-;m: a\n6,13,1000001,-;m: b\n6,14,1000002,-;m: c\n", want: []string{"m: a", "m: b", "m: c"}, lost: 2},
	{name: "a program's record has a number too", in: "6,10,1000000,-;m: a\n12,11,1000001,-;func t1\n6,12,1000002,-;m: c\n", want: []string{"m: a", "m: c"}},
	{name: "fragments", in: "6,10,1000000,-;m: a\n6,11,1000001,c;m: b\n6,12,1000001,+;c\n6,13,1000002,-;m: c\n", want: []string{"m: a", "m: c"}, damaged: 2},
	{name: "properties are none of the message", in: "6,10,1000000,-;m: a\n SUBSYSTEM=x\n DEVICE=6,11,1,-;m: b\n6,11,1000000,-;m: c\n", want: []string{"m: a", "m: c"}},
	{name: "escapes", in: `6,10,1000000,-;m: \x22\x5c\x0ab;c` + "\n" + `6,11,1000000,-;m: \q` + "\n" + `6,12,1000000,-;m: \x0` + "\n", want: []string{"m: \"\\\nb;c"}, damaged: 2},
	{name: "kernel 3.5 has no flags", in: "6,10,1000000;m: a\n", want: []string{"m: a"}},
	{name: "read twice", in: "6,10,1000000,-;m: a\n6,10,1000000,-;m: a\n", want: []string{"m: a", "m: a"}},

	// syslog
	{name: "the tag decides", in: "Nov 21 18:06:59 h kernel: m: a\nNov 21 18:06:59 h systemd[1]: func t1\nNov 21 18:06:59 h sudo: kernel: func t1\nNov 21 18:06:59 h my kernel: func t1\nNov 21 18:06:59 h kernel[1]: func t1\nNov 21 18:06:59 h kernel func t1\nNov 21 18:06:59 h kernel-x: func t1\nNov 21 18:06:59 h kernel: m: b\n",
		want: []string{"m: a", "m: b"}},
	{name: "a program that quotes the kernel's log is a program", in: "Nov 21 18:06:59 h kernel: m: a\nNov 21 18:06:59 h root[12]: [    1.000000] func t1\n", want: []string{"m: a"}},
	{name: "a program's further lines are its own", in: "Nov 21 18:06:59 h kernel: m: a\nNov 21 18:06:59 h root: x\n                         [    1.000000] func t1\nNov 21 18:06:59 h kernel: m: b\n", want: []string{"m: a", "m: b"}},
	{name: "without a tag nobody knows whose it is", in: "Nov 21 18:06:59 h kernel: m: a\nNov 21 18:06:59 h [    1.000000] func t1\n", want: []string{"m: a"}, damaged: 1},
	{name: "what was repeated is missing", in: "Nov 21 18:06:59 h kernel: m: a\nNov 21 18:06:59 h last message repeated 3 times\nNov 21 18:06:59 h x: y\nNov 21 18:06:59 h last message repeated 5 times\nNov 21 18:06:59 h kernel: message repeated 2 times: [ m: a]\n",
		want: []string{"m: a"}, lost: 5},
	{name: "journald missed some", in: "Nov 21 18:06:59 h kernel: m: a\nNov 21 18:06:59 h systemd-journald[23]: Missed 12 kernel messages\nNov 21 18:06:59 h systemd-journald[23]: Suppressed 7 messages from a.service\n",
		want: []string{"m: a"}, lost: 12},
	{name: "rsyslog lost some", in: "Nov 21 18:06:59 h kernel: m: a\nNov 21 18:06:59 h rsyslogd: imjournal: 9 messages lost due to rate-limiting\nNov 21 18:06:59 h rsyslogd[1]: imuxsock begins to drop messages from pid 3 due to rate-limiting\n",
		want: []string{"m: a"}, lost: 9},
	{name: "a program's facility", in: "<6>Nov 21 18:06:59 h kernel: m: a\n<14>Nov 21 18:06:59 h kernel: func t1\nNov 21 18:06:59 h user.info kernel: func t1\n", want: []string{"m: a"}},
	{name: "other orders and words", in: "21. Nov 18:06:59 h kernel: m: a\n 2月  1 18:06:59 h kernel: m: b\nčec 30 18:06:59 h kernel: m: c\nSa 2026-11-21 18:06:59 +03 h kernel: m: d\n2026-11-21 18:06:59 h kernel: m: e\n", want: []string{"m: a", "m: b", "m: c", "m: d", "m: e"}},
	{name: "prose is no log", in: "Nov 21 18:06:59 h kernel: m: a\nOn 21 November kernel: func t1\nNov 32 18:06:59 h kernel: func t1\nNov 21 18:06 h kernel: func t1\nNov Nov 18:06:59 h kernel: func t1\n", want: []string{"m: a"}},
	{name: "a level behind the tag", in: "Nov 21 18:06:59 h kernel: <6>[    1.000000] m: a\n", want: []string{"m: a"}},
	{name: "structured data", in: "<6>1 2026-11-21T18:06:59Z h kernel - - - m: a\n<6>1 - h kernel - - [x y=\"] kernel - \"] m: b\n<6>1 2026-11-21T18:06:59Z h kernel - - [x m: c\n<14>1 2026-11-21T18:06:59Z h kernel - - - func t1\n<6>1 2026-11-21T18:06:59Z h root 1 - - func t1\n<3>1 2026-11-21T18:06:59Z h systemd-journald 1 - - Missed 3 kernel messages\n",
		format: "rfc5424", want: []string{"m: a", "m: b"}, lost: 3},
	{name: "OpenWrt", in: "Sat Sep  1 19:30:19 2019 kern.warn kernel: [    1.000000] m: a\nSat Sep  1 19:30:19 2019 daemon.info kernel: func t1\nSat Sep  1 19:30:19 2019 kern.info other: func t1\n", want: []string{"m: a"}},

	// The journal
	{name: "short-monotonic is told by its host", in: "[    1.000000] lab kernel: m: a\n[    1.000001] lab systemd[1]: func t1\n[    1.000002] lab kernel: m: b\n", want: []string{"m: a", "m: b"}},
	{name: "short-monotonic may begin with a program", in: "[    1.000000] lab systemd[1]: x\n[    1.000001] lab kernel: m: b\n", want: []string{"lab systemd[1]: x", "m: b"}, damaged: 1},
	{name: "a kernel's word before a colon is no host", in: "[    1.000000] m: a\n[    1.000001] Booting kernel: `x' invalid for parameter `y'\n[    1.000002] m: kernel: b\n", want: []string{"m: a", "Booting kernel: `x' invalid for parameter `y'", "m: kernel: b"}},
	{name: "a mark is of no format", in: "[    1.000000] lab kernel: m: a\n-- Reboot --\n[    1.000000] lab kernel: m: b\n", want: []string{"m: a", "m: b"}},
	{name: "no message of the kernel's is no error", in: "Nov 21 18:06:59 h systemd[1]: func t1\nNov 21 18:06:59 h x: a\x00\n", damaged: 1},
	{name: "verbose is not read", in: "Sat 2026-11-21 18:06:59.363151 UTC [s=954d;i=1;b=4796;m=1;t=1;x=1]\n    _TRANSPORT=kernel\n    MESSAGE=func t1\n", damaged: 1},
	{name: "json-pretty is not read", in: "{\n\t\"_TRANSPORT\" : \"kernel\",\n\t\"__CURSOR\" : \"s=1\",\n\t\"MESSAGE\" : \"func t1\"\n}\n", damaged: 1},
	{name: "cat, with journalctl's own lines", format: "bare", in: "-- Boot 4796af85d44b4f3180db94c05592c0f2 --\nm: a\n -- b --\n", want: []string{"m: a", " -- b --"}},
	{name: "a MESSAGE in bytes, of a program, none, and two", in: j(`"MESSAGE":[109,58,32,97,10,98]`) + j(`"MESSAGE":"x","_TRANSPORT":"syslog"`) + j(`"MESSAGE":null`) + j(`"A":"b"`) + j(`"MESSAGE":"a","MESSAGE":"b"`) + j(`"MESSAGE":["a","b"]`) + j(`"MESSAGE":"m: c"`),
		want: []string{"m: a\nb", "m: c"}, damaged: 4},
	{name: "what a program wrote to /dev/kmsg", in: j(`"MESSAGE":"m: a"`) + j(`"MESSAGE":"func t1","SYSLOG_IDENTIFIER":"systemd"`) + j(`"MESSAGE":"func t1","SYSLOG_FACILITY":"1"`), want: []string{"m: a"}},
	{name: "journald's own words", in: j(`"MESSAGE":"m: a"`) + j(`"MESSAGE":"Missed 4 kernel messages","_TRANSPORT":"driver"`), want: []string{"m: a"}, lost: 4},
	{name: "without a transport nobody knows whose it is", in: j(`"MESSAGE":"m: a"`) + `{"__CURSOR":"x","MESSAGE":"func t1"}` + "\n", want: []string{"m: a"}, damaged: 1},
	{name: "escapes in JSON", in: j(`"MESSAGE":"m: \u00e9\ud834\udd1e\/\"\\\t"`) + j(`"MESSAGE":"m: \ud834 \q"`), want: []string{"m: é𝄞/\"\\"}, damaged: 1},
	{name: "an object that is not whole", in: j(`"MESSAGE":"m: a"`) + `{"__CURSOR":"x","_TRANSPORT":"kernel","MESSAGE":"m: b` + "\n" + j(`"MESSAGE":"m: c"`), want: []string{"m: a", "m: c"}, damaged: 1},
	{name: "JSON of another kind", in: j(`"MESSAGE":"m: a"`) + `{"type":"printf","data":"[    1.000000"}` + "\n{}\n[]\n{\n", want: []string{"m: a"}},
	{name: "json-seq and json-sse", in: "\x1e" + j(`"MESSAGE":"m: a"`) + "data: " + j(`"MESSAGE":"m: b"`), want: []string{"m: a", "m: b"}},
	{name: "a binary field with newlines and an empty line", in: x("_TRANSPORT=kernel\nFOO\n\x07\x00\x00\x00\x00\x00\x00\x00a\n\nb=c\n\nMESSAGE=m: a\n") + x("_TRANSPORT=kernel\nMESSAGE\n\x04\x00\x00\x00\x00\x00\x00\x00m:\nb\n"),
		want: []string{"m: a", "m:\nb"}},
	{name: "an entry without its end, one that is none, one that is too long", in: x("_TRANSPORT=kernel\nMESSAGE=m: a\n") + "__CURSOR=y\n_TRANSPORT=kernel\nMESSAGE=m: b\n" + x("_TRANSPORT=kernel\nMESSAGE=m: c\n") + x("_TRANSPORT=kernel\nno field\nMESSAGE=m: d\n") + x("_TRANSPORT=kernel\nMESSAGE="+strings.Repeat("x", 2*skim.MaxLine)+"\n") + x("_TRANSPORT=kernel\nMESSAGE=m: e\n"),
		want: []string{"m: a", "m: e"}, damaged: 3},

	// dmesg -J
	{name: "a document of dmesg's", in: `{"dmesg":[{"pri":6,"time": 1.000000,"msg":"m: a"},{"pri":30,"time":1.000001,"msg":"systemd[1]: func t1"},{"fac":"user","pri":"info","time":1.000002,"msg":"func t1"},{"pri":6,"time":1.000003},{"pri":6,"time":1.000004,"msg":"m: } ] \" {"}]}` + "\n[    2.000000] m: after\n",
		want: []string{"m: a", "m: } ] \" {", "m: after"}, damaged: 2},
	{name: "dmesg -J -F prints the rest of the buffer with each record", in: `{"dmesg":[{"pri":6,"time": 1.000000,"msg":"m: a\nb\n<6>[    1.000001] m: c\n"},{"pri":6,"time":1.000001,"msg":"m: c\n"}]}` + "\n",
		want: []string{"m: a\nb", "m: c"}},
	{name: "iso", in: `{"dmesg": [{"pri":6,"time":2026-11-21T18:06:58,363151+00:00 ,"msg":"m: a"}]}` + "\n", want: []string{"m: a"}},

	// logcat
	{name: "only process 0 is the kernel", in: "--------- beginning of kernel\n11-21 18:06:59.363     0     0 I m       : a\n--------- beginning of main\n11-21 18:06:59.363   310   312 I kernel  : func t1\n11-21 18:06:59.363     0     0 W kernel  : m: b: c\n11-21 18:06:59.363     0     0 I chatty  : uid=0(root) logd expire 12 lines\n",
		want: []string{"m: a", "m: b: c"}, lost: 12},
	{name: "brief, and a tag with brackets", in: "I/kt (b)(c (    0): up\nI/a (  310): func t1\n", want: []string{"kt (b)(c: up"}},
}

// What looks like a kernel message and is none, and what is one although it
// does not look so. Messages are those that count; "lost" is by the log's own
// words, "damaged" how many records cannot be used.
func TestTraps(t *testing.T) {
	for _, tt := range traps {
		t.Run(tt.name, func(t *testing.T) {
			rec, r := messagesOf(t, []byte(tt.in), tt.format)
			var got []string
			for _, m := range rec.list {
				got = append(got, m.Text)
			}
			if fmt.Sprintf("%q", got) != fmt.Sprintf("%q", tt.want) {
				t.Errorf("got  %q\nwant %q", got, tt.want)
			}
			s := r.Stats()
			if s.Lost != tt.lost || s.Unusable != tt.damaged || r.Err() != nil {
				t.Errorf("lost %d, want %d; damaged %d, want %d; error %v; %v", s.Lost, tt.lost, s.Unusable, tt.damaged, r.Err(), s.Diagnostics)
			}
		})
	}
}

// j is a journal's entry in JSON, of the kernel where fields do not say
// otherwise.
func j(fields string) string {
	s := `{"__CURSOR":"s=1",` + fields
	if !strings.Contains(fields, "_TRANSPORT") {
		s += `,"_TRANSPORT":"kernel"`
	}
	return s + "}\n"
}

// x is an entry of an exported journal.
func x(fields string) string { return "__CURSOR=s=1\n" + fields + "\n" }
