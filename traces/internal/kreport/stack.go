package kreport

import (
	"strings"

	"github.com/kthread-tla/tracecheck/traces"
)

// frame takes a line of a trace.
func (p *pending) frame(f frameLine) {
	if p.mixed {
		return
	}
	p.traced = true
	switch {
	case f.kind == dubious:
		// powerpc's first frame is taken from the link register: it may well be
		// the caller of the function where the CPU was.
		p.broken = p.broken || f.unsure && len(p.stack.Frames) > 0 && !p.above
		return
	case f.kind == garbled:
		p.broken = p.broken || !p.bottom
		return
	case p.above:
		// The registers were the interrupt's.
		p.forget()
		p.stack.Above = true
		return
	}
	if f.callee != nil {
		// arch/arm/kernel/traps.c dump_backtrace_entry says for each frame which
		// function it is and who called it: where the two do not meet, lines are
		// missing.
		name := functionName(f.callee)
		switch last := len(p.stack.Frames) - 1; {
		case last < 0:
			p.push(f.callee, f.calleeMod)
		case p.stack.Frames[last].Func != name && p.bottom && closed(p.stack.Frames[last].Func):
			p.shut = true // as in push: another stack's frame
			return
		case p.stack.Frames[last].Func != name:
			p.broken = true
			p.push(f.callee, f.calleeMod)
		}
		p.push(f.fn, f.mod)
		return
	}
	if p.regs > 0 && p.regs == len(p.stack.Frames) && string(f.where) == p.regsAt {
		// arm64's traces begin with the registers' frame, others' after it.
		p.bottom = stackBase(functionName(f.fn))
		return
	}
	if p.wasUp && len(p.stack.Frames) == 0 && !interruptEntry(functionName(f.fn)) {
		// No registers between an interrupt's part and this: x86 until 4.9 shows
		// the function that was interrupted as dubious, if at all.
		p.broken = true
	}
	p.push(f.fn, f.mod)
}

// forget drops the frames: they were an interrupt's, on top of the task's.
func (p *pending) forget() {
	if len(p.stack.Frames) == p.regs {
		p.stack.Frames, p.regs, p.bottom = p.stack.Frames[:0], 0, false
	}
}

func (p *pending) push(fn, mod []byte) {
	name := functionName(fn)
	if interruptEntry(name) {
		p.stack.Above = true
		p.stack.Frames, p.regs, p.bottom = p.stack.Frames[:0], 0, false
		if strings.HasPrefix(name, "el1") {
			// Of a function without a frame of its own arm64 does not show the
			// caller (arch/arm64/kernel/stacktrace.c).
			p.broken = true
		}
		return
	}
	base := stackBase(name)
	switch {
	case len(p.stack.Frames) == maxFrames:
		p.broken = true
		return
	case p.bottom && !base && closed(p.stack.Frames[len(p.stack.Frames)-1].Func):
		// Nothing calls what a stack begins with: another stack's frame.
		p.shut = true
		return
	}
	p.bottom = p.bottom || base
	p.stack.Frames = append(p.stack.Frames, traces.Frame{Func: name, Module: string(mod)})
}
