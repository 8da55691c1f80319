package checker

import "fmt"

// A confusion is a reason why it is not known which lines belong to a life.
type confusion int

const (
	notConfused confusion = iota
	overlapping           // see Life.Mixed
	following             // see Life.Follows
	ambiguous             // see Event.OrNames
)

// confusionOf returns the reason why it is not known which lines belong to a life, or
// notConfused.
func confusionOf(l *Life) confusion {
	switch {
	case l.Mixed:
		return overlapping
	case l.Follows > 0 && !l.Created():
		return following
	case l.Ambiguous():
		return ambiguous
	}
	return notConfused
}

func (c confusion) why() string {
	switch c {
	case overlapping:
		return "several threads have this name, and without a pid it is open which line is about which"
	case following:
		return "it may be the next thread of that name, or lines that the one before cannot have caused"
	}
	return "its lines may also be about a thread of another name"
}

func (c confusion) evidence() Evidence { return Evidence{Events: []int{0}, Detail: c} }

func (c confusion) says(l *Life) Text {
	first := &l.Events()[0]
	switch c {
	case overlapping:
		return Text{
			Message:     "another thread of this name comes before the end of the one before is in the log",
			WouldSettle: "messages with the pid",
		}
	case following:
		return Text{
			Message:     fmt.Sprintf("%q comes after the thread of that name was stopped, and no line says that another was created", first.Text),
			Lines:       []int{l.Follows, first.Line},
			WouldSettle: "the rest of the log: the message of its creation",
		}
	}
	return Text{Message: fmt.Sprintf("%q is read as being about %s, but may be about %s", first.Text, l.Thread, first.OrNames[0])}
}
