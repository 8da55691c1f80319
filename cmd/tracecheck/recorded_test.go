package main

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// The real recordings, and what their own module said truly happened.
const recorded = "../../traces/samples/recorded"

// honest are the outcomes that may be given where the truth is another one,
// because a log need not show all of it. A wrong definite one is not among them.
var honest = map[string][]string{
	"ran_then_stopped":              {"stopped", "unknown", "running"},
	"stopped_before_run":            {"stopped", "unknown"},
	"exited_by_itself":              {"unknown"},
	"exited_by_itself_then_stopped": {"ran_then_stopped", "stopped", "unknown"},
	"never_woken":                   {"unknown"},
	"stop_hung":                     {"stop_pending", "unknown"},
	"running":                       {"unknown"},
}

type recordedThread struct {
	Comm     string `json:"comm"`
	PID      int    `json:"pid"`
	AsOf     int    `json:"as_of"`
	Fits     string `json:"fits"`
	Outcome  string `json:"outcome"`
	Ran      string `json:"ran"`
	Woken    string `json:"woken"`
	ExitCode *int   `json:"exit_code"`
}

type recordedReport struct {
	Threads []recordedThread `json:"threads"`
	Inputs  []struct {
		Format string `json:"format"`
	} `json:"inputs"`
	Verdict string `json:"verdict"`
}

// formats are what each recording is.
var recordedFormats = map[string]string{
	"ftrace": "ftrace", "tracecmd": "trace-cmd", "perf": "perf-script", "bpf": "bpftrace", "bpftrace": "bpftrace-json",
	"dmesg": "dmesg", "kmsg": "kmsg", "journal": "journal-json", "layout": "dmesg", "negative": "dmesg",
}

// Of every real recording the format is named, and for each thread of which the
// truth is known the true outcome is given, or an honest weaker one.
func TestRecorded(t *testing.T) {
	files, err := filepath.Glob(filepath.Join(recorded, "*"))
	if err != nil || len(files) == 0 {
		t.Fatal("no recordings", err)
	}
	truth := readTruth(t)
	full, weaker, absent := 0, 0, 0
	for _, file := range files {
		name := filepath.Base(file)
		if name == "truth.tsv" || name == "README.md" {
			continue
		}
		kind, _, _ := strings.Cut(name, "-")
		args := [][]string{{"-f", "json", file}}
		if slices.Contains([]string{"dmesg", "kmsg", "journal"}, kind) {
			args = append(args, []string{"-f", "json", "--printk", "ktlab", file}) // with the module's own words
		}
		for _, args := range args {
			t.Run(strings.Join(append([]string{name}, args[2:len(args)-1]...), " "), func(t *testing.T) {
				var out, errOut bytes.Buffer
				status := run(strings.NewReader(""), &out, &errOut, args)
				if name == "bpftrace-f-json.ndjson" && status == exitUsage {
					return // another script's output: said so
				}
				if status == exitUsage {
					t.Fatalf("%s", errOut.String())
				}
				var r recordedReport
				if err := json.Unmarshal(out.Bytes(), &r); err != nil {
					t.Fatal(err)
				}
				if got, want := r.Inputs[0].Format, recordedFormats[strings.TrimSuffix(kind, ".txt")]; got != want {
					t.Errorf("format %s, want %s", got, want)
				}
				for _, th := range r.Threads {
					if th.Fits == "no" {
						t.Errorf("%s[%d]: fits %s", th.Comm, th.PID, th.Fits)
					}
				}
				for _, row := range truth[name] {
					i := slices.IndexFunc(r.Threads, func(th recordedThread) bool { return th.PID == row.pid })
					if i < 0 {
						absent++
						t.Logf("%s[%d]: no life", row.comm, row.pid)
						continue
					}
					th := r.Threads[i]
					// What the script records decides all but what had not ended.
					decides := strings.Contains(name, "-kthread") && !strings.Contains(row.note, "in kthread_stop()") && row.outcome != "stop_hung"
					switch {
					case th.Outcome == row.outcome:
						full++
					case decides:
						t.Errorf("%s[%d]: outcome %s, truly %s, which the script's output shows", row.comm, row.pid, th.Outcome, row.outcome)
					case slices.Contains(honest[row.outcome], th.Outcome),
						// The file of a boot whose earlier part another file holds.
						strings.Contains(row.note, "where the file holds the stop") && (th.Outcome == "stopped_before_run" || th.Outcome == "stopped"):
						weaker++
					default:
						t.Errorf("%s[%d]: outcome %s, truly %s", row.comm, row.pid, th.Outcome, row.outcome)
					}
					if th.Ran != "unknown" && th.Ran != row.ran {
						t.Errorf("%s[%d]: ran %s, truly %s", row.comm, row.pid, th.Ran, row.ran)
					}
					if th.Woken != "unknown" && th.Woken != row.woken {
						t.Errorf("%s[%d]: woken %s, truly %s", row.comm, row.pid, th.Woken, row.woken)
					}
					stopped := strings.Contains(row.note, "where the file holds the stop") && th.Outcome != row.outcome
					if stopped {
						row.code = "-4"
					}
					if th.ExitCode != nil && strconv.Itoa(*th.ExitCode) != row.code {
						t.Errorf("%s[%d]: exit code %d, truly %q", row.comm, row.pid, *th.ExitCode, row.code)
					}
					t.Logf("%s[%d]: %s, ran %s, woken %s; truly %s, %s, %s", row.comm, row.pid, th.Outcome, th.Ran, th.Woken, row.outcome, row.ran, row.woken)
				}
				if strings.HasPrefix(name, "negative") && len(r.Threads) > 0 {
					t.Errorf("%d lives in a log without kernel threads", len(r.Threads))
				}
			})
		}
	}
	t.Logf("%d threads as they truly were, %d weaker, %d without a life", full, weaker, absent)
}

type truthRow struct {
	pid                                   int
	comm, outcome, ran, woken, code, note string
}

func readTruth(t *testing.T) map[string][]truthRow {
	b, err := os.ReadFile(filepath.Join(recorded, "truth.tsv"))
	if err != nil {
		t.Fatal(err)
	}
	rows := map[string][]truthRow{}
	for i, line := range strings.Split(strings.TrimRight(string(b), "\n"), "\n") {
		f := strings.Split(line, "\t")
		if i == 0 {
			continue
		}
		for len(f) < 8 {
			f = append(f, "")
		}
		pid, err := strconv.Atoi(f[1])
		if err != nil {
			t.Fatal(err)
		}
		rows[f[0]] = append(rows[f[0]], truthRow{pid, f[2], f[3], f[4], f[5], f[6], f[7]})
	}
	return rows
}

// What is taken for granted is said: in a layout without flags an interrupt's wake
// looks like one of the task below it.
func TestAssumed(t *testing.T) {
	for file, want := range map[string]bool{"tracecmd-report.txt": true, "perf-beside-bpftrace.txt": true, "bpf-kthread.ndjson": true, "ftrace-eintr.txt": false} {
		var out, errs bytes.Buffer
		run(nil, &out, &errs, []string{"-f", "json", filepath.Join(recorded, file)})
		if got := strings.Contains(out.String(), "that stop's own"); got != want {
			t.Errorf("%s: %v, want %v\n%s", file, got, want, errs.String())
		}
	}
}
