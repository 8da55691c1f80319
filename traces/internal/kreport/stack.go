package kreport

import (
	"strings"

	"github.com/kthread-tla/tracecheck/traces"
)

// frame takes a line of a trace.
func (p *pending) addFrame(f frameLine) {
	if p.mixed {
		return
	}
	p.hasTrace = true
	switch {
	case f.kind == dubious:
		// powerpc's first frame is taken from the link register: it may well be
		// the caller of the function where the CPU was.
		p.hasGap = p.hasGap || f.unsure && len(p.stack.Frames) > 0 && !p.inInterrupt
		return
	case f.kind == garbled:
		p.hasGap = p.hasGap || !p.hasBase
		return
	case p.inInterrupt:
		// The registers were the interrupt's.
		p.dropFrames()
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
			p.pushFrame(f.callee, f.calleeMod)
		case p.stack.Frames[last].Func != name && p.hasBase && endsStack(p.stack.Frames[last].Func):
			p.ignoreFrames = true // as in push: another stack's frame
			return
		case p.stack.Frames[last].Func != name:
			p.hasGap = true
			p.pushFrame(f.callee, f.calleeMod)
		}
		p.pushFrame(f.fn, f.mod)
		return
	}
	if p.regFrames > 0 && p.regFrames == len(p.stack.Frames) && string(f.where) == p.lastRegFrame {
		// arm64's traces begin with the registers' frame, others' after it.
		p.hasBase = isStackBase(functionName(f.fn))
		return
	}
	if p.hadInterrupt && len(p.stack.Frames) == 0 && !isInterruptEntry(functionName(f.fn)) {
		// No registers between an interrupt's part and this: x86 until 4.9 shows
		// the function that was interrupted as dubious, if at all.
		p.hasGap = true
	}
	p.pushFrame(f.fn, f.mod)
}

// forget drops the frames: they were an interrupt's, on top of the task's.
func (p *pending) dropFrames() {
	if len(p.stack.Frames) == p.regFrames {
		p.stack.Frames, p.regFrames, p.hasBase = p.stack.Frames[:0], 0, false
	}
}

func (p *pending) pushFrame(fn, mod []byte) {
	name := functionName(fn)
	if isInterruptEntry(name) {
		p.stack.Above = true
		p.stack.Frames, p.regFrames, p.hasBase = p.stack.Frames[:0], 0, false
		if strings.HasPrefix(name, "el1") {
			// Of a function without a frame of its own arm64 does not show the
			// caller (arch/arm64/kernel/stacktrace.c).
			p.hasGap = true
		}
		return
	}
	base := isStackBase(name)
	switch {
	case len(p.stack.Frames) == maxFrames:
		p.hasGap = true
		return
	case p.hasBase && !base && endsStack(p.stack.Frames[len(p.stack.Frames)-1].Func):
		// Nothing calls what a stack begins with: another stack's frame.
		p.ignoreFrames = true
		return
	}
	p.hasBase = p.hasBase || base
	p.stack.Frames = append(p.stack.Frames, traces.Frame{Func: name, Module: string(mod)})
}
