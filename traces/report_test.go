package traces

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// records takes a log apart as a Reader does, just well enough for these
// tests' files: dmesg with and without callers, /dev/kmsg, the journal's JSON;
// a line of nothing is a message without a stamp.
func records(t testing.TB, name string, text []byte) []record {
	t.Helper()
	var recs []record
	for n, line := range bytes.Split(bytes.TrimSuffix(text, []byte("\n")), []byte("\n")) {
		rec := record{line: n + 1, msg: line, stamp: noStamp}
		switch {
		case strings.HasPrefix(name, "journal-json"):
			var entry map[string]any
			if err := json.Unmarshal(line, &entry); err != nil {
				t.Fatal(err)
			}
			if entry["_TRANSPORT"] != "kernel" {
				continue
			}
			text, _ := entry["MESSAGE"].(string)
			stamp, _ := entry["_SOURCE_MONOTONIC_TIMESTAMP"].(string)
			rec.msg = []byte(text)
			rec.stamp, _ = strconv.ParseInt(stamp, 10, 64)
		case strings.HasPrefix(name, "kmsg"):
			head, msg, ok := strings.Cut(string(line), ";")
			fields := strings.Split(head, ",")
			if !ok || len(fields) < 4 || line[0] == ' ' {
				continue
			}
			rec.msg = []byte(msg)
			rec.stamp, _ = strconv.ParseInt(fields[2], 10, 64)
		default:
			if msg, stamp, ok := body(line); ok {
				rec.msg, rec.stamp = msg, stamp
				if end := bytes.IndexByte(msg, ']'); len(msg) > 0 && msg[0] == '[' && end > 0 && (bytes.Contains(msg[:end], []byte("T")) || bytes.Contains(msg[:end], []byte("C"))) {
					rec.caller, rec.msg = bytes.TrimSpace(msg[1:end]), msg[end+2:]
				}
			}
		}
		recs = append(recs, rec)
	}
	return recs
}

func report(recs []record) []Event {
	var r reporter
	var events []Event
	for i := range recs {
		r.message(&recs[i], func(e Event) { events = append(events, e) })
	}
	r.flush(func(e Event) { events = append(events, e) })
	return events
}

var reportNames = [...]string{HungTask: "hung task", TaskDump: "task dump", Lockup: "lockup", Oops: "oops", Warning: "warning"}

// show is the form of events that a person can check.
func show(events []Event) string {
	var b strings.Builder
	for _, e := range events {
		s := e.Stack
		fmt.Fprintf(&b, "lines %d-%d: %s, %v", e.Line, s.Last, reportNames[s.Report], e.Thread)
		if s.State != 0 {
			fmt.Fprintf(&b, ", state %c", s.State)
		}
		if s.Blocked != 0 {
			fmt.Fprintf(&b, ", %d s", s.Blocked)
		}
		if s.HasAddress {
			fmt.Fprintf(&b, ", address %#x", s.Address)
		}
		if e.Kernel != "" {
			fmt.Fprintf(&b, ", kernel %s", e.Kernel)
		}
		if s.Cut {
			b.WriteString(", cut")
		}
		fmt.Fprintf(&b, "\n  %q\n", s.Title)
		for _, f := range s.Frames {
			fmt.Fprintf(&b, "\t%s", f.Func)
			if f.Module != "" {
				fmt.Fprintf(&b, " [%s]", f.Module)
			}
			b.WriteByte('\n')
		}
	}
	if len(events) == 0 {
		return "no report\n"
	}
	return b.String()
}

