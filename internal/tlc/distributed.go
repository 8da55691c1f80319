package tlc

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"
)

// RunDistributed checks a model's invariants by TLC's distributed mode, with a
// server and some workers, each a JVM of its own, on the loopback. The mode
// knows no liveness: the model's properties are left out.
func (t Tools) RunDistributed(ctx context.Context, m Model, workers int) (Result, error) {
	tmp, err := workFolder(m)
	if err != nil {
		return Result{}, err
	}
	defer os.RemoveAll(tmp)
	cfg, err := os.ReadFile(m.Path)
	if err != nil {
		return Result{}, err
	}
	// The server reads MODULE.cfg, and has no -config.
	if err := os.WriteFile(filepath.Join(tmp, m.Module+".cfg"), []byte(Without(string(cfg), "PROPERTY", "PROPERTIES")), 0o666); err != nil {
		return Result{}, err
	}
	start := time.Now()
	java := func(part string, out *bytes.Buffer, args ...string) (*exec.Cmd, error) {
		// Each unpacks the standard modules into a folder of its own.
		own := filepath.Join(tmp, part)
		if err := os.Mkdir(own, 0o777); err != nil {
			return nil, err
		}
		cmd := exec.CommandContext(ctx, t.Java, append([]string{
			"-XX:+UseParallelGC", "-Djava.io.tmpdir=" + own, "-Djava.rmi.server.hostname=127.0.0.1", "-cp", t.Jar,
		}, args...)...)
		cmd.Dir = tmp
		cmd.Stdout, cmd.Stderr = out, out
		return cmd, cmd.Start()
	}
	var out bytes.Buffer
	server, err := java("server", &out, "tlc2.tool.distributed.TLCServer", "-deadlock", "-checkpoint", "0", m.Module)
	if err != nil {
		return Result{}, err
	}
	for i := range workers {
		var noise bytes.Buffer
		// A worker that comes before the server listens waits for it.
		w, err := java(fmt.Sprintf("worker%d", i), &noise, "tlc2.tool.distributed.TLCWorker", "127.0.0.1")
		if err != nil {
			server.Process.Kill()
			return Result{}, err
		}
		defer func() {
			w.Process.Kill()
			w.Wait()
		}()
	}
	err = server.Wait()
	r := parseOutput(out.String())
	r.Seconds = time.Since(start).Seconds()
	switch {
	case ctx.Err() != nil:
		return r, fmt.Errorf("%s: TLC was stopped: %w", m.Path, ctx.Err())
	case err != nil:
		return r, fmt.Errorf("%s: %v: %s", m.Path, err, firstError(r.Output))
	case r.Got.Violates != "" || strings.Contains(r.Output, "\nError: "):
		return r, fmt.Errorf("%s: %s", m.Path, firstError(r.Output))
	}
	return r, nil
}
