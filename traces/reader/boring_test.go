package reader

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/kthread-tla/tracecheck/traces"
	"github.com/kthread-tla/tracecheck/traces/internal/skim"
	"github.com/kthread-tla/tracecheck/traces/printk"
)

// sameIfSkimmed compares all that a kernel log comes to with what it comes to when every
// line is decoded.
func sameIfSkimmed(t *testing.T, text []byte, o Options) {
	t.Helper()
	read := func() string {
		o.Interest = traces.NewInterest()
		r := New(bytes.NewReader(text), o)
		defer r.Close()
		var b strings.Builder
		for r.Scan() {
			e := *r.Event()
			if e.Stack != nil {
				fmt.Fprintf(&b, "%+v ", *e.Stack)
			}
			e.Set, e.Stack = nil, nil
			fmt.Fprintf(&b, "%+v at %d\n", e, r.Stats().LastLine)
		}
		fmt.Fprintf(&b, "%v %s\n%+v\n", r.Err(), r.Format(), *r.Stats())
		return b.String()
	}
	got := read()
	o.skimmer = decodeAll.skimmer
	if want := read(); got != want {
		t.Fatalf("of\n%s\nevery line decoded\n%s\nskimmed\n%s", text, want, got)
	}
}

// drivers is a log of other drivers: what of it is boring, and what is nearly a report.
const drivers = `[    0.000000] Linux version 6.1.0-18-amd64 (debian-kernel@lists.debian.org) #1 SMP
[    0.004000] Command line: BOOT_IMAGE=/boot/vmlinuz root=/dev/sda1 ro quiet
[    1.100001] usb 1-1: new high-speed USB device number 5 using xhci_hcd
[    1.100002] pci 0000:00:1f.6: [8086:15bb] type 00 class 0x020000
[    1.100002] systemd[1]: Started Journal Service.
[    1.100003][  T310] eth0: renamed from veth1234567
[    1.100004] [  T310] EXT4-fs (sda1): mounted filesystem with ordered data mode
[    1.100004] [    C0] workqueue: drm_fb_helper_damage_work hogged CPU for >10000us 4 times
[    1.100005] \x09acpi PNP0A08:00: _OSC: OS supports [ExtendedConfig ASPM]
[    1.100006] net_ratelimit: 12 callbacks suppressed
[    1.100007] host kernel: usb 1-1: SerialNumber: 000000000001
[    1.100008] kworker/u8:0    I    0  1503      2 0x80004000
[    1.100009] 	indented, as some drivers do it
[    1.100010] NMI watchdog: Watchdog detected hard LOCKUP on cpu 1
[    1.100011] ** 12 printk messages dropped **
[    1.100012] Process accounting resumed # cat /proc/594/stack
[    1.100013] Oops#1 Part1
[    1.100014] WARNING: CPU: 0 PID: 12 at kernel/kthread.c:520 kthread_park+0x40/0x90
[    1.100015] tty tty7: hash matches [    1.100014] Stopping t1
[99999.999999] Bluetooth: hci0: waiting for firmware download to complete
[100000.000000] Bluetooth: hci0: firmware loaded in 1234567 usecs
[100000.000001]iwlwifi 0000:00:14.3: no blank behind the stamp
[100000.000001] wlan0: associated
[100000.000001] <t1> stopped, exit code -4 and more of it
[100000.000002] audit: type=1400 audit(1700000000.123:45): apparmor="STATUS" pid=812
[100000.000003] CPU0 has been hot-unplugged
[   17.000000] smpboot: CPU 1 is now offline
`

// rewritten are the formats that a log of dmesg can be given.
var rewritten = []struct{ name, stamp string }{
	{"dmesg", ""}, {"dmesg -r", "<6>"}, {"dmesg -x", "kern  :info  : "}, {"dmesg -T", "[Sat Nov 21 18:06:58 2026] "},
	{"dmesg -T with a stamp", "[Sat Nov 21 18:06:58 2026] ["}, {"syslog", "Nov 21 18:06:58 host kernel: "},
	{"syslog with a stamp", "Nov 21 18:06:58 host kernel: ["}, {"journalctl", "Nov 21 18:06:58 host kernel: "},
	{"iso", "2026-11-21T18:06:58,363151+00:00 "}, {"syslog iso", "2026-11-21T18:06:58.363151+00:00 host kernel: ["}, {"short-monotonic", "host kernel: "}, {"quoted", "> ["}, {"indented", "    ["},
}

// rewrite gives a log of dmesg another stamp; one that ends with the bracket of dmesg's
// is put before it.
func rewrite(text []byte, stamp string) []byte {
	var b bytes.Buffer
	for line := range bytes.Lines(text) {
		rest, ok := bytes.CutPrefix(line, []byte("["))
		switch i := bytes.Index(line, []byte("] ")); {
		case !ok || stamp == "" || i < 0:
			b.Write(line)
		case stamp == "host kernel: ":
			b.Write(slices.Concat(line[:i+2], []byte(stamp), line[i+2:]))
		case strings.HasSuffix(stamp, "["), stamp[0] == '<', stamp[0] == 'k':
			b.WriteString(strings.TrimSuffix(stamp, "["))
			b.Write(append([]byte("["), rest...))
		default:
			b.WriteString(stamp)
			b.Write(line[i+2:])
		}
	}
	return b.Bytes()
}