// Every log of samples/reports, one spelling of an age or an architecture each,
// has what is read out of it beside it.
func TestReportsOfEveryAge(t *testing.T) {
	logs, err := filepath.Glob("samples/reports/*.txt")
	if err != nil || len(logs) < 30 {
		t.Fatalf("%d samples, %v", len(logs), err)
	}
	for _, log := range logs {
		name := strings.TrimSuffix(filepath.Base(log), ".txt")
		t.Run(name, func(t *testing.T) {
			text, err := os.ReadFile(log)
			if err != nil {
				t.Fatal(err)
			}
			got := show(report(records(t, name, text)))
			file := strings.TrimSuffix(log, ".txt") + ".want"
			if *update {
				if err := os.WriteFile(file, []byte(got), 0o666); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			if got != string(want) {
				t.Errorf("read:\n%s\nwant:\n%s", got, want)
			}
		})
	}
}

// recorded are the reports of a recording.
func recorded(t *testing.T, file string) []Event {
	t.Helper()
	text, err := os.ReadFile("samples/recorded/" + file)
	if err != nil {
		t.Fatal(err)
	}
	return report(records(t, file, text))
}

// Every repetition is an event, with the same task and the same stack. What the
// stacks say of each thread was told by the module that made the recordings.
func TestReportsOfRecordings(t *testing.T) {
	unwoken := "__schedule schedule schedule_preempt_disabled kthread ret_from_fork ret_from_fork_asm"
	deaf := "__schedule schedule schedule_timeout __wait_for_common fn_deaf[ktlab] kthread ret_from_fork ret_from_fork_asm"
	stops := "__schedule schedule schedule_timeout __wait_for_common kthread_stop stop_say[ktlab] …"
	locked := "__schedule schedule schedule_preempt_disabled __mutex_lock param_attr_store module_attr_store …"
	rmmod := func(at ...string) (want []string) {
		for _, n := range at {
			want = append(want, "ktlab_bg[662] "+n+" "+deaf, "rmmod[664] "+n+" "+stops)
		}
		return want
	}
	var hung []string
	for _, n := range []string{"12", "16", "20", "25"} {
		hung = append(hung, "kt_unwoken[594] "+n+" "+unwoken, "guest.sh[595] "+n+" "+stops, "kt_deaf[596] "+n+" "+deaf, "guest.sh[598] "+n+" "+locked)
	}
	var long []string
	for _, n := range []string{"12", "16", "20", "24", "28"} {
		long = append(long, "kt_unwoken[328] "+n+" "+unwoken)
	}
	for _, n := range []string{"12", "16"} {
		long = append(long, "guest.sh[349] "+n+" "+stops, "kt_deaf[351] "+n+" "+deaf)
	}
	long = append(long, rmmod("12", "16", "20")...)
	tests := []struct {
		file string
		want []string
	}{
		{"dmesg-hung-unwoken-and-deaf.txt", hung},
		{"dmesg-rmmod-hang.txt", rmmod("12", "16")},
		// The recording's first lines, laid out again; it ends in a trace.
		{"layout-hung-arm32-style.txt", append(hung[:5:5], "guest.sh[595] 16 cut __schedule schedule schedule_timeout __wait_for_common kthread_stop")},
		{"kmsg-rmmod-hang.txt", long},
		{"journal-json-rmmod-hang.json", long},
		{"dmesg-twice.txt", nil},
		{"negative-boot-only.txt", nil},
	}
	for _, tt := range tests {
		t.Run(tt.file, func(t *testing.T) {
			var got []string
			for _, e := range recorded(t, tt.file) {
				s := e.Stack
				if s.Report != HungTask || s.State != 'D' || e.Kernel != "6.12.117+deb12-cloud-amd64" {
					t.Errorf("line %d: report %v, state %c, kernel %q", e.Line, s.Report, s.State, e.Kernel)
				}
				say := fmt.Sprintf("%v %d", e.Thread, s.Blocked)
				if s.Cut {
					say += " cut"
				}
				for i, f := range s.Frames {
					if say += " " + f.Func; f.Module != "" {
						say += "[" + f.Module + "]"
					}
					if i == 5 && !s.Has("kthread") {
						say += " …"
						break
					}
				}
				got = append(got, say)
			}
			if !slices.Equal(got, tt.want) {
				t.Errorf("read:\n%s\nwant:\n%s", strings.Join(got, "\n"), strings.Join(tt.want, "\n"))
			}
		})
	}
}

func TestStack(t *testing.T) {
	s := &Stack{Frames: []Frame{{Func: "schedule"}, {Func: "kthread_stop"}, {Func: "kt_exit", Module: "ktlab"}}}
	if !s.Has("schedule") || s.Has("kthread") || s.Index("kt_exit") != 2 || s.Index("kthread") != -1 {
		t.Error("wrong functions")
	}
	if f, ok := s.Below("kthread_stop"); !ok || f.Module != "ktlab" {
		t.Errorf("below kthread_stop is %v, %v", f, ok)
	}
	for _, fn := range []string{"kt_exit", "kthread"} {
		if f, ok := s.Below(fn); ok {
			t.Errorf("below %s is %v", fn, f)
		}
	}
}

// What says nothing of a stack costs nothing.
func TestReporterAllocatesNothingForOtherMessages(t *testing.T) {
	text, err := os.ReadFile("samples/recorded/negative-boot-only.txt")
	if err != nil {
		t.Fatal(err)
	}
	recs := records(t, "negative", text)
	var r reporter
	emit := func(Event) { t.Error("a report") }
	if n := testing.AllocsPerRun(10, func() {
		for i := range recs {
			r.message(&recs[i], emit)
		}
	}); n != 0 {
		t.Errorf("%v allocations for %d messages", n, len(recs))
	}
}
