package checker

import (
	"cmp"
	"slices"
)

// A Level says how bad a finding is.
type Level string

const (
	Note    Level = "note"    // good to know; legal
	Warning Level = "warning" // cannot be decided, or looks wrong
	Error   Level = "error"   // a violation, or a hang
)

// A Rule is a kind of finding. IDs are never used for anything else again. Each
// has two examples in the folder rules: see Bad and Good.
//
// A rule finds in one place and speaks in another: Find looks at a life, and gives
// places in it; Say makes words of them, when the life is reported. One Find may
// serve many lives that went the same way, with the same values: it must not look at
// names, pids, line numbers and stamps (cacheKey has none of them).
type Rule struct {
	ID      string
	Title   string
	Level   Level
	Hang    bool   // a finding of it is a hang, not a violation
	Kernels string // where it applies
	Text    string // what it means, why, and what to do

	// Open is the fact that a finding leaves open, as in Verdict.Open: what the
	// graph says would settle that is said with the finding. Empty: none.
	Open string

	Find func(*Case) []Evidence     // in one life; nil: it finds nothing there
	Say  func(*Life, Evidence) Text // the words for what Find has found

	FindLog func(*Log) []Evidence     // in the whole log, what is no one thread's; nil: nothing
	SayLog  func(*Log, Evidence) Text // the words for what FindLog has found
}

// All rules stand in one of these lists.
var (
	// fitting are those that look at lives that fit, in the order in which their
	// findings are reported.
	fitting = []*Rule{
		&KT021, &KT022, &KT028, &KT031, &KT035, // by reports on the thread
		&KT029, &KT030, &KT032, &KT036, &KT016, &KT018, &KT001, &KT011, &KT008, &KT012,
	}
	// misfitting are those that look at lives that do not: the first that finds
	// something speaks of it.
	misfitting = []*Rule{&KT002, &KT003, &KT004, &KT005, &KT006, &KT007, &KT009}
	// general look at whole logs alone.
	general = []*Rule{&KT015, &KT017, &KT020, &KT023, &KT024, &KT025, &KT026, &KT027, &KT033, &KT034, &KT037}
	// qualified are put in place of others, or beside them, where it is open whose
	// the lines are or which kernel's rules hold.
	qualified = []*Rule{&KT010, &KT013, &KT014, &KT019}
)

// Rules are all rules, in the order of their IDs.
var Rules = byID(fitting, misfitting, general, qualified)

func byID(lists ...[]*Rule) []*Rule {
	return slices.SortedFunc(slices.Values(slices.Concat(lists...)), func(a, b *Rule) int { return cmp.Compare(a.ID, b.ID) })
}

// RuleByID returns a rule, nil where there is none of that ID.
func RuleByID(id string) *Rule {
	for _, r := range Rules {
		if r.ID == id {
			return r
		}
	}
	return nil
}
