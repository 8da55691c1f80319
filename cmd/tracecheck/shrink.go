package main

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"

	"github.com/kthread-tla/tracecheck/checker"
	"github.com/kthread-tla/tracecheck/traces"
)

// shrink is the smallest part of a log that shows of a thread what does not fit,
// as a log: its lines as they are, and a line where some were left out. A
// tracer's header is kept. What it returns has been judged again, and still does
// not fit, by the same rule.
func (j *job) shrink(file, thread string) ([]byte, error) {
	var src io.Reader
	if file == "-" {
		b, err := io.ReadAll(j.stdin)
		if err != nil {
			return nil, err
		}
		src, j.stdin = bytes.NewReader(b), bytes.NewReader(b)
	} else {
		f, err := os.Open(file)
		if err != nil {
			return nil, plainError(err)
		}
		defer f.Close()
		src = f
	}
	known := false
	bad, spans, err := j.misfit(file, func(v *checker.Verdict) bool {
		ok := wanted(v.Life.Thread, []string{thread})
		known = known || ok
		return ok
	})
	switch {
	case err != nil:
		return nil, err
	case !known:
		return nil, errors.New("no such thread in the log")
	case bad == nil:
		return nil, errors.New("nothing that does not fit")
	case spans == nil:
		return nil, errors.New("no part of the log that shows it alone was found")
	}
	kept, err := cutOut(src, spans)
	if err != nil {
		return nil, err
	}
	shows := func(kept []numbered) bool {
		j.stdin = bytes.NewReader(asLog(kept))
		same, _, err := j.misfit("-", func(v *checker.Verdict) bool {
			return v.Life.Thread == bad.Life.Thread && v.Fits == checker.FitsNo && v.Findings[0].Rule == bad.Findings[0].Rule
		})
		return err == nil && same != nil
	}
	if !shows(kept) {
		return nil, errors.New("the lines that show it cannot be kept in this format")
	}
	if bad.Life.Traced() && len(kept) <= maxTightened {
		kept = tighten(kept, shows)
	}
	return asLog(kept), nil
}

// misfit is the first life of a log, of those that are asked for, that does not
// fit, and the smallest part that shows it.
func (j *job) misfit(file string, asked func(*checker.Verdict) bool) (bad *checker.Verdict, spans []checker.Span, err error) {
	quit := make(chan struct{})
	defer close(quit)
	r := j.start([]string{file}, []string{file}, quit)[0]
	for v := range r.all() {
		if bad == nil && asked(v) && v.Fits == checker.FitsNo {
			bad, spans = v, v.Shrunk()
		}
	}
	return bad, spans, r.in.Err
}

// A numbered is a line of a log, with its number there; 0: a header's, which is
// always kept.
type numbered struct {
	n    int
	text []byte
}

// cutOut takes lines out of a log, and its header if it has one.
func cutOut(src io.Reader, spans []checker.Span) (kept []numbered, err error) {
	plain, err := traces.Unpack(src)
	if err != nil {
		return nil, err
	}
	in := bufio.NewReader(plain)
	header := true
	for n := 1; len(spans) > 0; n++ {
		text, err := in.ReadBytes('\n')
		if err != nil && err != io.EOF {
			return nil, err
		}
		header = header && bytes.HasPrefix(text, []byte("#"))
		switch {
		case header:
			kept = append(kept, numbered{0, text})
		case n >= spans[0].From:
			kept = append(kept, numbered{n, text})
		}
		if n >= spans[0].To {
			spans = spans[1:]
		}
		if err == io.EOF {
			break
		}
	}
	return kept, nil
}

// asLog makes a log of lines, which says where some were left out in between.
func asLog(kept []numbered) []byte {
	var out bytes.Buffer
	before := 0
	for _, l := range kept {
		if before > 0 && l.n > before+1 {
			fmt.Fprintln(&out, traces.LeftOut(l.n-before-1))
		}
		before = l.n
		out.Write(l.text)
	}
	return out.Bytes()
}

// maxTightened is the most lines of which each is tried.
const maxTightened = 300

// tighten leaves out what can be left out of a trace's lines. What a trace shows
// of other threads says which kinds of events it has; the one line of a kind that
// a life knows of need not be the best one to keep.
func tighten(kept []numbered, shows func([]numbered) bool) []numbered {
	for less := true; less; {
		less = false
		for i := len(kept) - 1; i >= 0; i-- {
			if without := slices.Delete(slices.Clone(kept), i, i+1); kept[i].n > 0 && shows(without) {
				kept, less = without, true
			}
		}
	}
	return kept
}
