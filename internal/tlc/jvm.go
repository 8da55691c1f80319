package tlc

import (
	"bufio"
	"bytes"
	"context"
	_ "embed"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
)

//go:embed Runs.java
var runsJava []byte

// A jvm runs TLC again and again. It ends, and removes its folder, when the
// process that started it has ended, or is killed.
type jvm struct {
	cmd    *exec.Cmd
	in     io.WriteCloser
	out    *bufio.Reader
	errors bytes.Buffer // what the JVM itself complains of
	own    string       // its folder
	runs   int
}

// jvms are those that nobody uses just now.
type jvms struct {
	mu   sync.Mutex
	idle []*jvm
}

func (p *jvms) get(t Tools) (*jvm, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if n := len(p.idle); n > 0 {
		j := p.idle[n-1]
		p.idle = p.idle[:n-1]
		return j, nil
	}
	return startJVM(t)
}

// maxRuns is after how many runs a JVM has to go: each leaves some 15 MB behind
// that TLC has hung on the JVM's shutdown.
const maxRuns = 12

func (p *jvms) put(j *jvm) {
	if j.runs++; j.runs == maxRuns {
		j.in.Close()
		go j.cmd.Wait()
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.idle = append(p.idle, j)
}

func startJVM(t Tools) (*jvm, error) {
	jar, err := filepath.Abs(t.Jar)
	if err != nil {
		return nil, err
	}
	own, err := os.MkdirTemp("", "tlc-jvm-")
	if err != nil {
		return nil, err
	}
	source := filepath.Join(own, "Runs.java")
	if err := os.WriteFile(source, runsJava, 0o666); err != nil {
		return nil, err
	}
	j := &jvm{own: own, cmd: exec.Command(t.Java, "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-Xmx4g", "-Xmn1g",
		"-Djava.io.tmpdir="+own, source, jar, own)}
	j.cmd.Dir = own // TLC looks for a module in the working directory first
	j.cmd.Stderr = &j.errors
	if j.in, err = j.cmd.StdinPipe(); err != nil {
		return nil, err
	}
	out, err := j.cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	j.out = bufio.NewReader(out)
	return j, j.cmd.Start()
}

// run has TLC check something, with the modules in one folder. It returns TLC's
// exit status, the seconds of processor time and what TLC printed. After an
// error the jvm is not to be used again.
func (j *jvm) run(ctx context.Context, folder string, args ...string) (status int, cpu float64, printed string, err error) {
	defer func() {
		if err != nil {
			j.cmd.Process.Kill()
			j.cmd.Wait()
			os.RemoveAll(j.own)
			if s := strings.TrimSpace(j.errors.String()); s != "" {
				err = fmt.Errorf("%w: %s", err, firstError(s))
			}
		}
	}()
	defer context.AfterFunc(ctx, func() { j.cmd.Process.Kill() })()
	if _, err := fmt.Fprintln(j.in, strings.Join(append([]string{folder}, args...), "\t")); err != nil {
		return 0, 0, "", err
	}
	head, err := j.out.ReadString('\n')
	if err != nil {
		return 0, 0, "", err
	}
	var nanoseconds, size int64
	if _, err := fmt.Sscan(head, &status, &nanoseconds, &size); err != nil {
		return 0, 0, "", fmt.Errorf("TLC's JVM answers %q: %w", head, err)
	}
	b := make([]byte, size)
	_, err = io.ReadFull(j.out, b)
	return status, float64(nanoseconds) / 1e9, string(b), err
}
