package report

import (
	"fmt"
	"io"
	"strings"
)

// Options are what the writers need to know.
type Options struct {
	Version string   // of tracecheck
	Names   []string // of the inputs
	Color   bool     // text: with colours
	Explain bool     // text: draw every life's interleaving
	All     bool     // text: every life, however many there are
}

// Formats are the names that New knows.
var Formats = []string{"text", "json", "ndjson", "sarif", "github", "html"}

// FormatList names the formats for a person: "text, json or html".
func FormatList() string {
	n := len(Formats) - 1
	return strings.Join(Formats[:n], ", ") + " or " + Formats[n]
}

// New returns the writer of a format, which writes to w. All writers stream: they write a
// life when Life is called, and do not keep it.
func New(format string, w io.Writer, o Options) (Writer, error) {
	switch format {
	case "text":
		return NewText(w, o), nil
	case "json":
		return NewJSON(w, o.Version, o.Names), nil
	case "ndjson":
		return NewNDJSON(w, o.Version, o.Names), nil
	case "sarif":
		return NewSARIF(w, o.Version, o.Names), nil
	case "github":
		return NewGitHub(w, o.Names), nil
	case "html":
		return NewHTML(w, o.Version, o.Names), nil
	}
	return nil, fmt.Errorf("want %s", FormatList())
}
