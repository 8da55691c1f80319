package reader

import (
	"fmt"
	"strings"

	"github.com/kthread-tla/tracecheck/traces/internal/klog"
	"github.com/kthread-tla/tracecheck/traces/internal/ktrace"
)

// CheckFormat says what is wrong with Options.Format; nil: nothing.
func CheckFormat(name string) error {
	if name == "" || name == "auto" {
		return nil
	}
	var names []string
	for _, f := range Formats() {
		if f.Name == name {
			return nil
		}
		names = append(names, f.Name)
	}
	return fmt.Errorf("no such format: want auto, %s", strings.Join(names, ", "))
}

// A Format is a way to write a log that a Reader knows.
type Format struct {
	Name string // as --input-format and a report say it
	Text string // what it is, in a few words
}

// Formats lists what can be read.
func Formats() []Format {
	var list []Format
	for _, f := range klog.Formats {
		list = append(list, Format{f.Name, f.Text})
	}
	for _, l := range ktrace.Layouts {
		list = append(list, Format{l.Name, l.Text})
	}
	return list
}
