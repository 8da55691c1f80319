package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/kthread-tla/tracecheck/report"
)

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"tracecheck": main})
}

// The stories in testdata/script: each is a log, a command line, and what must
// come of it.
func TestScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir:           "testdata/script",
		UpdateScripts: *update,
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"exits": exits,
		},
		Setup: func(e *testscript.Env) error {
			for _, v := range []string{"NO_COLOR", "CLICOLOR_FORCE"} {
				e.Setenv(v, os.Getenv("TRACECHECK_TEST_"+v)) // unset
			}
			return nil
		},
	})
}

// exits STATUS COMMAND… runs a command that must end with that status.
func exits(ts *testscript.TestScript, _ bool, args []string) {
	status := 0
	if err := ts.Exec(args[1], args[2:]...); err != nil {
		var exit *exec.ExitError
		if !errors.As(err, &exit) {
			ts.Fatalf("%v", err)
		}
		status = exit.ExitCode()
	}
	if fmt.Sprint(status) != args[0] {
		ts.Fatalf("exit status %d, want %s", status, args[0])
	}
}

// Text from a log reaches a terminal only as text.
func TestLogTextIsHarmless(t *testing.T) {
	log := "[    1.000000] Thread Creating...\n[    1.000001] Stopping \x1b[2Jevil\x07\n[    1.000002] \x1b[2Jevil\x07 stopped, exit code 3\n[    1.000003] func <b>&\"\xff\n"
	for _, format := range report.Formats {
		var out, errs bytes.Buffer
		if got := run(strings.NewReader(log), &out, &errs, []string{"--format", format, "--explain", "\x1b[2Jevil\x07"}); got != exitViolates {
			t.Errorf("status %d: %s", got, errs.String())
		}
		got := out.String() + errs.String()
		if i := strings.IndexFunc(got, func(r rune) bool { return r < ' ' && r != '\n' || r == 0x7f }); i >= 0 {
			t.Errorf("%s: a control character in %q", format, got[i:])
		}
		if (format == "json" || format == "sarif") && !json.Valid(out.Bytes()) {
			t.Errorf("not JSON: %s", got)
		}
	}
}

type closedPipe struct{}

func (closedPipe) Write([]byte) (int, error) { return 0, os.ErrClosed }

func TestAReportThatCannotBeWrittenIsAnError(t *testing.T) {
	var errs bytes.Buffer
	log := "[    1.000000] Thread Creating...\n[    1.000001] func t1\n"
	if got := run(strings.NewReader(log), closedPipe{}, &errs, nil); got != exitUsage {
		t.Errorf("status %d", got)
	}
	if !strings.Contains(errs.String(), "writing the report") {
		t.Errorf("said %q", errs.String())
	}
}
