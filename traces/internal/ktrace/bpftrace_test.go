package ktrace

import (
	"bufio"
	"fmt"
	"math/rand/v2"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/kthread-tla/tracecheck/traces"
)

func TestBpftrace(t *testing.T) {
	tests := []struct {
		name, in, want string
		unusable       int
	}{
		{
			name: "a life, in the order of its stamps",
			in: "Attaching 16 probes...\n" +
				`{"kt":1,"ts":100,"ev":"begin"}` + "\n" +
				`{"kt":1,"ts":200,"cpu":1,"ev":"fork","tid":2,"pid":367,"task15":"kthreadd       "}` + "\n" +
				`{"kt":1,"ts":400,"cpu":1,"ev":"switch","prev":367,"state":2,"next":0,"task15":"kt_ok          "}` + "\n" +
				`{"kt":1,"ts":300,"cpu":0,"ev":"switch","prev":2,"state":1,"next":367,"task15":"kthreadd       "}` + "\n" +
				`{"kt":1,"ts":450,"cpu":0,"ev":"waking","tid":294,"pid":367,"task15":"guest.sh       "}` + "\n" +
				`{"kt":1,"ts":460,"cpu":0,"ev":"parkme","tid":367,"task15":"kt_ok          "}` + "\n" +
				`{"kt":1,"ts":470,"cpu":0,"ev":"should_stop","tid":367,"ret":0,"task15":"kt_ok          "}` + "\n" +
				`{"kt":1,"ts":500,"cpu":0,"ev":"stop","tid":294,"pid":367,"task15":"guest.sh       ","comm15":"kt_ok          "}` + "\n" +
				`{"kt":1,"ts":600,"cpu":0,"ev":"exit_call","tid":367,"code":-4,"task15":"kt_ok          "}` + "\n" +
				`{"kt":1,"ts":700,"cpu":0,"ev":"exit","tid":367,"task15":"kt_ok          "}` + "\n" +
				`{"kt":1,"ts":800,"cpu":0,"ev":"stop_ret","tid":294,"ret":-4,"task15":"guest.sh       "}` + "\n" +
				`{"kt":1,"ts":900,"cpu":0,"ev":"free","pid":367}` + "\n" +
				`{"kt":1,"ts":950,"ev":"end","events":11}` + "\n\n@x: 1\n",
			want: "3 fork pid 367 by kthreadd[2] in ?\n5 switch-out kthreadd[2] S\n5 switch-in kt_ok[367]\n4 switch-out kt_ok[367] D\n6 woken kt_ok[367] by guest.sh[294] in ?\n" +
				"7 parkme kt_ok[367] probe  in ?\n8 should-stop kt_ok[367] = 0 probe  in ?\n9 stop-call kt_ok[367] by guest.sh[294] in ?\n" +
				"10 exit-call kt_ok[367] = -4 probe kthread_exit in ?\n11 process-exit kt_ok[367] in ?\n12 stop-return by guest.sh[294] = -4 in ?\n13 freed kt_ok[367] in ?\n",
		},
		{
			name: "names that break JSON",
			in: `{"kt":1,"ts":1,"ev":"stop","tid":294,"pid":367,"task15":"a","pid":9,"x":","comm15":"b\"}           "}` + "\n" +
				`{"kt":1,"ts":2,"ev":"stop","tid":294,"pid":368,"task":"a\"b\u00e9","comm":"\\\n"}` + "\n",
			want: "1 stop-call b\\\"}[367] by a\",\"pid\":9,\"x\":[294] in ?\n2 stop-call \\\n[368] by a\"bé[294] in ?\n",
		},
		{
			name: "wrapped by -f json",
			in: `{"type": "attached_probes", "data": {"probes": 4}}` + "\n" +
				`{"type": "printf", "data": "{\"kt\":1,\"ts\":1,\"ev\":\"stop\",\"tid\":294,\"pid\":367,\"comm15\":\"a\nb            \"}\n"}` + "\n" +
				`{"type": "lost_events", "data": {"events": 3896}}` + "\n" +
				`{"type": "map", "data": {"@ret": {"2": 1}}}` + "\n",
			want: "2 stop-call a\nb[367] by pid 294 in ?\n3 loss 3896 cpu -1 since 0\n",
		},
		{
			name: "other fields, other order, other events",
			in: `{"kt":1, "x":{"a":[1,"}"]}, "ev":"wakeup", "ctx":"irq", "pid":5, "ts":7, "f":1.5, "n":null}` + "\n" +
				`{"kt":1,"ts":8,"ev":"no such"}` + "\n" +
				`{"kt":1,"ts":9,"ev":"stop","tid":3,"addr":"0xff190faec29aa100","ctx":"task"}` + "\n" +
				`{"kt":1,"ts":10,"ev":"create_ret","tid":3,"ret":-12}` + "\n" +
				`{"kt":1,"ts":11,"ev":"exit_call","tid":3,"code":4294967292,"func":"do_exit"}` + "\n",
			want: "1 woken (late) pid 5 in an interrupt\n3 stop-call task 0xff190faec29aa100 by pid 3\n4 create-failed by pid 3 = -12 probe  in ?\n5 exit-call pid 3 = -4 probe do_exit in ?\n",
		},
		{
			name: "lines that lack what they need, or are cut",
			in: `{"kt":1,"ts":1,"ev":"free","pid":5}` + "\n" +
				`{"kt":1,"ts":2,"ev":"free"}` + "\n" +
				`{"kt":1,"ts":2,"ev":"switch","prev":5}` + "\n" +
				`{"kt":1,"ts":3,"ev":"free","pi` + "\n",
			want: "1 freed pid 5 in ?\n2 loss 1 cpu -1 since 0\n3 loss 1 cpu -1 since 0\n4 loss 1 cpu -1 since 0\n", unusable: 3,
		},
		{
			name: "too late by more than a second",
			in: `{"kt":1,"ts":1,"ev":"free","pid":5}` + "\n" +
				`{"kt":1,"ts":2000000000,"ev":"free","pid":6}` + "\n" +
				`{"kt":1,"ts":3100000000,"ev":"free","pid":7}` + "\n" +
				`{"kt":1,"ts":1999999999,"ev":"free","pid":8}` + "\n",
			want: "1 freed pid 5 in ?\n2 freed pid 6 in ?\n3 freed pid 7 in ?\n4 loss 1 cpu -1 since 0\n", unusable: 1,
		},
		{
			name: "fewer lines than the script has printed",
			in: `{"kt":1,"ts":1,"ev":"begin"}` + "\n" + `{"kt":1,"ts":2,"ev":"free","pid":5}` + "\n" +
				`{"kt":1,"ts":3,"ev":"end","events":4}` + "\n",
			want: "2 freed pid 5 in ?\n3 loss 3 cpu -1 since 0\n", unusable: 1,
		},
		{
			name: "a waking that the program on top of which it came did not let through",
			in: `{"kt":1,"ts":1,"ev":"waking","tid":2,"pid":6}` + "\n" + `{"kt":1,"ts":2,"ev":"fork","tid":2,"pid":5}` + "\n" +
				`{"kt":1,"ts":4,"ev":"switch","prev":5,"state":2,"next":0}` + "\n" + `{"kt":1,"ts":3,"ev":"switch","prev":0,"state":0,"next":5}` + "\n" +
				`{"kt":1,"ts":5,"ev":"switch","prev":0,"state":0,"next":5}` + "\n",
			want:     "1 woken pid 6 by pid 2 in ?\n2 fork pid 5 by pid 2 in ?\n4 switch-in pid 5\n3 switch-out pid 5 D\n5 loss pid 5 1 cpu -1 since 3\n5 switch-in pid 5\n",
			unusable: 1,
		},
		{
			name: "another script's words",
			in:   "Attaching 4 probes...\n42629479709      294   guest.sh         STOP    target=kt_ok[367]\n42629479709      294   guest.sh         STOP    target=kt_ok[368]\n",
			want: "", unusable: 1,
		},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			got, r := readTrace(t, test.in+bpfEnd, nil)
			if r == nil {
				t.Fatal("not recognised")
			}
			if got != test.want {
				t.Errorf("got\n%s\nwant\n%s", got, test.want)
			}
			if r.stats.Unusable != test.unusable {
				t.Errorf("%d diagnostics, want %d: %v", r.stats.Unusable, test.unusable, r.stats.Diagnostics)
			}
		})
	}
}

