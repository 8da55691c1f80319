package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// oldestGo is the first Go that can fetch the Go of go.mod, as README.md says.
const oldestGo = "go1.21.0"

// The README's first command works with an older Go, which fetches the Go of
// go.mod. That must have three numbers: for "go 1.25", Go 1.21.0 and the 1.22.2
// of Ubuntu 24.04 look for a release go1.25, which does not exist.
func TestAnOlderGoFetchesTheGoOfGoMod(t *testing.T) {
	if os.Getenv("CI") == "" {
		t.Skip("fetches two versions of Go, 130 MB; set CI to run it")
	}
	// The go command fetches an older one as the module golang.org/toolchain.
	find := exec.CommandContext(t.Context(), "go", "env", "GOROOT")
	find.Dir = t.TempDir() // outside of this module, which asks for a newer one
	find.Env = append(os.Environ(), "GOTOOLCHAIN="+oldestGo)
	root, err := find.Output()
	if err != nil {
		t.Fatalf("go env GOROOT of %s: %v", oldestGo, err)
	}
	bin := filepath.Join(strings.TrimSpace(string(root)), "bin")
	run := exec.CommandContext(t.Context(), filepath.Join(bin, "go"), "run", "./cmd/tracecheck", "traces/samples/race-run2.dmesg")
	run.Dir = filepath.Join("..", "..")
	run.Env = append(os.Environ(), "GOTOOLCHAIN=auto", "PATH="+bin+string(os.PathListSeparator)+os.Getenv("PATH"))
	out, err := run.CombinedOutput()
	if err != nil || !strings.Contains(string(out), "verdict: fits (3 threads)") {
		t.Errorf("%s: %v\n%s", oldestGo, err, out)
	}
}
