package runs

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/kthread-tla/tracecheck/internal/tlc"
)

// A History is what a trace shows of one life, for spec/KThreadTrace.tla.
type History struct {
	Kernel, Model string
	On            map[string]int // who has which CPU in the beginning, from 1
	CPUs          [][]saidLine
	Lines         int
}

// saidLine is a line of a History.
type saidLine struct {
	kind, task string
	by         []string
	value      int
	need       []int // of each CPU, how many of its lines come before
	stamp      int64
}

// clocksDiffer is by how much two CPUs' clocks may differ, in nanoseconds: docs/usage.md.
const clocksDiffer = 10_000_000

// recorded are the kinds of lines of a whole recording with probes.
var recorded = []string{
	"fork", "in", "out-R", "out-S", "out-D", "out-I", "out-P", "out-X", "waking", "exit", "free",
	"stop", "stop_ret", "parkme", "exit_call", "should_stop", "park", "park_ret", "unpark",
}

// kinds are the events that say what they are called.
var kinds = map[string]string{
	"sched_process_fork": "fork", "sched_process_exit": "exit", "sched_process_free": "free",
	"sched_kthread_stop": "stop", "sched_kthread_stop_ret": "stop_ret", "parkme": "parkme",
	"kthread_exit": "exit_call", "do_exit": "exit_call", "should_stop": "should_stop",
	"park": "park", "park_ret": "park_ret", "unpark": "unpark", "sched_waking": "waking",
}

// History is what the lines show of a life. flags: the format shows interrupts.
func (r *Run) History(w *world, lines []*Line, flags bool) *History {
	h := &History{Kernel: r.Kernel, Model: w.walk.Model, On: map[string]int{}, CPUs: make([][]saidLine, r.CPUs)}
	seen := map[string]bool{}
	for _, l := range lines {
		me := w.roles[l.PID]
		if me != "" && !seen[me] && l.Event != "sched_switch" && l.Context == 'T' {
			seen[me] = true
			h.On[me] = l.CPU + 1
		}
		by := []string{"other"}
		if me != "" {
			switch {
			case !flags:
				by = []string{me, "other"}
			case l.Context == 'T':
				by = []string{me}
			}
		}
		if l.Event == "sched_switch" {
			if out := w.roles[l.Prev.PID]; out != "" {
				if !seen[out] {
					seen[out] = true
					h.On[out] = l.CPU + 1
				}
				h.add(l, "out-"+strings.ToUpper(strings.TrimSuffix(l.State, "+")), out, []string{out}, 0)
			}
			if in := w.roles[l.About]; in != "" {
				seen[in] = true
				h.add(l, "in", in, []string{in}, 0)
			}
			continue
		}
		kind, about := kinds[l.Event], w.roles[l.About]
		if l.Event == "sched_kthread_stop_ret" || l.Event == "park_ret" {
			about = "" // who returns tells whose it is
			if me != "" {
				about = "t1"
			}
		}
		if kind == "" || about == "" {
			continue
		}
		value := 0
		switch kind {
		case "stop_ret", "exit_call":
			value = w.abstract(l.Value)
		case "should_stop", "park_ret":
			value = l.Value
		case "fork", "free":
			by = []string{"other"}
		}
		h.add(l, kind, about, by, value)
	}
	for cpu := range h.CPUs {
		for i := range h.CPUs[cpu] {
			s := &h.CPUs[cpu][i]
			s.need = make([]int, len(h.CPUs))
			for d, lines := range h.CPUs {
				if d != cpu {
					s.need[d] = slices.IndexFunc(lines, func(o saidLine) bool { return o.stamp >= s.stamp-clocksDiffer-2000 })
					if s.need[d] < 0 {
						s.need[d] = len(lines)
					}
				}
			}
		}
	}
	return h
}

// other stands in a History for every value that no thread of the walk ends with.
const otherValue = 77

func (w *world) abstract(v int) int {
	switch v {
	case 0, -4, 9:
		return v
	case w.value:
		return anyValue
	}
	return otherValue
}

func (h *History) add(l *Line, kind, task string, by []string, value int) {
	h.CPUs[l.CPU] = append(h.CPUs[l.CPU], saidLine{kind: kind, task: task, by: by, value: value, stamp: l.Stamp})
	h.Lines++
}

