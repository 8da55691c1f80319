package model

import (
	"errors"
	"html"
	"io"
	"slices"
	"time"

	"github.com/anishathalye/porcupine"
)

// A Drawn is how an operation of a query is drawn.
type Drawn struct {
	Row  int    // in which it overlaps no other
	Text string // what was done
	Note string // plain text, shown when one points at it
}

// ErrNotDrawn says that there are no operations, or too many to be drawn.
var ErrNotDrawn = errors.New("not drawn")

// Draw writes porcupine's drawing of the query's operations, an HTML document: an
// order that fits, or how far the longest ones come. drawn has one for each
// operation. The error is ErrNotDrawn where the search takes too long, or w's.
func (q *Query) Draw(w io.Writer, drawn []Drawn) error {
	list := make([]porcupine.Operation, 0, len(drawn))
	for i := range drawn {
		o := &q.Operations[i]
		list = append(list, porcupine.Operation{ClientId: drawn[i].Row, Input: o, Call: o.From, Return: o.To, Metadata: drawn[i].Note})
	}
	limit := time.Second
	if q.Timeout > 0 {
		limit = min(limit, q.Timeout)
	}
	left := MaxSteps
	model := q.porcupineModel(q.startWalk(), &left)
	result, info := porcupine.CheckOperationsVerbose(model, list, limit)
	if result == porcupine.Unknown || left < 0 {
		return ErrNotDrawn
	}
	for _, longest := range info.PartialLinearizations() {
		slices.SortFunc(longest, slices.Compare) // porcupine has them in a map
	}
	left = MaxSteps // for what is drawn
	words := map[*Operation]string{}
	for i := range drawn {
		words[&q.Operations[i]] = drawn[i].Text
	}
	// The drawing's tooltips are made of HTML.
	model.DescribeOperation = func(input, _ any) string { return words[input.(*Operation)] }
	model.DescribeOperationMetadata = func(note any) string { return html.EscapeString(note.(string)) }
	model.DescribeState = func(s any) string { return html.EscapeString(q.Machine.describe(q.sets.of(s.(walked).states))) }
	return porcupine.Visualize(model, info, w)
}
