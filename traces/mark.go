package traces

// A Mark is something in the text of a trace that only some kernels print. It
// is a hint: distributions and vendors carry changes to older kernels (some of
// MediaTek's print success= beside sched_waking). Where two marks contradict
// each other, neither counts, and a release that the user names outranks all.
type Mark struct {
	Name string // what it is, as the trace has it: "group_dead="
	Line int    // of the first line that has it
	// First and Last are the releases that print it, "4.2"; empty where there
	// is no bound.
	First, Last string
	Source      string // where that is known from
}
