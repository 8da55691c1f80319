package checker

import "github.com/kthread-tla/tracecheck/traces"

// A Truth answers a question about a thread's past.
type Truth string

// A fact is Unknown where both answers fit the log.
const (
	Yes     Truth = "yes"
	No      Truth = "no"
	Unknown Truth = "unknown"
)

// Fits says whether the specification allows what a log shows of a thread.
type Fits string

const (
	FitsYes          Fits = "yes"
	FitsNo           Fits = "no"
	FitsInconclusive Fits = "inconclusive"
)

// An Outcome is what became of a thread.
type Outcome string

const (
	RanThenStopped            Outcome = "ran_then_stopped"
	StoppedBeforeRun          Outcome = "stopped_before_run"
	ExitedByItself            Outcome = "exited_by_itself"
	ExitedByItselfThenStopped Outcome = "exited_by_itself_then_stopped"
	Stopped                   Outcome = "stopped"
	Died                      Outcome = "died"
	StoppedAfterFree          Outcome = "stopped_after_free"
	NeverWoken                Outcome = "never_woken"
	Running                   Outcome = "running"
	StopHung                  Outcome = "stop_hung"
	StopPending               Outcome = "stop_pending"
	CreateFailed              Outcome = "create_failed"
	OutcomeUnknown            Outcome = "unknown"
)

// A Verdict is all that is said of one life.
type Verdict struct {
	Life    *Life
	Fits    Fits
	Why     string // one sentence where Fits is inconclusive, else empty
	Outcome Outcome
	Ran     Truth
	Woken   Truth // whether a wake_up_process() ended its first sleep, and not the wake of a stop

	ExitCode     int
	ExitCodeFrom string // observed, inferred, or empty: not known

	// KernelsFit are the eras, by name, by whose rules the life fits; where Fits
	// is no, none.
	KernelsFit []string

	// ForeignWake: a wake in the context of a task in kthread_stop() was taken for the
	// stop's own, in a trace that does not show interrupts. It may be somebody else's.
	ForeignWake bool

	Stops    []Stop
	Findings []Finding
	Open     []Open // the facts that are not known, of a life that fits

	// FitsTo is set if Fits is no: the life fits up to this line. 0: not even its first
	// event fits.
	FitsTo int

	// Revision counts the verdicts on one life, from 1. Replaces is the verdict before
	// this one; nil: there is none.
	Revision int
	Replaces *Verdict

	// Alike is the number of other lives that this verdict stands for: see
	// Options.CountOnly.
	Alike int

	how judgement
}

// A judgement is how a verdict was found. Witness, Shrunk and others need it later.
type judgement struct {
	era        *eraChecker // by whose rules
	history    *history    // by the same; nil: the life was not searched
	ends       []endsBy    // where fitting orders end, by the rules of each era that the life fits
	shownBy    int         // index in Life.Events of the event that shows an observed exit code
	beforeLoss bool        // what does not fit came before the first loss or oops: Life.BeforeLoss
	memo       *memo       // that holds the verdict; nil: none
	fromMemo   bool        // the history belongs to the memoised life
}

// Where an exit code is known from.
const (
	observed = "observed"
	inferred = "inferred"
)

// A Stop is one call of kthread_stop(). Lines are 0 where the log does not
// show them.
type Stop struct {
	By                   traces.Task
	CalledAt, ReturnedAt int
	Result               int
	HasResult            bool
}

func stopsOf(l *Life, h *history) []Stop {
	stops := make([]Stop, 0, len(h.stops))
	for _, s := range h.stops {
		var out Stop
		if s.Made >= 0 {
			e := &l.Events()[s.Made]
			out.By, out.CalledAt = e.By, e.Line
		}
		if s.Returned >= 0 {
			e := &l.Events()[s.Returned]
			if out.By == (traces.Task{}) {
				out.By = e.By
			}
			out.ReturnedAt, out.Result, out.HasResult = e.Line, e.Code, e.HasCode
		}
		stops = append(stops, out)
	}
	return stops
}
