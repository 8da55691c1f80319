package languages

// An Action is an action of KThread or of KThreadClients, and the name under
// which it is seen.
type Action struct {
	Name string
	Seen string // the name of an action of KThreadClients, or Hidden
}

// Mechanism are the actions of KThread with an arbitrary threadfn. A step is
// seen where a caller calls or returns, where a request or a value passes, and
// where the thread does what the object has a name for; the rest is hidden.
var Mechanism = []Action{
	// kthread_create(), kthreadd, kthread().
	{"CreateRequest", Hidden},
	{"CreateNoMemory", "CreateFailed"},
	{"CreateWakesKthreadd", Hidden},
	{"CreateKilled", "CreateFailed"},
	{"CreateKilledTooLate", Hidden},
	{"CreateReturnsThread", "CreateReturned"},
	{"CreateReturnsError", Hidden},
	{"CreatorStarts", "Woke"},
	{"CreatorWakesLate", "WokeLater"},
	{"CreatorNeverWakes", Hidden},
	{"KthreaddSetState", Hidden},
	{"KthreaddTest", Hidden},
	{"KthreaddWakes", Hidden},
	{"KthreaddTakes", Hidden},
	{"KthreaddForks", Hidden},
	{"ForkFailsTold", "CreateFailed"},
	{"ForkFailsUntold", Hidden},
	{"Kzalloc", Hidden},
	{"KzallocFails", "CreateFailed"},
	{"TakesRequest", Hidden},
	{"Orphan", Hidden},
	{"SetUninterruptible", Hidden},
	{"Announce", "Created"},
	{"FirstSchedule", Hidden},
	{"FirstWakeUp", Hidden},
	{"Affine", Hidden},
	{"AffineSetsState", Hidden},
	{"AffineSleeps", Hidden},
	{"AffineWoken", Hidden},
	{"AffineWakes", Hidden},
	{"LastTestRun", "DecidedRun"},
	{"LastTestStop", "DecidedNotRun"},

	// __kthread_parkme().
	{"ParkSetState", Hidden},
	{"ParkLeavesUnasked", Hidden},
	{"FirstParkStays", "HoldingAsked"},
	{"ParkMarks", Hidden},
	{"FirstParkComplete", "HoldingBegun"},
	{"FirstParkLeaves", "HoldingEnded"},
	{"FnParkStays", "ParkingAsked"},
	{"FnParkComplete", "ParkingBegun"},
	{"FnParkLeaves", "ParkingEnded"},
	{"ParkSchedule", Hidden},
	{"ParkWakeUp", Hidden},

	// threadfn.
	{"CallThreadfn", "Entered"},
	{"AnyWorks", "Worked"},
	{"AnyTestFalse", "TestedFalse"},
	{"AnyTestTrue", "TestedTrue"},
	{"AnyParkme", Hidden},
	{"AnyReturnsValue", "ReturnedValue"},
	{"AnyReturnsEintr", "ReturnedEintr"},
	{"AnyExitsValue", "ExitedValue"},
	{"AnyExitsEintr", "ExitedEintr"},
	{"AnyOopses", "Oopsed"},

	// do_exit().
	{"ExitStore", Hidden},
	{"ExitCompleteCounts", "Finished"},
	{"ExitCompleteUnseen", Hidden},
	{"Dies", Hidden},
	{"DropsOwnReference", Hidden},

	// kthread_stop().
	{"StopCall", "StopCalled"},
	{"StopGet", Hidden},
	{"StopFindsLive", Hidden},
	{"StopFindsGoneValue", "StopSkippedValue"},
	{"StopFindsGoneEintr", "StopSkippedEintr"},
	{"StopSetBit", "StopRequested"},
	{"StopUnparkLooks", Hidden},
	{"StopUnparkAsked", "StopUnparked"},
	{"StopUnparkUnasked", Hidden},
	{"StopUnparkWake", Hidden},
	{"StopNotify", Hidden},
	{"StopWakeStarts", "StopWoke"},
	{"StopWakeLate", Hidden},
	{"StopSleeps", Hidden},
	{"StopAwaitValue", "StopGotValue"},
	{"StopAwaitEintr", "StopGotEintr"},
	{"StopReadsCode", Hidden},
	{"StopReturnsValue", "StopReturnedValue"},
	{"StopReturnsEintr", "StopReturnedEintr"},
	{"StopReturnsSignal", "StopReturnedSignal"},
	{"StopReturnsZero", "StopReturnedNothing"},

	// kthread_park(), kthread_unpark().
	{"ParkCall", "ParkCalled"},
	{"ParkRefusedBusy", "ParkRefusedBusy"},
	{"ParkRefusedExiting", "ParkRefusedGone"},
	{"ParkFindsParked", "ParkSkipped"},
	{"ParkSetBit", "ParkRequested"},
	{"ParkWakeStarts", "ParkWoke"},
	{"ParkWakeLate", Hidden},
	{"ParkReturns", "ParkReturned"},
	{"UnparkLooksAsked", "UnparkCalled"},
	{"UnparkLooksUnasked", "UnparkSkipped"},
	{"UnparkClearBit", "Unparked"},
	{"UnparkWake", Hidden},
}

