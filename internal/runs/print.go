package runs

import (
	"cmp"
	"fmt"
	"io"
	"slices"
	"strings"
)

// Formats are those that a run can be printed in.
var Formats = []string{"ftrace", "four-columns", "trace-cmd", "perf-script", "bpftrace"}

// A Printed is a trace as one of the tools prints it.
type Printed struct {
	Text  string
	Lines []*Line // what each line tells; nil: of a line that is no event
}

// printer writes one format.
type printer struct {
	run   *Run
	out   strings.Builder
	lines []*Line
	names map[int]string
}

// Print prints the run's lines.
func (r *Run) Print(format string) *Printed {
	p := &printer{run: r, names: map[int]string{}}
	for _, l := range r.Lines {
		if l.AboutComm != "" && l.About > 0 {
			p.names[l.About] = l.AboutComm // a tracer's table of names is filled later
		}
	}
	switch format {
	case "ftrace":
		p.text("# tracer: nop\n#\n")
	case "trace-cmd":
		p.text(fmt.Sprintf("cpus=%d\n", r.CPUs))
	case "bpftrace":
		p.bpftrace()
		return &Printed{p.out.String(), p.lines}
	}
	for _, l := range r.Lines {
		if l.Event == "lost" {
			p.lost(format, l)
			continue
		}
		name, body := p.event(format, l)
		if name == "" {
			continue
		}
		s := l.Stamp
		comm := p.name(l)
		switch format {
		case "ftrace":
			p.line(l, "%16s-%-7d [%03d] %s %5d.%06d: %s: %s", comm, l.PID, l.CPU, flags(r.Kernel, l), s/1e9, s/1000%1e6, name, body)
		case "four-columns":
			p.line(l, "%16s-%-5d [%03d] %5d.%06d: %s: %s", comm, l.PID, l.CPU, s/1e9, s/1000%1e6, name, body)
		case "trace-cmd":
			p.line(l, "%16s-%-5d [%03d] %5d.%06d: %-21s %s", comm, l.PID, l.CPU, s/1e9, s/1000%1e6, name+":", body)
		case "perf-script":
			system := "sched:"
			if !strings.HasPrefix(name, "sched_") {
				system = "tracecheck:"
			}
			if l.PID == 0 {
				comm = "swapper"
			}
			p.line(l, "%16s %5d [%03d] %5d.%09d: %30s %s", comm, l.PID, l.CPU, s/1e9, s%1e9, system+name+":", body)
		}
	}
	return &Printed{p.out.String(), p.lines}
}

func (p *printer) text(s string) {
	p.out.WriteString(s)
	for range strings.Count(s, "\n") {
		p.lines = append(p.lines, nil)
	}
}

func (p *printer) line(l *Line, format string, args ...any) {
	fmt.Fprintf(&p.out, format+"\n", args...)
	p.lines = append(p.lines, l)
}

// name is the current task's name as the tracer knows it.
func (p *printer) name(l *Line) string {
	if l.PID == 0 {
		return "<idle>"
	}
	if n := p.names[l.PID]; n != "" {
		return n
	}
	return l.Comm
}

func (p *printer) lost(format string, l *Line) {
	switch format {
	case "ftrace", "four-columns":
		p.text(fmt.Sprintf("CPU:%d [LOST %d EVENTS]\n", l.CPU, l.Value))
	case "trace-cmd":
		p.text(fmt.Sprintf("CPU:%d [%d EVENTS DROPPED]\n", l.CPU, l.Value))
	}
}

// flags is ftrace's column: interrupts off, need to reschedule, in an interrupt, how often
// preemption is off; from 5.17 on also whether migration is.
func flags(kernel string, l *Line) string {
	f := []byte("....")
	if l.Event == "sched_switch" || strings.HasPrefix(l.Event, "sched_wak") {
		f = []byte("d..2")
	}
	switch l.Context {
	case 'H':
		f[2] = 'h'
	case 'S':
		f[2] = 's'
	}
	if kernel == "6.1" || kernel == "6.12" || kernel == "7.0" {
		f = append(f, '.')
	}
	return string(f)
}

// event is the name and the text of an event.
func (p *printer) event(format string, l *Line) (name, body string) {
	ret := fmt.Sprint(l.Value)
	switch l.Event {
	case "sched_switch":
		next := l.AboutComm
		return l.Event, fmt.Sprintf("prev_comm=%s prev_pid=%d prev_prio=120 prev_state=%s ==> next_comm=%s next_pid=%d next_prio=120",
			l.Prev.Comm, l.Prev.PID, l.State, next, l.About)
	case "sched_waking", "sched_wakeup", "sched_wakeup_new":
		success := ""
		if p.run.Kernel == "2.6.32" || p.run.Kernel == "3.18" {
			success = " success=1"
		}
		return l.Event, fmt.Sprintf("comm=%s pid=%d prio=120%s target_cpu=%03d", l.AboutComm, l.About, success, l.Target)
	case "sched_process_fork":
		return l.Event, fmt.Sprintf("comm=%s pid=%d child_comm=%s child_pid=%d", l.Comm, l.PID, l.AboutComm, l.About)
	case "sched_process_exit":
		dead := ""
		if p.run.Kernel == "7.0" {
			dead = " group_dead=true"
		}
		return l.Event, fmt.Sprintf("comm=%s pid=%d prio=120%s", l.AboutComm, l.About, dead)
	case "sched_process_free":
		return l.Event, fmt.Sprintf("comm=%s pid=%d prio=120", l.AboutComm, l.About)
	case "sched_kthread_stop":
		return l.Event, fmt.Sprintf("comm=%s pid=%d", l.AboutComm, l.About)
	case "sched_kthread_stop_ret":
		return l.Event, "ret=" + ret
	case "create_ret":
		return "", ""
	}
	if !p.run.Probes {
		return "", ""
	}
	if format == "perf-script" {
		switch l.Event {
		case "parkme":
			return "__kthread_parkme", "(ffffffff810c2a30)"
		case "kthread_exit", "do_exit":
			return l.Event, "(ffffffff810c2b40) code=" + ret
		case "park", "unpark":
			return "kthread_" + l.Event, fmt.Sprintf("(ffffffff810c2c50) task=0x%x", l.Addr)
		case "park_ret":
			return "kthread_park__return", "(ffffffffc0688110 <- ffffffff810c2c50) ret=" + ret
		case "should_stop":
			return "kthread_should_stop__return", "(ffffffffc0688110 <- ffffffff810c2d60) ret=" + ret
		}
		return "", ""
	}
	switch l.Event {
	case "parkme":
		return "__kthread_parkme", "(__kthread_parkme+0x4/0x90)"
	case "kthread_exit", "do_exit":
		return l.Event, "(" + l.Event + "+0x4/0x30) code=" + ret
	case "park", "unpark":
		return "kthread_" + l.Event, fmt.Sprintf("(kthread_%s+0x4/0xb0) task=0x%x", l.Event, l.Addr)
	case "park_ret":
		return "kthread_park__return", "(lab_park+0x1c/0x40 [lab] <- kthread_park) ret=" + ret
	case "should_stop":
		return "kthread_should_stop__return", "(lab_fn+0x2f/0x80 [lab] <- kthread_should_stop) ret=" + ret
	}
	return "", ""
}

