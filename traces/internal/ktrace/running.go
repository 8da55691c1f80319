package ktrace

// A running knows the current task of each CPU by its sched_switch, for lines that do not
// print their task: those of function_graph without its TASK column. The zero value knows of
// none.
type running struct {
	cpus map[int]*current
}

// A current is the task that runs on a CPU.
type current struct {
	comm    []byte
	pid     int
	known   bool // by a sched_switch, and nothing was lost since
	unnamed bool // a call of an unknown task has come since the CPU's last sched_switch
}

// of is what is known of a CPU.
func (r *running) of(cpu int) *current {
	c := r.cpus[cpu]
	if c == nil {
		if r.cpus == nil {
			r.cpus = make(map[int]*current)
		}
		c = new(current)
		r.cpus[cpu] = c
	}
	return c
}

// fill fills in the task of a record without one, if it is known.
func (r *running) fill(rec *record) {
	if c := r.cpus[rec.cpu]; c != nil && c.known {
		rec.pid, rec.comm = c.pid, c.comm
	}
}

// switches notes the task that a record's CPU goes to. asked: a call of an unknown task is
// that of the task that leaves.
func (r *running) switches(cpu int, s *switched) (asked bool) {
	c := r.of(cpu)
	asked = c.unnamed
	c.comm, c.pid, c.known, c.unnamed = append(c.comm[:0], s.nextComm...), s.next, true, false
	return asked
}

// forget notes that events of a CPU were lost; -1: of any.
func (r *running) forget(cpu int) {
	for n, c := range r.cpus {
		if cpu < 0 || n == cpu {
			c.known, c.unnamed = false, false
		}
	}
}
