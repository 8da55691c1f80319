package runs

// gap says why the lines of a changed run look as if one were missing, which accuses
// nobody; empty: they do not. Lines are in the order in which they are printed.
func (r *Run) gap(lines []*Line) string {
	current := map[int]int{} // by CPU: who has it
	for _, l := range lines {
		now, known := current[l.CPU]
		switch {
		case l.Event == "sched_switch":
			if known && now != l.Prev.PID {
				return gapChain
			}
			current[l.CPU] = l.About
		case known && now != l.PID:
			return gapTask
		default:
			current[l.CPU] = l.PID
		}
	}
	return ""
}

// Why a changed trace looks as if a line were missing.
const (
	gapChain = "a task leaves a CPU that no switch has given to it"
	gapTask  = "a task does something on a CPU that another has"
)

// hasGap says whether a change makes a gap that the run has not had.
func (r *Run) hasGap(c *Change) bool {
	return r.gap(c.Lines) != "" && r.gap(r.Lines) == ""
}