// bits are prev_state as sched_switch has it, from 4.14 on.
var bits = map[string]int{"R": 0, "R+": 0x100, "S": 1, "D": 2, "X": 0x10, "P": 0x40, "I": 0x80}

// bpftrace prints what traces/bpf/kthread.bt prints: of threads that it watches.
func (p *printer) bpftrace() {
	p.line(nil, `{"kt":1,"ts":%d,"ev":"begin"}`, p.run.Begin)
	n := 0
	fields := p.bpfFields()
	for _, l := range p.run.Lines {
		if l.Event == "lost" {
			p.text(fmt.Sprintf("Lost %d events\n", l.Value))
			continue
		}
		if fields[l] == "" {
			continue
		}
		n++
		p.line(l, `{"kt":1,"ts":%d,"cpu":%d,"ev":%s}`, l.Stamp, l.CPU, fields[l])
	}
	if p.run.Whole {
		last := p.run.Begin
		if len(p.run.Lines) > 0 {
			last = slices.MaxFunc(p.run.Lines, func(a, b *Line) int { return int(a.Stamp - b.Stamp) }).Stamp
		}
		p.line(nil, `{"kt":1,"ts":%d,"ev":"end","events":%d}`, last+1000, n)
	}
}

// bpfFields are the fields of each line that the script prints. It decides when the event
// happens what it watches, whatever the clocks of the CPUs say.
func (p *printer) bpfFields() map[*Line]string {
	watched, asked := map[int]bool{}, map[int]bool{}
	all := map[*Line]string{}
	task := func(name, comm string) string { return fmt.Sprintf(`,"%s":"%-15s"`, name, comm) }
	inTime := slices.Clone(p.run.Lines)
	slices.SortStableFunc(inTime, func(a, b *Line) int { return cmp.Compare(a.At, b.At) })
	for _, l := range inTime {
		var fields string
		tid := fmt.Sprintf(`"tid":%d`, l.PID)
		pid := fmt.Sprintf(`,"pid":%d`, l.About)
		ret := fmt.Sprintf(`,"ret":%d`, l.Value)
		by, about := task("task15", l.Comm), task("comm15", l.AboutComm)
		ev := strings.TrimPrefix(strings.TrimPrefix(l.Event, "sched_"), "process_")
		switch l.Event {
		case "sched_process_fork":
			watched[l.About], asked[l.About] = true, false
			fields = tid + pid + by
		case "sched_waking":
			if watched[l.About] {
				fields = tid + pid + by
			}
		case "sched_switch":
			if watched[l.Prev.PID] || watched[l.About] {
				fields = fmt.Sprintf(`"prev":%d,"state":%d,"next":%d`, l.Prev.PID, bits[l.State], l.About) + by
			}
		case "sched_process_exit":
			if watched[l.PID] {
				fields = tid + by
			}
		case "sched_process_free":
			if watched[l.About] {
				fields = pid[1:]
				watched[l.About] = false
			}
		case "sched_kthread_stop":
			watched[l.About] = true
			ev, fields = "stop", tid+pid+by+about
		case "sched_kthread_stop_ret":
			ev, fields = "stop_ret", tid+ret+by
		case "create_ret":
			if fields = tid + ret + by; l.About > 0 {
				fields = tid + pid + fmt.Sprintf(`,"addr":"0x%x"`, l.Addr) + by + about
			}
		case "parkme":
			watched[l.PID] = true
			fields = tid + by
		case "kthread_exit":
			ev, fields = "exit_call", tid+fmt.Sprintf(`,"code":%d`, l.Value)+by
		case "should_stop":
			if watched[l.PID] && (l.Value != 0 || !asked[l.PID]) {
				asked[l.PID] = true
				fields = tid + ret + by
			}
		case "park", "unpark":
			watched[l.About] = true
			fields = tid + pid + by + about
		case "park_ret":
			fields = tid + ret + by
		}
		if fields != "" {
			all[l] = fmt.Sprintf("%q,%s", ev, fields)
		}
	}
	return all
}

// WriteTo writes the text.
func (p *Printed) WriteTo(w io.Writer) (int64, error) {
	n, err := io.WriteString(w, p.Text)
	return int64(n), err
}
