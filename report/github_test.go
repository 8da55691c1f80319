package report

import (
	"strings"
	"testing"

	"github.com/kthread-tla/tracecheck/checker"
)

func TestWorkflowCommandsAreEscaped(t *testing.T) {
	var b strings.Builder
	g := NewGitHub(&b, []string{"a,b:c%\n.log"})
	g.command(checker.Error, 0, 3, "t:1, \r\x1b[2J", "100%: a, b\n::error::no\r")
	want := `::error file=a%2Cb%3Ac%25%0A.log,line=3,title=t%3A1%2C \r\x1b[2J::100%25: a, b%0A::error::no\r` + "\n"
	if got := b.String(); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}

func TestFileURIs(t *testing.T) {
	for name, want := range map[string]string{
		"a/b.log":        "a/b.log",
		"/var/log/a b":   "file:///var/log/a%20b",
		"2026:01.log":    "./2026:01.log",
		"standard input": "standard%20input",
		"x%?#\xff":       "x%25%3F%23%FF",
	} {
		if got := fileURI(name); got != want {
			t.Errorf("%q: %q, want %q", name, got, want)
		}
	}
}

func TestSARIFTextIsNeitherLinkNorPlaceholder(t *testing.T) {
	for text, want := range map[string]string{
		"t2[17]: a message that names its caller ({by})": "t2[17]: a message that names its caller ({by})",
		"see [here](https://example.org)":                `see \[here\](https://example.org)`,
		"{0} {x}":                                        "{{0}} {{x}}",
		"{by} {1}":                                       "{{by}} {{1}}",
	} {
		if got := sarifPlain(text); got != want {
			t.Errorf("%q: %q, want %q", text, got, want)
		}
	}
}
