package tlc

import (
	"bufio"
	"fmt"
	"os"
	"path/filepath"
	"sort"
	"strconv"
	"strings"
)

// A Model is one .cfg file of spec/models. Its head, the comment lines at the
// top, says what the model shows, which module it is a model of, and what TLC
// must find:
//
//	\* What it shows, in as many lines as it takes.
//	\* module: MCKThread
//	\* expect: holds, 1048 distinct states
//
// or, for one that must fail,
//
//	\* expect: violates EintrMeansNeverWoken, 23 states
//
// A line `\* suite: long` keeps a model out of the default suite: it takes long,
// or is there for a test that compares it with another.
type Model struct {
	Name   string // the file's name without .cfg
	Path   string
	Shows  string // the prose of the head, on one line
	Module string
	Expect Expect
	Long   bool // not in the default suite
}

// Expect is what TLC must find in a model.
type Expect struct {
	Violates string // the property that must be violated; empty: the model holds
	States   int    // holds: distinct states. violates: states of the counterexample
}

func (e Expect) String() string {
	if e.Violates == "" {
		return fmt.Sprintf("holds, %d distinct states", e.States)
	}
	return fmt.Sprintf("violates %s, %d states", e.Violates, e.States)
}

// Models reads the heads of all models in dir, in the order of their names.
func Models(dir string) ([]Model, error) {
	paths, err := filepath.Glob(filepath.Join(dir, "*.cfg"))
	if err != nil {
		return nil, err
	}
	if len(paths) == 0 {
		return nil, fmt.Errorf("%s: no models there", dir)
	}
	sort.Strings(paths)
	models := make([]Model, len(paths))
	for i, p := range paths {
		if models[i], err = ReadModel(p); err != nil {
			return nil, err
		}
	}
	return models, nil
}

// ReadModel reads the head of one model.
func ReadModel(path string) (Model, error) {
	f, err := os.Open(path)
	if err != nil {
		return Model{}, err
	}
	defer f.Close()
	m := Model{Name: strings.TrimSuffix(filepath.Base(path), ".cfg"), Path: path}
	var prose []string
	sc := bufio.NewScanner(f)
	for n := 1; sc.Scan(); n++ {
		line, ok := strings.CutPrefix(sc.Text(), `\*`)
		if !ok {
			break
		}
		line = strings.TrimSpace(line)
		if s, ok := strings.CutPrefix(line, "module: "); ok {
			m.Module = s
		} else if line == "suite: long" {
			m.Long = true
		} else if s, ok := strings.CutPrefix(line, "expect: "); ok {
			if m.Expect, err = parseExpect(s); err != nil {
				return Model{}, fmt.Errorf("%s:%d: %v", path, n, err)
			}
		} else {
			prose = append(prose, line)
		}
	}
	if err := sc.Err(); err != nil {
		return Model{}, fmt.Errorf("%s: %v", path, err)
	}
	m.Shows = strings.Join(prose, " ")
	switch {
	case m.Shows == "":
		return Model{}, fmt.Errorf("%s:1: the head does not say what the model shows", path)
	case m.Module == "":
		return Model{}, fmt.Errorf("%s:1: the head has no line `\\* module: NAME`", path)
	case m.Expect.States == 0:
		return Model{}, fmt.Errorf("%s:1: the head has no line `\\* expect: …`", path)
	}
	return m, nil
}

func parseExpect(s string) (Expect, error) {
	what, count, ok := strings.Cut(s, ", ")
	if !ok {
		return Expect{}, fmt.Errorf("expect %q: want `holds, N distinct states` or `violates NAME, N states`", s)
	}
	var e Expect
	unit := " distinct states"
	if name, ok := strings.CutPrefix(what, "violates "); ok {
		e.Violates, unit = name, " states"
	} else if what != "holds" {
		return Expect{}, fmt.Errorf("expect %q: neither holds nor violates", s)
	}
	num, ok := strings.CutSuffix(count, unit)
	n, err := strconv.Atoi(num)
	if !ok || err != nil || n <= 0 {
		return Expect{}, fmt.Errorf("expect %q: want a number and%q", s, unit)
	}
	e.States = n
	return e, nil
}
