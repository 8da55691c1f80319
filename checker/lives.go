package checker

import "github.com/kthread-tla/tracecheck/checker/internal/life"

// What a log shows of a thread, and of tasks that use threads.
type (
	Life         = life.Life
	Wait         = life.Wait
	Incident     = life.Incident
	IncidentKind = life.IncidentKind
	Misuse       = life.Misuse
	// A ClockDifference says that the clocks of two CPUs differ by more than 10 ms.
	ClockDifference = life.ClockDifference
)