func TestAnotherScriptsRecordingIsRefusedOnce(t *testing.T) {
	in, err := os.ReadFile("../../samples/recorded/bpftrace-f-json.ndjson")
	if err != nil {
		t.Fatal(err)
	}
	got, r := readTrace(t, string(in), nil)
	if r == nil || got != "" || r.Format() != "bpftrace-json" || r.stats.Unusable != 1 || r.stats.Diagnostics[0].Line != 2 {
		t.Errorf("reader %+v, events %q", r, got)
	}
}

// The reorderer emits events in the order in which a sort puts them, if they come within
// its window.
func TestReorder(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	var r reorderer
	var got, want []int64
	emit := func(e traces.Event) { got = append(got, e.Stamp) }
	for i := range 20000 {
		stamp := int64(i)*1e6 + 5e8 + rng.Int64N(5e8)
		want = append(want, stamp)
		if !r.push(traces.Event{Time: traces.Time{Stamp: stamp}}, emit) {
			t.Fatalf("event %d refused", i)
		}
	}
	r.flush(emit)
	slices.Sort(want)
	if !slices.Equal(got, want) {
		t.Error("not in order")
	}
}

// printed is what bpftrace prints by a format, with invented values. failed: as for a
// creation that failed.
func printed(format string) (line string, failed bool) {
	line = format
	failed = strings.Contains(format, `"create_ret"`) && strings.Contains(format, `"ret"`)
	if failed {
		line = strings.ReplaceAll(line, `"ret":%d`, `"ret":-12`)
	}
	for _, f := range []struct{ conv, val string }{{"%llx", "ff2e464d3e9d8000"}, {"%llu", "42"}, {"%lld", "0"}, {"%d", "7"}, {"%-15s", `a "}\b         `}} {
		line = strings.ReplaceAll(line, f.conv, f.val)
	}
	return line, failed
}

