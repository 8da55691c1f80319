package kreport

import (
	"strings"

	"github.com/kthread-tla/tracecheck/traces"
)

// addFrame takes a line of a trace.
func (p *pending) addFrame(f frameLine) {
	if p.mixed {
		return
	}
	p.hasTrace = true
	switch {
	case f.kind == dubious:
		// powerpc takes the first frame from the link register, which may hold the
		// caller of the function where the CPU was.
		p.hasGap = p.hasGap || f.unsure && len(p.stack.Frames) > 0 && !p.inInterrupt
		return
	case f.kind == garbled:
		p.hasGap = p.hasGap || !p.hasBase
		return
	case p.inInterrupt:
		// The registers before were the interrupt's.
		p.dropFrames()
		p.stack.Above = true
		return
	}
	if f.callee != nil {
		// arch/arm/kernel/traps.c dump_backtrace_entry prints for each frame the function
		// and its caller. Where the function is not the caller of the line before, lines
		// are missing.
		name := functionName(f.callee)
		switch last := len(p.stack.Frames) - 1; {
		case last < 0:
			p.pushFrame(f.callee, f.calleeMod)
		case p.stack.Frames[last].Func != name && p.hasBase && endsStack(p.stack.Frames[last].Func):
			p.ignoreFrames = true // as in pushFrame: another stack's frame
			return
		case p.stack.Frames[last].Func != name:
			p.hasGap = true
			p.pushFrame(f.callee, f.calleeMod)
		}
		p.pushFrame(f.fn, f.mod)
		return
	}
	if p.regFrames > 0 && p.regFrames == len(p.stack.Frames) && string(f.where) == p.lastRegFrame {
		// arm64's traces begin with the frame of the registers, others with its caller.
		p.hasBase = isStackBase(functionName(f.fn))
		return
	}
	if p.hadInterrupt && len(p.stack.Frames) == 0 && !isInterruptEntry(functionName(f.fn)) {
		// No registers stand between the interrupt's part and this frame: x86 until 4.9
		// shows the function that was interrupted as dubious, or not at all.
		p.hasGap = true
	}
	p.pushFrame(f.fn, f.mod)
}

// dropFrames drops the frames that come from registers: they were those of an interrupt
// on top of the task.
func (p *pending) dropFrames() {
	if len(p.stack.Frames) == p.regFrames {
		p.stack.Frames, p.regFrames, p.hasBase = p.stack.Frames[:0], 0, false
	}
}

// pushFrame adds a function to the outer end of the stack.
func (p *pending) pushFrame(fn, mod []byte) {
	name := functionName(fn)
	if isInterruptEntry(name) {
		p.stack.Above = true
		p.stack.Frames, p.regFrames, p.hasBase = p.stack.Frames[:0], 0, false
		if strings.HasPrefix(name, "el1") {
			// arm64 does not show the caller of a function that has no frame of its own
			// (arch/arm64/kernel/stacktrace.c).
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
		// Nothing calls the function that a stack begins with: this is another stack's
		// frame.
		p.ignoreFrames = true
		return
	}
	p.hasBase = p.hasBase || base
	p.stack.Frames = append(p.stack.Frames, traces.Frame{Func: name, Module: string(mod)})
}
