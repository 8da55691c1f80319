package traces

// A Mark is a text in a trace that only some kernels print. It is a hint at the kernel's
// release, no proof: distributions and vendors port changes to older kernels (some of
// MediaTek print success= beside sched_waking). Where two marks contradict each other,
// neither counts. A release that the user names outranks all marks.
type Mark struct {
	Name string // the text, "group_dead="
	Line int    // of the first line that has it
	// First and Last are the first and the last release that prints it, "4.2"; empty:
	// there is no bound.
	First, Last string
	Source      string // the kernel source that shows this
}
