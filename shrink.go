package tracecheck

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/kthread-tla/tracecheck/checker"
	"github.com/kthread-tla/tracecheck/traces/reader"
)

// Shrink returns the smallest part of a log in which a thread still does not fit. The part
// is a log itself: lines as they are, and a special line where some were left out. A
// tracer's header stays. The part has been judged again, and does not fit by the same rule.
//
// The thread is a name, a pid in decimal, or name[pid]; of several lives of that
// name the first that does not fit is used. Options.Threads and Yield are not used. src is
// read twice, from its current position. The error says that reading failed, that there is
// no such thread, that everything fits, or that no such part was found.
func Shrink(ctx context.Context, src io.ReadSeeker, thread string, o Options) ([]byte, error) {
	start, err := src.Seek(0, io.SeekCurrent)
	if err != nil {
		return nil, err
	}
	known := false
	bad, spans, format, err := misfit(ctx, src, o, func(v *checker.Verdict) bool {
		ok := named(v.Life, []string{thread})
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
	if _, err := src.Seek(start, io.SeekStart); err != nil {
		return nil, err
	}
	kept, err := cutOut(src, spans)
	if err != nil {
		return nil, err
	}
	if strings.HasPrefix(format, "bpftrace") { // whose lines are out of order, so that its end matters
		kept = append(kept, numbered{0, []byte(reader.RestLeftOut + "\n")})
	}
	shows := func(kept []numbered) bool {
		same, _, _, err := misfit(ctx, bytes.NewReader(asLog(kept)), o, func(v *checker.Verdict) bool {
			return v.Life.Thread.Same(bad.Life.Thread) && v.Fits == checker.FitsNo && v.Findings[0].Rule == bad.Findings[0].Rule
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

// misfit returns the first life of a log that is asked for and does not fit, and the
// smallest part that shows that. It also returns the log's format.
func misfit(ctx context.Context, src io.Reader, o Options, asked func(*checker.Verdict) bool) (bad *checker.Verdict, spans []checker.Span, format string, err error) {
	o.Threads = nil
	o.Yield = func(v *checker.Verdict) error {
		if bad == nil && asked(v) && v.Fits == checker.FitsNo {
			bad, spans = v, v.Shrunk()
		}
		return nil
	}
	r, err := Check(ctx, src, o)
	return bad, spans, r.Summary.Inputs[0].Format, err
}

// A numbered is a line of a log with its number. The number of a header's line is 0, and
// that of RestLeftOut: they are always kept.
type numbered struct {
	n    int
	text []byte
}

// cutOut returns some lines of a log, and its header if it has one.
func cutOut(src io.Reader, spans []checker.Span) (kept []numbered, err error) {
	plain, err := reader.Unpack(src)
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

// asLog makes a log of lines. Where some were left out, a line says so.
func asLog(kept []numbered) []byte {
	var out bytes.Buffer
	before := 0
	for _, l := range kept {
		if before > 0 && l.n > before+1 {
			fmt.Fprintln(&out, reader.LeftOut(l.n-before-1))
		}
		before = l.n
		out.Write(l.text)
	}
	return out.Bytes()
}

// maxTightened bounds the number of lines that tighten is used on.
const maxTightened = 300

// tighten tries to leave out each line of a trace, and keeps what is then still needed. A
// line about another thread may be needed because it shows that the trace has a kind of
// event, and Verdict.Shrunk need not have kept the best such line.
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
