package recipe

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

var kernels = []string{"auto", "2.6.32", "3.18.20", "4.4", "4.19.0-27-amd64", "5.4", "5.17", "6.1.0-40-amd64", "6.12", "7.0"}

// Every recipe is shell that a shell reads.
func TestRecipesAreShell(t *testing.T) {
	for _, tool := range Tools {
		for _, k := range kernels {
			s, err := Write(tool, k)
			if err != nil {
				t.Fatal(err)
			}
			cmd := exec.Command("sh", "-n")
			cmd.Stdin = strings.NewReader(s)
			if out, err := cmd.CombinedOutput(); err != nil || len(out) > 0 {
				t.Errorf("%s, %s: %v\n%s\n%s", tool, k, err, out, s)
			}
			if strings.Contains(s, "<no value>") || strings.Contains(s, "%!") || strings.Contains(s, "\t\t\t") {
				t.Errorf("%s, %s:\n%s", tool, k, s)
			}
			if check, err := exec.LookPath("shellcheck"); err == nil {
				cmd := exec.Command(check, "-s", "sh", "-")
				cmd.Stdin = strings.NewReader(s)
				if out, err := cmd.CombinedOutput(); err != nil {
					t.Errorf("%s, %s: %v\n%s", tool, k, err, out)
				}
			}
		}
	}
}

// What a kernel has not is not asked for.
func TestRecipesGoByTheKernel(t *testing.T) {
	for _, c := range []struct{ kernel, has, hasNot string }{
		{"2.6.32", "sched_wakeup do_exit kthread_should_stop %di", "sched_waking parkme kthread_exit kthread_park r256 $arg1"},
		{"4.4", "sched_waking __kthread_parkme do_exit kthread_unpark", "sched_wakeup kthread_exit $arg1 r256"},
		{"5.4", "sched_waking __kthread_parkme do_exit kthread_park $arg1:s32 $retval:s32 r256", "kthread_exit sched_wakeup %di"},
		{"6.1.0-40-amd64", "kthread_exit $arg1 $retval:s32", "do_exit sched_wakeup"},
		{"7.0", "do_exit", "kthread_exit"},
		{"auto", "sched_waking sched_wakeup kthread_exit do_exit", ""},
	} {
		s, err := Write("ftrace", c.kernel)
		if err != nil {
			t.Fatal(err)
		}
		for _, w := range strings.Fields(c.has) {
			if !strings.Contains(s, w) {
				t.Errorf("%s: no %s in\n%s", c.kernel, w, s)
			}
		}
		for _, w := range strings.Fields(c.hasNot) {
			if strings.Contains(s, w) {
				t.Errorf("%s: %s in\n%s", c.kernel, w, s)
			}
		}
	}
	if _, err := Write("strace", "auto"); err == nil || err.Error() != "want ftrace, trace-cmd, perf or bpftrace" {
		t.Error(err)
	}
}

// The ftrace recipe, run on a folder that looks like tracefs, writes what it
// is to write and takes it back.
func TestFtraceRecipeRuns(t *testing.T) {
	s, err := Write("ftrace", "6.12")
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	for _, e := range tracepoints(true, release{6, 12}) {
		if e == "sched_process_free" {
			continue // as if this kernel had it not
		}
		if err := os.MkdirAll(filepath.Join(dir, "events/sched", e), 0o777); err != nil {
			t.Fatal(err)
		}
	}
	for _, p := range []string{"__kthread_parkme", "kthread_exit", "kthread_park", "kthread_park__return", "kthread_unpark", "kthread_should_stop__return"} {
		if err := os.MkdirAll(filepath.Join(dir, "events/tracecheck", p), 0o777); err != nil {
			t.Fatal(err)
		}
	}
	s = strings.ReplaceAll(s, "/sys/kernel/tracing", dir)
	out := filepath.Join(t.TempDir(), "out")
	cmd := exec.Command("sh", "-c", s)
	cmd.Env = append(os.Environ(), "OUT="+out)
	cmd.Stdin = strings.NewReader("\n")
	said, err := cmd.CombinedOutput()
	if err != nil || !strings.Contains(string(said), "left out: the tracepoint sched_process_free") || !strings.Contains(string(said), "now: tracecheck "+out) {
		t.Errorf("%v\n%s", err, said)
	}
	defs, err := os.ReadFile(filepath.Join(dir, "kprobe_events"))
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"p:tracecheck/__kthread_parkme __kthread_parkme\n", "p:tracecheck/kthread_exit kthread_exit code=$arg1:s32\n",
		"r256:tracecheck/kthread_should_stop__return kthread_should_stop ret=$retval:s32\n", "-:tracecheck/kthread_exit\n"} {
		if !strings.Contains(string(defs), want) {
			t.Errorf("kprobe_events lack %q:\n%s", want, defs)
		}
	}
	for _, e := range []string{"sched/sched_switch", "tracecheck/kthread_exit"} {
		if b, _ := os.ReadFile(filepath.Join(dir, "events", e, "enable")); string(b) != "0\n" {
			t.Errorf("%s is left at %q", e, b)
		}
	}
}