// What kthread.bt prints is compared with the reader and the documentation. It is not run
// here; samples/recorded/bpf-text.ndjson and -json.ndjson are what it has printed on a
// kernel.
func TestScript(t *testing.T) {
	src, err := os.ReadFile("../../bpf/kthread.bt")
	if err != nil {
		t.Fatal(err)
	}
	doc, err := os.ReadFile("../../../docs/events.md")
	if err != nil {
		t.Fatal(err)
	}
	probe := regexp.MustCompile(`(?m)^(END|interval:s:3|tracepoint:sched:\w+|kprobe:\w+\*?|kretprobe:\w+)\n(?:/.*/\n)?\{\n((?:.*\n)*?)\}`)
	printf := regexp.MustCompile(`printf\("((?:[^"\\]|\\.)*)",\s*([^;]*)\);`)
	wantEvent := map[string]traces.Kind{
		"fork": traces.Fork, "waking": traces.Woken, "switch": traces.SwitchOut, "exit": traces.ProcessExit, "free": traces.Freed, "stop": traces.StopCall, "stop_ret": traces.StopReturn,
		"parkme": traces.ParkMe, "exit_call": traces.ExitCall, "should_stop": traces.ShouldStop, "park": traces.ParkCall, "park_ret": traces.ParkReturn, "unpark": traces.Unpark,
		"create_ret": traces.Create,
	}
	probes := 0
	counted := strings.Count(string(src), "@n++")
	for _, m := range probe.FindAllStringSubmatch(string(src), -1) {
		probes++
		p := printf.FindStringSubmatch(m[2])
		if p == nil {
			t.Errorf("%s prints nothing", m[1])
			continue
		}
		format := strings.NewReplacer(`\"`, `"`, `\n`, "\n").Replace(p[1])
		args := splitArgs(p[2])
		if n := strings.Count(format, "%"); n != len(args) {
			t.Errorf("%s: %d conversions, %d arguments", m[1], n, len(args))
		}
		if len(args) > 7 {
			t.Errorf("%s: %d arguments; older bpftrace takes 7", m[1], len(args))
		}
		line, failed := printed(format)
		if strings.Contains(line, "%") || !strings.HasSuffix(line, "}\n") {
			t.Errorf("%s: unexpected conversion in %q", m[1], line)
		}
		ev := regexp.MustCompile(`"ev":"(\w+)"`).FindStringSubmatch(line)[1]
		for _, key := range regexp.MustCompile(`"(\w+)":`).FindAllStringSubmatch(format, -1) {
			if !strings.Contains(string(doc), "`"+key[1]+"`") {
				t.Errorf("%s: docs/events.md does not know the field %q", m[1], key[1])
			}
		}
		if !strings.Contains(string(doc), "| `"+ev+"` |") {
			t.Errorf("docs/events.md does not know the event %q", ev)
		}
		var got []traces.Event
		r := New(layoutNamed("bpftrace"), new(traces.Stats), nil, func(e traces.Event) { got = append(got, e) })
		r.read(1, []byte(line))
		r.read(2, []byte(bpfEnd))
		r.End()
		if r.stats.Unusable != 0 {
			t.Errorf("%s: %s: %v", m[1], line, r.stats.Diagnostics)
		}
		kind, event := wantEvent[ev]
		if delete(wantEvent, ev); failed {
			kind, event = traces.CreateFailed, true
		}
		switch {
		case !event:
			if len(got) != 0 {
				t.Errorf("%s: %v", m[1], got)
			}
		case len(got) == 0 || got[0].Kind != kind || got[0].Stamp != 42:
			t.Errorf("%s: %s\nread as %v, want %v", m[1], line, got, kind)
		default:
			counted--
		}
	}
	for ev := range wantEvent {
		t.Errorf("the script prints no %q", ev)
	}
	if probes != 17 || counted != 0 {
		t.Errorf("%d probes found; %d events counted that are not printed", probes, counted)
	}
	// Every line of the script outside comments belongs to a probe.
	rest := probe.ReplaceAllString(string(src), "")
	rest = regexp.MustCompile(`(?s)/\*.*?\*/`).ReplaceAllString(rest, "")
	s := bufio.NewScanner(strings.NewReader(rest))
	for s.Scan() {
		if line := strings.TrimSpace(s.Text()); line != "" && !strings.HasPrefix(line, "#!") {
			t.Errorf("not understood: %s", line)
		}
	}
}

