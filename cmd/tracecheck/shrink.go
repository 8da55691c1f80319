package main

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"

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
	part, err := cutOut(src, spans)
	if err != nil {
		return nil, err
	}
	j.stdin = bytes.NewReader(part)
	same, _, err := j.misfit("-", func(v *checker.Verdict) bool {
		return v.Life.Thread == bad.Life.Thread && v.Fits == checker.FitsNo && v.Findings[0].Rule == bad.Findings[0].Rule
	})
	if err != nil || same == nil {
		return nil, errors.New("the lines that show it cannot be kept in this format")
	}
	return part, nil
}

// misfit is the first life of a log, of those that are asked for, that does not
// fit, and the smallest part that shows it.
func (j *job) misfit(file string, asked func(*checker.Verdict) bool) (bad *checker.Verdict, spans []checker.Span, err error) {
	quit := make(chan struct{})
	defer close(quit)
	r := j.start([]string{file}, []string{file}, quit)[0]
	for v := range r.verdicts {
		if asked(v) && v.Fits == checker.FitsNo && bad == nil {
			bad, spans = v, v.Shrunk()
		}
	}
	return bad, spans, r.in.Err
}

// cutOut takes lines out of a log, and its header if it is a trace.
func cutOut(src io.Reader, spans []checker.Span) ([]byte, error) {
	plain, err := traces.Unpack(src)
	if err != nil {
		return nil, err
	}
	in := bufio.NewReader(plain)
	var out bytes.Buffer
	gap, header := 0, true
	for n := 1; len(spans) > 0; n++ {
		line, err := in.ReadBytes('\n')
		if err != nil && err != io.EOF {
			return nil, err
		}
		header = header && bytes.HasPrefix(line, []byte("#"))
		switch {
		case header:
			out.Write(line)
		case n < spans[0].From:
			gap++
		default:
			if gap > 0 && out.Len() > 0 {
				fmt.Fprintln(&out, traces.LeftOut(gap))
			}
			gap = 0
			out.Write(line)
		}
		if n >= spans[0].To {
			spans = spans[1:]
		}
		if err == io.EOF {
			break
		}
	}
	return out.Bytes(), nil
}
