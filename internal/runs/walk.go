package runs

//go:generate go run ./run -root ../.. -n 300 -write testdata/walks.gz

import (
	"bufio"
	"compress/gzip"
	"fmt"
	"io"
	"math/rand/v2"
	"strings"
)

// An Actor is who takes a step of KThread.
type Actor byte

// The actors. A creator, a stopper and a parker may well be one task.
const (
	Creator  Actor = 'c'
	Kthreadd Actor = 'd'
	Thread   Actor = 'k'
	Stopper1 Actor = 's'
	Stopper2 Actor = 't'
	Parker   Actor = 'p'
)

// caller is an actor's place in State.Callers.
func (a Actor) caller() int {
	switch a {
	case Stopper1:
		return 0
	case Stopper2:
		return 1
	}
	return 2
}

// parkers are the actions of a parker; the others that begin with Park are the thread's.
var parkers = map[string]bool{
	"ParkCall": true, "ParkRefusedExiting": true, "ParkRefusedBusy": true, "ParkFindsParked": true,
	"ParkSetBit": true, "ParkWakeStarts": true, "ParkWakeLate": true, "ParkReturns": true,
}

// actorOf is who takes a step. The names of KThread's actions tell, and, of two stoppers,
// whose place has changed.
func actorOf(action string, from, to *State) Actor {
	switch {
	case strings.HasPrefix(action, "Create") || strings.HasPrefix(action, "Creator"):
		return Creator
	case strings.HasPrefix(action, "Kthreadd") || strings.HasPrefix(action, "ForkFails"):
		return Kthreadd
	case strings.HasPrefix(action, "Stop"):
		if from.Callers[0] != to.Callers[0] {
			return Stopper1
		}
		return Stopper2
	case parkers[action] || strings.HasPrefix(action, "Unpark"):
		return Parker
	}
	return Thread
}

// A Step is a step of a walk, and the state that it leads to.
type Step struct {
	Actor  Actor
	Action string
	State  State
}

// A Walk is a behaviour of KThread: one thread, its creator, and whoever stops or parks it.
type Walk struct {
	Kernel string // by whose rules, as in spec/Eras.tla
	Model  string // which of the models
	Start  State
	Steps  []Step
}

// walk goes through the graph at random. Each walk has its own idea of who is fast.
func (g *graph) walk(rng *rand.Rand, kernel, model string) *Walk {
	w := &Walk{Kernel: kernel, Model: model, Start: g.states[0]}
	speed := map[Actor]float64{}
	for _, a := range []Actor{Creator, Kthreadd, Thread, Stopper1, Stopper2, Parker} {
		speed[a] = []float64{0.05, 0.3, 1, 1, 3}[rng.IntN(5)]
	}
	speed[Kthreadd] = 3 // of it a trace shows the fork alone
	ends := []float64{0.02, 0.1, 0.5}[rng.IntN(3)]
	at, longest := 0, 20+rng.IntN(120)
	for len(w.Steps) < longest {
		var sum float64
		weights := make([]float64, len(g.edges[at]))
		for i, e := range g.edges[at] {
			weights[i] = speed[e.actor]
			switch {
			case waitsForSleep(kernel, &g.states[at], e.action):
				weights[i] = 0
			case e.action == "KzallocFails" && kernel != "5.4":
				weights[i] = 0 // only from 4.10 to 5.16 kthread() itself allocates
			case strings.HasPrefix(e.action, "AnyOopses"), strings.HasPrefix(e.action, "AnyExits"):
				weights[i] *= ends / 8
			case e.action == "AnyParkme" && model != "parks":
				weights[i] *= 0.05
			case e.action == "AnyParkme" && g.states[at].Callers[2].At != "wake" && g.states[at].Callers[2].At != "wait":
				weights[i] *= 0.15
			case strings.HasPrefix(e.action, "AnyReturns"):
				weights[i] *= ends
			case strings.HasPrefix(e.action, "Create") && strings.HasSuffix(e.action, "Memory"), strings.HasPrefix(e.action, "ForkFails"), e.action == "KzallocFails":
				weights[i] *= 0.1
			case strings.HasPrefix(e.action, "CreateKilled"):
				weights[i] *= 0.2
			}
			sum += weights[i]
		}
		if sum == 0 {
			break
		}
		x := rng.Float64() * sum
		for i, e := range g.edges[at] {
			if x -= weights[i]; x < 0 && weights[i] > 0 {
				w.Steps = append(w.Steps, Step{e.actor, e.action, g.states[e.to]})
				at = e.to
				break
			}
		}
	}
	return w
}

