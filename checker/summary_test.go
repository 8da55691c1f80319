package checker

import (
	"slices"
	"testing"

	"github.com/kthread-tla/tracecheck/spec/graph"
)

// The worst that any life or finding comes to is what all come to, and the status
// of the command follows from it.
func TestSummary(t *testing.T) {
	with := func(v Verdict, rules ...*Rule) *Verdict {
		v.Life = new(Life)
		for _, r := range rules {
			v.Findings = append(v.Findings, Finding{Rule: r})
		}
		return &v
	}
	of := func(f Fits) Verdict { return Verdict{Fits: f} }
	hung := with(Verdict{Fits: FitsYes, Outcome: StopHung})
	for _, test := range []struct {
		name        string
		lives       []*Verdict
		findings    []Finding
		want        Conclusion
		plain, hard int // the exit status, without and with --strict
	}{
		{"nothing", nil, nil, NoEvidence, 0, 1},
		{"a note on the log", nil, []Finding{{Rule: &KT017}}, NoEvidence, 0, 1},
		{"a hang of the log", nil, []Finding{{Rule: &KT033}}, Hangs, 1, 1},
		{"an error of the log", nil, []Finding{{Rule: &KT033}, {Rule: &KT020}}, Violates, 1, 1},
		{"a life that fits", []*Verdict{with(of(FitsYes), &KT001)}, nil, FitsAll, 0, 0},
		{"and one that is not decided", []*Verdict{with(of(FitsYes)), with(of(FitsInconclusive), &KT010)}, nil, Inconclusive, 0, 1},
		{"and one that hangs", []*Verdict{with(of(FitsInconclusive)), hung}, nil, Hangs, 1, 1},
		{"a hang by a finding", []*Verdict{with(of(FitsYes), &KT008)}, nil, Hangs, 1, 1},
		{"an error beside it", []*Verdict{with(of(FitsYes), &KT008, &KT029)}, nil, Violates, 1, 1},
		{"one that does not fit", []*Verdict{with(of(FitsNo), &KT009), hung}, nil, Violates, 1, 1},
		{"one that was hung and is not", []*Verdict{hung, with(Verdict{Fits: FitsYes, Replaces: hung})}, nil, FitsAll, 0, 0},
	} {
		var s, all Summary
		for _, v := range test.lives {
			s.Life(v)
		}
		s.Findings(test.findings)
		all.Add(&s)
		all.Add(new(Summary))
		for _, s := range []*Summary{&s, &all} {
			if s.Verdict() != test.want || s.ExitStatus(false) != test.plain || s.ExitStatus(true) != test.hard {
				t.Errorf("%s: %s, status %d, with --strict %d; want %s, %d, %d",
					test.name, s.Verdict(), s.ExitStatus(false), s.ExitStatus(true), test.want, test.plain, test.hard)
			}
		}
	}
}

// A log fits the rules of the kernels that each of its lives fits.
func TestKernelsFit(t *testing.T) {
	var all []string
	for _, e := range graph.Eras() {
		all = append(all, e.Name)
	}
	e, err := graph.EraOf("5.4")
	if err != nil {
		t.Fatal(err)
	}
	fits := func(f Fits, names ...string) *Verdict { return &Verdict{Life: new(Life), Fits: f, KernelsFit: names} }
	for _, test := range []struct {
		name  string
		lives []*Verdict
		only  *graph.Era
		want  []string
	}{
		{"no life", nil, nil, all},
		{"no life, of a kernel that is known", nil, &e, []string{"5.4"}},
		{"all that both fit", []*Verdict{fits(FitsYes, "3.18", "5.4"), fits(FitsYes, "5.4", "6.1")}, nil, []string{"5.4"}},
		{"what is not decided takes none away", []*Verdict{fits(FitsYes, "5.4", "6.1"), fits(FitsInconclusive)}, nil, []string{"5.4", "6.1"}},
		{"what does not fit takes all away", []*Verdict{fits(FitsYes, "5.4", "6.1"), fits(FitsNo)}, nil, nil},
	} {
		var s Summary
		for _, v := range test.lives {
			s.Life(v)
		}
		if got := s.KernelsFit(test.only); !slices.Equal(got, test.want) || s.Threads != len(test.lives) {
			t.Errorf("%s: %d threads fit %v, want %v", test.name, s.Threads, got, test.want)
		}
	}
}