// tla is the history as a value of TLA+.
func (h *History) tla(b *strings.Builder) {
	fmt.Fprintf(b, "[lines |-> %d, on |-> ", h.Lines)
	if len(h.On) == 0 {
		b.WriteString("<<>>")
	}
	sep := "["
	for _, who := range []string{"t1", "c", "s1", "s2", "p1"} {
		if cpu := h.On[who]; cpu > 0 {
			fmt.Fprintf(b, "%s%s |-> %d", sep, who, cpu)
			sep = ", "
		}
	}
	if sep == ", " {
		b.WriteString("]")
	}
	b.WriteString(", cpus |-> <<\n")
	for i, lines := range h.CPUs {
		if i > 0 {
			b.WriteString(",\n")
		}
		b.WriteString("<<")
		for n, s := range lines {
			if n > 0 {
				b.WriteString(", ")
			}
			fmt.Fprintf(b, `L("%s", "%s", {"%s"}, %d, <<%s>>)`, s.kind, s.task, strings.Join(s.by, `", "`), s.value,
				strings.Trim(strings.Join(strings.Fields(fmt.Sprint(s.need)), ", "), "[]"))
		}
		b.WriteString(">>")
	}
	b.WriteString(">>]")
}

const judgeConfig = `SPECIFICATION TraceSpec
CONSTANTS
  Era <- Linux_%s
  Threads = {"t1"}
  Stoppers = {%s}
  Parkers = {%s}
  Target <- AllAfterT1
  Fn <- Arbitrary
  FnValues <- Values
  Held = TRUE
  Early = TRUE
  CanFail = FALSE
  CanKill = FALSE
  CanFreeze = FALSE
  NoValue = NoValue
  SpuriousWakes <- Yes
  %s <- EventIsNext
INVARIANTS Progress
CONSTRAINT StillOpen
CHECK_DEADLOCK FALSE
`

// batch is how many histories go into one run of TLC.
const batch = 150

// Legal has TLC say which histories KThread can have made. They may be of several kernels
// and models.
func Legal(ctx context.Context, tools tlc.Tools, root string, all []*History) ([]bool, error) {
	legal := make([]bool, len(all))
	groups := map[[2]string][]int{}
	for i, h := range all {
		key := [2]string{h.Kernel, h.Model}
		groups[key] = append(groups[key], i)
	}
	for key, members := range groups {
		for some := range slices.Chunk(members, batch) {
			if err := legalBatch(ctx, tools, root, key, some, all, legal); err != nil {
				return nil, err
			}
		}
	}
	return legal, nil
}

func legalBatch(ctx context.Context, tools tlc.Tools, root string, key [2]string, some []int, all []*History, legal []bool) error {
	dir, err := os.MkdirTemp("", "runs-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	modules, err := filepath.Glob(filepath.Join(root, "spec", "*.tla"))
	if err != nil {
		return err
	}
	for _, m := range modules {
		text, err := os.ReadFile(m)
		if err != nil {
			return err
		}
		if err := os.WriteFile(filepath.Join(dir, filepath.Base(m)), text, 0o666); err != nil {
			return err
		}
	}
	var b strings.Builder
	b.WriteString("---- MODULE TraceLogs ----\nLOCAL INSTANCE Integers\n")
	fmt.Fprintf(&b, "Recorded == {\"%s\"}\n", strings.Join(recorded, `", "`))
	b.WriteString("L(kind, task, by, value, need) == [kind |-> kind, task |-> task, by |-> by, value |-> value, need |-> need]\n")
	for n, i := range some {
		fmt.Fprintf(&b, "Log%d == ", n+1)
		all[i].tla(&b)
		b.WriteString("\n")
	}
	b.WriteString("Logs == <<")
	for n := range some {
		if n > 0 {
			b.WriteString(", ")
		}
		fmt.Fprintf(&b, "Log%d", n+1)
	}
	b.WriteString(">>\n====\n")
	if err := os.WriteFile(filepath.Join(dir, "TraceLogs.tla"), []byte(b.String()), 0o666); err != nil {
		return err
	}
	event := "AfterComplete"
	if key[0] == "7.0" {
		event = "AfterStore"
	}
	var stoppers, parkers string
	for _, m := range models {
		if m.name == key[1] {
			stoppers, parkers = m.stoppers, m.parkers
		}
	}
	cfg := fmt.Sprintf(judgeConfig, strings.ReplaceAll(key[0], ".", "_"), stoppers, parkers, event)
	res, err := tools.RunConfig(ctx, tlc.Model{Path: filepath.Join(dir, "models", "m.cfg"), Module: "KThreadTrace"}, cfg)
	if err != nil {
		i := max(strings.Index(res.Output, "Error: "), 0)
		return fmt.Errorf("%w\n%.2000s", err, res.Output[i:])
	}
	for line := range strings.Lines(res.Output) {
		var n int
		if _, err := fmt.Sscanf(line, `<<"legal", %d>>`, &n); err == nil && n >= 1 && n <= len(some) {
			legal[some[n-1]] = true
		}
	}
	return nil
}
