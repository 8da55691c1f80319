package runs

import (
	"context"
	"fmt"
	"io"
	"path/filepath"
	"strings"

	"github.com/kthread-tla/tracecheck/internal/tlc"
)

// Kernels are those by whose rules lives are made, as in spec/Eras.tla.
var Kernels = []string{"2.6.32", "3.18", "5.4", "6.1", "6.12", "7.0"}

// Releases are full names of releases of those kernels.
var Releases = map[string]string{
	"2.6.32": "2.6.32", "3.18": "3.18.140", "5.4": "5.4.73", "6.1": "6.1.192", "6.12": "6.12.117", "7.0": "7.0.3",
}

// models are who there is besides the thread and its creator.
var models = []struct{ name, stoppers, parkers, fail string }{
	{"fails", `"s1"`, "", "TRUE"},
	{"stops", `"s1", "s2"`, "", "FALSE"},
	{"parks", `"s1"`, `"p1"`, "FALSE"},
}

// config is a model of KThread with a threadfn that does whatever it likes.
const config = `SPECIFICATION Spec
CONSTANTS
  Era <- Linux_%s
  Threads = {"t1"}
  Stoppers = {%s}
  Parkers = {%s}
  Target <- AllAfterT1
  Fn <- Arbitrary
  FnValues <- %s
  Held = TRUE
  Early = TRUE
  CanFail = %s
  CanKill = %[5]s
  CanFreeze = FALSE
  NoValue = NoValue
CHECK_DEADLOCK FALSE
`

// graphs has TLC dump the state graphs of one kernel and calls f with each.
func graphs(ctx context.Context, tools tlc.Tools, root, kernel string, f func(model string, g *graph)) error {
	for _, m := range models {
		if m.parkers != "" && kernel == "2.6.32" {
			continue
		}
		cfg := fmt.Sprintf(config, strings.ReplaceAll(kernel, ".", "_"), m.stoppers, m.parkers, "EioOrEintr", m.fail)
		var g *graph
		model := tlc.Model{Name: "runs-" + m.name + "-" + kernel, Path: filepath.Join(root, "spec", "models", "runs.cfg"), Module: "MCKThread"}
		_, err := tools.RunConfigAndRead(ctx, model, cfg, func(dot io.Reader) (err error) {
			g, err = readGraph(dot)
			return err
		})
		if err != nil {
			return err
		}
		f(m.name, g)
	}
	return nil
}