// The reader knows every event and field that docs/events.md describes.
func TestEventsOfTheDocumentation(t *testing.T) {
	doc, err := os.ReadFile("../../../docs/events.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range regexp.MustCompile("(?m)^\\| `(\\w+)` \\| [^|]*\\| ([^|]*)\\|").FindAllStringSubmatch(string(doc), -1) {
		if !strings.Contains(string(doc), "\n## Events") || strings.Index(string(doc), m[0]) < strings.Index(string(doc), "\n## Events") {
			continue
		}
		if m[1] == "ev" { // the head of the table
			continue
		}
		line := `{"kt":1,"ts":1,"ev":"` + m[1] + `"`
		for i, f := range regexp.MustCompile("`(\\w+)`( <)?").FindAllStringSubmatch(m[2], -1) {
			val := "7"
			switch {
			case f[1] == "addr" && i > 0 || f[2] != "":
				continue // "or"
			}
			line += fmt.Sprintf(`,"%s":%s`, f[1], val)
		}
		line += "}"
		var got []traces.Event
		r := New(layoutNamed("bpftrace"), new(traces.Stats), nil, func(e traces.Event) { got = append(got, e) })
		r.read(1, []byte(line))
		r.read(2, []byte(bpfEnd))
		r.End()
		if control := m[1] == "begin" || m[1] == "end"; r.stats.Unusable != 0 || control != (len(got) == 0) {
			t.Errorf("%s\n%v %v", line, got, r.stats.Diagnostics)
		}
	}
}

// bpfEnd says that the tracer was not cut short.
const bpfEnd = `{"kt":1,"ev":"end"}` + "\n"

// What a tracer that was cut short had not printed may be as old as its last second.
func TestBpftraceCutShort(t *testing.T) {
	const early = `{"kt":1,"ts":1,"ev":"free","pid":5}` + "\n"
	const late = `{"kt":1,"ts":2000000001,"ev":"free","pid":6}` + "\n"
	for in, want := range map[string]string{
		early + late:                          "1 freed pid 5 in ?\n2 loss 0 cpu -1 since 1\n2 freed pid 6 in ?\n",
		early + late + bpfEnd:                 "1 freed pid 5 in ?\n2 freed pid 6 in ?\n",
		early + bpfEnd + late:                 "1 freed pid 5 in ?\n3 freed pid 6 in ?\n",
		`{"kt":1,"ts":0,"ev":"begin"}` + "\n": "",
	} {
		if got, _ := readTrace(t, in, nil); got != want {
			t.Errorf("%s\ngot\n%s\nwant\n%s", in, got, want)
		}
	}
}

// splitArgs splits at the commas outside parentheses.
func splitArgs(s string) []string {
	var out []string
	depth, from := 0, 0
	for i, c := range s {
		switch c {
		case '(':
			depth++
		case ')':
			depth--
		case ',':
			if depth == 0 {
				out = append(out, strings.TrimSpace(s[from:i]))
				from = i + 1
			}
		}
	}
	return append(out, strings.TrimSpace(s[from:]))
}
