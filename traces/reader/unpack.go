package reader

import (
	"bufio"
	"bytes"
	"compress/bzip2"
	"compress/gzip"
	"errors"
	"fmt"
	"io"

	"github.com/klauspost/compress/zstd"
)

// notText has the first bytes of files that are no text, with advice how to make text of
// them.
var notText = []struct{ magic, answer string }{
	{"\x17\x08\x44tracing", "a trace.dat file, which is binary: trace-cmd report -i FILE makes text of it"},
	{"PERFILE2", "a perf.data file, which is binary: perf script -i FILE makes text of it"},
	{"LPKSHHRH", "a journal file, which is binary: journalctl -k -o export --file FILE makes text of it"},
	{"\xfd7zXZ\x00", "compressed by xz: xz -dc FILE makes text of it"},
	{"\xff\xfe", "UTF-16 text: iconv -f UTF-16 -t UTF-8 FILE makes UTF-8 of it"},
	{"\xfe\xff", "UTF-16 text: iconv -f UTF-16 -t UTF-8 FILE makes UTF-8 of it"},
}

// Unpack looks at the first bytes of an input, and takes off what compressed
// it. The error says what to do about a file that is no text.
func Unpack(r io.Reader) (io.Reader, error) {
	in := bufio.NewReader(r)
	// The longest magic has 10 bytes. A shorter input is what it is.
	head, err := in.Peek(10)
	if err != nil && err != io.EOF {
		// What could be read is read first.
		return in, nil
	}
	for _, f := range notText {
		if bytes.HasPrefix(head, []byte(f.magic)) {
			return nil, errors.New(f.answer)
		}
	}
	var plain io.Reader
	switch {
	case bytes.HasPrefix(head, []byte("\x1f\x8b")):
		plain, err = gzip.NewReader(in)
	case bytes.HasPrefix(head, []byte("\x28\xb5\x2f\xfd")):
		// One goroutine, ours; and no more memory than zstd's own default
		// window (8 MiB) needs, or --long=27 at the most.
		plain, err = zstd.NewReader(in, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxWindow(128<<20), zstd.WithDecoderLowmem(true))
	case bytes.HasPrefix(head, []byte("BZh")) && len(head) > 3 && '1' <= head[3] && head[3] <= '9':
		plain = bzip2.NewReader(in)
	default:
		return in, nil
	}
	if errors.Is(err, io.ErrUnexpectedEOF) || err == io.EOF {
		return nil, errors.New("compressed, and cut off before its first line")
	}
	if err != nil {
		return nil, fmt.Errorf("compressed, and damaged: %w", err)
	}
	return &packed{r: plain}, nil
}

// A packed reads compressed data, and marks its errors as errors of the decompression.
type packed struct{ r io.Reader }

// Read implements io.Reader.
func (p *packed) Read(b []byte) (int, error) {
	n, err := p.r.Read(b)
	if err != nil && err != io.EOF && !errors.Is(err, io.ErrUnexpectedEOF) {
		err = fmt.Errorf("compressed, and damaged: %w", err)
	}
	return n, err
}
