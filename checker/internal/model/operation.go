package model

import "math"

// An Operation is one or several actions of the specification, of which one
// happened, with the window in which it did. Windows are closed intervals, as
// porcupine's are; the unit is the caller's.
type Operation struct {
	From, To int64
	Actions  ActionSet // none: the graph has no such action, and it cannot happen
	Optional bool      // it may also not have happened yet at the end
	Event    int       // the caller's index of what shows it; -1: nothing does

	// Observes: no action happens, but at that moment the state is one of Only.
	Observes bool
	Only     StateSet
	// OrderOnly: no action happens; chains meet here, and that orders what is in them.
	OrderOnly bool
	// UntilEnd: no hidden action happens after this operation.
	UntilEnd bool

	In     [4]Place // its places in chains
	Places int      // how many of In are in use
}

// A Place is where an operation stands in a chain. A chain has operations whose order is
// certain: those of one task, or those of one CPU.
type Place struct {
	Chain int8   // 0 to MaxChains-1
	Seq   uint16 // from 0
}

// MaxChains bounds the chains of a query. Operations that are in no chain are bounded by
// their windows only, which allows more.
const MaxChains = 16

// Never is the end of a window that nothing closes.
const Never = math.MaxInt64 - 2

// Open says whether nothing closes the operation's window.
func (o Operation) Open() bool { return o.To == Never }
