// Package tlctest finds TLC for tests.
package tlctest

import (
	"os"
	"testing"

	"github.com/kthread-tla/tracecheck/internal/tlc"
)

// Find returns the module's root and a TLC to run. Where there is none the
// test is skipped, with the reason, or fails under CI=true. With -short it is
// skipped too, but never under CI=true.
func Find(t testing.TB) (root string, tools tlc.Tools) {
	t.Helper()
	ci := os.Getenv("CI") == "true"
	if testing.Short() && !ci {
		t.Skip("TLC is not run with -short")
	}
	root, tools, err := tlc.Setup()
	if err != nil {
		if ci {
			t.Fatal(err)
		}
		t.Skip(err)
	}
	return root, tools
}
