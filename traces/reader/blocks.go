package reader

import (
	"bytes"
	"io"
	"runtime"
	"sync"

	"github.com/kthread-tla/tracecheck/traces/internal/skim"
)

// blockSize is how many bytes are skimmed in one go. The first blocks of an
// input are smaller, so that a short one costs little.
const (
	blockSize = 768 << 10
	firstSize = skim.MaxLine
)

// A block is some whole lines of an input, or a piece of one that is longer than
// a block.
type block struct {
	skim.Block
	text  []byte
	long  bool  // text is a piece of an overlong line, without its end
	cut   bool  // its last line has no newline: the input ends there
	err   error // of the read behind it
	ready chan struct{}
}

// blocks hands out an input's blocks in their order. Before start, and with Follow, the
// caller of next reads and skims a block itself. After start, goroutines do it: one of them
// reads a block while the others wait, and then skims it while it is in its CPU's cache. If
// the next block is not ready, the caller of next reads and skims one too, because to sleep
// and to be woken takes as long as some thousand lines.
type blocks struct {
	follow  bool
	started bool
	own     skim.Skimmer // for the caller of next
	order   chan *block  // in the order of the input
	free    chan *block
	quit    chan struct{}
	once    sync.Once

	mu    sync.Mutex // held while a block is read
	in    io.Reader
	size  int    // of the next block
	made  int    // how many blocks there are
	rest  []byte // the beginning of a line whose end is in the next block
	long  bool   // the latest block has no line's end
	ended bool
}

func newBlocks(in io.Reader, follow bool) *blocks {
	count := 2*workers() + 4
	return &blocks{
		in: in, follow: follow, size: firstSize, own: new(skim.Plain),
		order: make(chan *block, count), free: make(chan *block, count), quit: make(chan struct{}),
	}
}

// workers is how many goroutines read and skim.
func workers() int { return min(4, max(1, runtime.GOMAXPROCS(0)-1)) }

// start has the blocks from here on skimmed by these skimmers, of which each goroutine
// has one.
func (b *blocks) start(skimmers func() skim.Skimmer) {
	b.own = skimmers()
	if b.follow || b.ended {
		return
	}
	b.started = true
	for range workers() {
		go func() {
			g := skimmers()
			for b.skimNext(g, true) {
			}
		}()
	}
}

// skimNext reads the next block and skims it. It is false if there is none: the input has
// ended, or the Reader was closed. Without wait it is also false if another goroutine is
// reading, or no block is free.
func (b *blocks) skimNext(g skim.Skimmer, wait bool) bool {
	if wait {
		b.mu.Lock()
	} else if !b.mu.TryLock() {
		return false
	}
	bl := b.read(wait)
	b.mu.Unlock()
	if bl == nil {
		return false
	}
	g.Skim(bl.text, &bl.Block)
	bl.ready <- struct{}{}
	return true
}

// read reads the next block; the caller holds mu.
func (b *blocks) read(wait bool) *block {
	if b.ended {
		return nil
	}
	var bl *block
	switch {
	case len(b.free) == 0 && b.made < cap(b.free):
		b.made++
		bl = &block{ready: make(chan struct{}, 1)}
	case !wait && len(b.free) == 0: // nobody else takes one
		return nil
	default:
		select {
		case bl = <-b.free:
		case <-b.quit:
			b.ended = true
			return nil
		}
	}
	b.fill(bl)
	b.order <- bl // has room for all
	if bl.err != nil {
		b.ended = true
		close(b.order)
	}
	return bl
}

// fill reads whole lines into a block.
func (b *blocks) fill(bl *block) {
	if cap(bl.text) < b.size {
		bl.text = make([]byte, 0, b.size)
	}
	size := b.size
	b.size = min(2*b.size, blockSize)
	bl.text = append(bl.text[:0], b.rest...)
	bl.long, bl.Tail, bl.cut, bl.err = false, b.long, false, nil
	b.rest, b.long = b.rest[:0], false
	for len(bl.text) < size && bl.err == nil {
		n, err := b.in.Read(bl.text[len(bl.text):size])
		bl.text, bl.err = bl.text[:len(bl.text)+n], err
		if n > 0 && (b.follow || len(bl.text) >= size/4) && bytes.IndexByte(bl.text[len(bl.text)-n:], '\n') >= 0 {
			break // a pipe gives little at a time
		}
	}
	end := bytes.LastIndexByte(bl.text, '\n') + 1
	switch {
	case bl.err != nil:
		bl.cut = end < len(bl.text)
	case end == 0:
		bl.long, b.long = true, true
	default:
		b.rest = append(b.rest, bl.text[end:]...)
		bl.text = bl.text[:end]
	}
}

// next is the next block. It must not be called behind the last one, which has an error.
func (b *blocks) next() *block {
	if !b.started {
		b.skimNext(b.own, true)
	}
	for b.started && len(b.order) == 0 && b.skimNext(b.own, false) {
	}
	bl := <-b.order
	for b.started && len(bl.ready) == 0 && b.skimNext(b.own, false) {
	}
	<-bl.ready
	return bl
}

// done gives a block back.
func (b *blocks) done(bl *block) { b.free <- bl } // has room for all

func (b *blocks) close() { b.once.Do(func() { close(b.quit) }) }
