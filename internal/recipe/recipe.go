// Package recipe writes the commands that record what tracecheck needs to
// decide everything that can be decided of a kernel thread.
package recipe

import (
	_ "embed"
	"fmt"
	"slices"
	"strings"
	"text/template"
)

// Tools are the tracers that there is a recipe for.
var Tools = []string{"ftrace", "trace-cmd", "perf", "bpftrace"}

// A release is a kernel's version, as far as recipes depend on it.
type release struct{ major, minor int }

func (r release) before(major, minor int) bool {
	return r.major < major || r.major == major && r.minor < minor
}

// A probe is a kprobe: on the entry of a function, or on its return.
type probe struct {
	Func    string
	Args    string // as kprobe_events takes them; empty: none
	Returns bool
	Why     string // what it decides

	from, until [2]int // the releases that have the function; zero: all of them
}

// probes are what tracepoints do not show. Which functions there are, and which
// the compiler leaves as symbols, was seen in Linux 6.1 and 6.12; the script
// leaves out, with a word, what the running kernel has not.
var probes = []probe{
	{Func: "__kthread_parkme", Why: "the last test before threadfn has found no stop", from: [2]int{3, 7}},
	{Func: "kthread_exit", Args: "code=%s:s32", Why: "the value that the thread ends with", from: [2]int{5, 17}, until: [2]int{7, 0}},
	{Func: "do_exit", Args: "code=%s:s32", Why: "the value that the thread ends with", until: [2]int{5, 17}},
	{Func: "do_exit", Args: "code=%s:s32", Why: "the value that the thread ends with", from: [2]int{7, 0}},
	{Func: "kthread_park", Args: "task=%s:x64", Why: "who parks", from: [2]int{3, 7}},
	{Func: "kthread_park", Args: "ret=$retval:s32", Returns: true, Why: "and whether it was parked", from: [2]int{3, 7}},
	{Func: "kthread_unpark", Args: "task=%s:x64", Why: "kthread_stop has set its flag; or an unpark", from: [2]int{3, 7}},
	{Func: "kthread_should_stop", Args: "ret=$retval:s32", Returns: true, Why: "the thread's own tests, of modules' threads at least"},
}

// tracepoints are those of the scheduler; sched_waking exists from 4.3 on.
func tracepoints(known bool, r release) []string {
	wake := []string{"sched_waking"}
	switch {
	case known && r.before(4, 3):
		wake = []string{"sched_wakeup"}
	case !known:
		wake = []string{"sched_waking", "sched_wakeup"}
	}
	return slices.Concat([]string{"sched_kthread_stop", "sched_kthread_stop_ret"}, wake,
		[]string{"sched_switch", "sched_process_fork", "sched_process_exit", "sched_process_free"})
}

// argument is how the first argument of a function is fetched: $arg1 from 4.20
// on, else by the name of x86's register.
func argument(known bool, r release) string {
	if known && r.before(4, 20) {
		return "%di"
	}
	return "$arg1"
}

//go:embed recipe.sh.tmpl
var text string

// Write is the recipe of a tool for a kernel, as `uname -r` prints it, or any
// with "auto": a shell script that is pasted, or saved and run as root.
func Write(tool, kernel string) (string, error) {
	if !slices.Contains(Tools, tool) {
		return "", fmt.Errorf("want %s", strings.Join(Tools[:len(Tools)-1], ", ")+" or "+Tools[len(Tools)-1])
	}
	var r release
	known := kernel != "auto"
	if known {
		if _, err := fmt.Sscanf(kernel, "%d.%d", &r.major, &r.minor); err != nil {
			return "", fmt.Errorf("%q is no kernel release like 5.10.0-21-amd64", kernel)
		}
	}
	type shellProbe struct{ Event, Define, Why string }
	var list []shellProbe
	for _, p := range probes {
		if known && (p.from != [2]int{} && r.before(p.from[0], p.from[1]) || p.until != [2]int{} && !r.before(p.until[0], p.until[1])) {
			continue
		}
		if !known && p.Func == "do_exit" {
			if p.until == [2]int{} {
				continue // the same probe, of another time
			}
			p.Why += ", where there is no kthread_exit"
		}
		args := p.Args
		if strings.Contains(args, "%s") {
			args = fmt.Sprintf(args, argument(known, r))
		}
		kind, name := "p", p.Func
		if p.Returns {
			kind, name = "r256", p.Func+"__return" // 256 at a time: the default misses returns
			if known && r.before(4, 10) {
				kind = "r"
			}
		}
		list = append(list, shellProbe{name, strings.TrimSpace(fmt.Sprintf("%s:tracecheck/%s %s %s", kind, name, p.Func, args)), p.Why})
	}
	var b strings.Builder
	err := template.Must(template.New("").Parse(text)).ExecuteTemplate(&b, tool, map[string]any{
		"Kernel": kernel, "Known": known, "Tracepoints": tracepoints(known, r), "Probes": list,
	})
	script := b.String()
	for strings.Contains(script, "\n\n\n") {
		script = strings.ReplaceAll(script, "\n\n\n", "\n\n")
	}
	return strings.TrimSpace(script) + "\n", err
}