// waitsForSleep: from 4.19 on kthread_park() waits until the thread is off its CPU
// (kernel/kthread.c kthread_park: wait_task_inactive(k, TASK_PARKED)). KThread leaves that
// out.
func waitsForSleep(kernel string, s *State, action string) bool {
	if action != "ParkReturns" || kernel == "3.18" || kernel == "4.14" {
		return false
	}
	return s.TaskState == 'P' && (strings.HasSuffix(s.At, "parkme_schedule") || strings.HasSuffix(s.At, "parkme_complete"))
}

// WriteWalks writes walks as compressed text, a step a line.
func WriteWalks(w io.Writer, walks []*Walk) error {
	z, err := gzip.NewWriterLevel(w, gzip.BestCompression)
	if err != nil {
		return err
	}
	out := bufio.NewWriter(z)
	for _, walk := range walks {
		fmt.Fprintf(out, "walk\t%s\t%s\n", walk.Kernel, walk.Model)
		writeStep(out, Step{'-', "Init", walk.Start})
		for _, s := range walk.Steps {
			writeStep(out, s)
		}
	}
	if err := out.Flush(); err != nil {
		return err
	}
	return z.Close()
}

const stepFormat = "%c\t%s\t%s\t%c\t%t\t%t\t%t\t%t\t%t\t%q\t%d\t%t\t%t\t%s\t%d\t%t\t%t\t%q\t%d\t%q\t%d\t%q\t%d\n"

func (s *Step) fields() []any {
	t := &s.State
	return []any{
		&s.Actor, &s.Action, &t.At, &t.TaskState, &t.ShouldStop, &t.Notify, &t.Entered, &t.Woken, &t.Marked, &t.Value,
		&t.Ret, &t.Direct, &t.Unasked, &t.Creator, &t.Result, &t.Done, &t.Parked,
		&t.Callers[0].At, &t.Callers[0].Ret, &t.Callers[1].At, &t.Callers[1].Ret, &t.Callers[2].At, &t.Callers[2].Ret,
	}
}

func writeStep(w io.Writer, s Step) {
	fields := s.fields()
	for i, f := range fields {
		switch f := f.(type) {
		case *Actor:
			fields[i] = *f
		case *string:
			fields[i] = *f
		case *byte:
			fields[i] = *f
		case *bool:
			fields[i] = *f
		case *int:
			fields[i] = *f
		}
	}
	fmt.Fprintf(w, stepFormat, fields...)
}

// ReadWalks reads what WriteWalks has written.
func ReadWalks(r io.Reader) ([]*Walk, error) {
	z, err := gzip.NewReader(r)
	if err != nil {
		return nil, err
	}
	var walks []*Walk
	sc := bufio.NewScanner(z)
	for n := 1; sc.Scan(); n++ {
		if words := strings.Split(sc.Text(), "\t"); words[0] == "walk" && len(words) == 3 {
			walks = append(walks, &Walk{Kernel: words[1], Model: words[2]})
			continue
		}
		var s Step
		if _, err := fmt.Sscanf(sc.Text()+"\n", stepFormat, s.fields()...); err != nil || len(walks) == 0 {
			return nil, fmt.Errorf("walks, line %d: %v", n, err)
		}
		w := walks[len(walks)-1]
		if s.Action == "Init" {
			w.Start = s.State
		} else {
			w.Steps = append(w.Steps, s)
		}
	}
	return walks, sc.Err()
}