// Clients are the actions of KThreadClients.
var Clients = []Action{
	{"Created", "Created"},
	{"CreateFailed", "CreateFailed"},
	{"CreateReturned", "CreateReturned"},
	{"Woke", "Woke"},
	{"WokeLater", "WokeLater"},
	{"NeverWoke", Hidden},
	{"DecidedRun", "DecidedRun"},
	{"DecidedNotRun", "DecidedNotRun"},
	{"Marked", Hidden},
	{"HoldingUnasked", Hidden},
	{"HoldingAsked", "HoldingAsked"},
	{"HoldingBegun", "HoldingBegun"},
	{"HoldingEnded", "HoldingEnded"},
	{"ParkingUnasked", Hidden},
	{"ParkingAsked", "ParkingAsked"},
	{"ParkingBegun", "ParkingBegun"},
	{"ParkingEnded", "ParkingEnded"},
	{"Entered", "Entered"},
	{"Worked", "Worked"},
	{"TestedFalse", "TestedFalse"},
	{"TestedTrue", "TestedTrue"},
	{"ReturnedValue", "ReturnedValue"},
	{"ReturnedEintr", "ReturnedEintr"},
	{"ExitedValue", "ExitedValue"},
	{"ExitedEintr", "ExitedEintr"},
	{"Oopsed", "Oopsed"},
	{"Finished", "Finished"},
	{"StopCalled", "StopCalled"},
	{"StopLooked", Hidden},
	{"StopSkippedValue", "StopSkippedValue"},
	{"StopSkippedEintr", "StopSkippedEintr"},
	{"StopRequested", "StopRequested"},
	{"StopUnparkLooked", Hidden},
	{"StopUnparked", "StopUnparked"},
	{"StopUnparkedUnasked", Hidden},
	{"StopWokeParked", Hidden},
	{"StopWoke", "StopWoke"},
	{"StopWokeLater", Hidden},
	{"StopGotValue", "StopGotValue"},
	{"StopGotEintr", "StopGotEintr"},
	{"StopReturnedValue", "StopReturnedValue"},
	{"StopReturnedEintr", "StopReturnedEintr"},
	{"StopReturnedSignal", "StopReturnedSignal"},
	{"StopReturnedNothing", "StopReturnedNothing"},
	{"ParkCalled", "ParkCalled"},
	{"ParkRequested", "ParkRequested"},
	{"ParkWoke", "ParkWoke"},
	{"ParkWokeUnasked", "ParkWoke"},
	{"ParkWokeLater", Hidden},
	{"ParkReturned", "ParkReturned"},
	{"ParkRefusedBusy", "ParkRefusedBusy"},
	{"ParkRefusedGone", "ParkRefusedGone"},
	{"ParkSkipped", "ParkSkipped"},
	{"UnparkCalled", "UnparkCalled"},
	{"UnparkSkipped", "UnparkSkipped"},
	{"Unparked", "Unparked"},
	{"UnparkWoke", Hidden},
}

// Table is the names by the actions.
func Table(actions []Action) map[string]string {
	t := make(map[string]string, len(actions))
	for _, a := range actions {
		t[a.Name] = a.Seen
	}
	return t
}