// damage changes a text at random: bytes, lines, and what stands where.
func damage(rng *rand.Rand, text []byte) []byte {
	bits := []string{"[", "]", " ", "  ", "\t", "\r", "\r\n", "\n", "\x00", "\x1b[1m", "\\x0a", "#", "[#1]", "kernel: ", "Part1", ".000001] ", "0x00000000",
		"BUG: ", "Oops: ", "INFO: task t1:5 blocked for more than 120 seconds.", " callbacks suppressed", "/stack", "Stopping t1", " stopped, exit code ",
		"Linux version 5", "> ", "Call Trace:", "CPU: 0 PID: 5 Comm: t1 Not tainted 6.1.0 #1", "** ", "<6>", "{\"", "__CURSOR=x", "-- Reboot --", "```"}
	text = bytes.Clone(text)
	for range 1 + rng.IntN(6) {
		if len(text) == 0 {
			break
		}
		at := rng.IntN(len(text))
		switch rng.IntN(5) {
		case 0:
			text[at] = byte(rng.IntN(256))
		case 1:
			text = slices.Insert(text, at, []byte(bits[rng.IntN(len(bits))])...)
		case 2:
			text = slices.Delete(text, at, min(len(text), at+1+rng.IntN(40)))
		case 3: // a piece from elsewhere
			from := rng.IntN(len(text))
			text = slices.Insert(text, at, bytes.Clone(text[from:min(len(text), from+1+rng.IntN(200))])...)
		default: // the rest of a line, instead of another's
			i := bytes.LastIndexByte(text[:at], ']') + 1
			text = slices.Insert(text, i, []byte(bits[rng.IntN(len(bits))])...)
		}
	}
	return text
}

const ownPatterns = `begin mine: loaded
create {by} made {thread}[{pid}]
enter t:{thread}
return {thread}: ends with {code}
stop-call {thread}!
stop-return {thread} x
exit {*}%{thread}%%{*}
`

func boringSets(t testing.TB) []*printk.Set {
	t.Helper()
	own, err := printk.Parse("own", strings.NewReader(ownPatterns))
	if err != nil {
		t.Fatal(err)
	}
	return []*printk.Set{nil, printk.Builtin("story"), printk.Builtin("ktlab"), own}
}

// A log that is skimmed says what it says when every line is decoded: every format, as it
// is and damaged, among other drivers' lines, with all kinds of patterns.
func TestBoringLinesSayNothing(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	sets := boringSets(t)
	logs := logsToTry(t)
	for _, f := range rewritten {
		logs["drivers as "+f.name] = rewrite([]byte(strings.Repeat(drivers, 3)), f.stamp)
		logs["generated as "+f.name] = rewrite(logs["generated"][:20_000], f.stamp)
	}
	rounds := 12
	if testing.Short() {
		rounds = 1
	}
	lines := bytes.SplitAfter([]byte(drivers), []byte("\n"))
	for _, text := range logs {
		text = text[:min(len(text), 30_000)]
		var mixed []byte
		for line := range bytes.Lines(text) {
			mixed = append(mixed, line...)
			for range rng.IntN(4) {
				mixed = append(mixed, lines[rng.IntN(len(lines)-1)]...)
			}
		}
		for i := range rounds {
			in := text
			if i%2 == 1 {
				in = mixed
			}
			if i > 1 {
				in = damage(rng, in)
			}
			sameIfSkimmed(t, in, Options{Patterns: sets[rng.IntN(len(sets))], Always: rng.IntN(2) == 0, Follow: rng.IntN(8) == 0})
		}
	}
}

// The longest line that is read is boring, one byte more is damaged.
func TestBoringLinesAsLongAsAny(t *testing.T) {
	for _, end := range []string{"", "\r"} {
		for n := skim.MaxLine - 40; n < skim.MaxLine+3; n++ {
			line := "[    7.000002] usb 1-1: "
			line += strings.Repeat("x", n-len(line)-len(end)) + end + "\n"
			sameIfSkimmed(t, []byte(strings.Repeat("[    7.000001] usb 1-1: New USB device found\n", 3)+line+line), Options{})
		}
	}
}

// FuzzBoring: the same, of any text.
func FuzzBoring(f *testing.F) {
	for _, text := range logsToTry(f) {
		f.Add(text[:min(len(text), 4000)], ownPatterns)
	}
	f.Add([]byte(drivers), ownPatterns)
	story := printk.Builtin("story")
	f.Fuzz(func(t *testing.T, text []byte, patterns string) {
		for _, set := range []*printk.Set{nil, story} {
			sameIfSkimmed(t, text, Options{Patterns: set, Always: true})
		}
		if own, err := printk.Parse("own", strings.NewReader(patterns)); err == nil {
			sameIfSkimmed(t, text, Options{Patterns: own, Always: true})
		}
		sameIfSkimmed(t, text, Options{Patterns: story})
	})
}
