package demo

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
)

// plainPlatform runs functions without protection and without the local Lambda: a private /tmp, a process namespace, and a
// few lines in place of a runtime.
type plainPlatform struct{ host Host }

const plainSetup = `mount --bind "$CODE" /mnt && mount --bind "$HARNESS" /srv && mount -t tmpfs tmpfs /tmp && cd /mnt &&
unset CODE HARNESS && exec "$@"`

func (p plainPlatform) Start(ctx context.Context, f Function) (Instance, error) {
	harness, err := filepath.Abs("testdata")
	if err != nil {
		return nil, err
	}
	script := map[string]string{"node": "/srv/harness.js", "python": "/srv/harness.py"}[f.Runtime]
	cmd := exec.Command("unshare", "--map-root-user", "--mount", "--pid", "--fork", "--mount-proc", "--kill-child",
		"sh", "-c", plainSetup, "sh", p.host.Interpreter, script)
	cmd.Env = []string{"PATH=" + os.Getenv("PATH"), "LAMBDA_TASK_ROOT=/mnt", "CODE=" + f.Dir, "HARNESS=" + harness}
	for k, v := range f.Env {
		cmd.Env = append(cmd.Env, k+"="+v)
	}
	return startPlain(cmd)
}

func startPlain(cmd *exec.Cmd) (Instance, error) {
	answers, theirs, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	p := &plainInstance{cmd: cmd, answers: bufio.NewReader(answers)}
	cmd.ExtraFiles = []*os.File{theirs}
	cmd.Stderr = &p.log
	cmd.Stdout = &p.log
	if p.events, err = cmd.StdinPipe(); err != nil {
		return nil, err
	}
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	return p, theirs.Close()
}

type plainInstance struct {
	cmd     *exec.Cmd
	events  io.WriteCloser
	answers *bufio.Reader
	log     safeBuffer
}

func (p *plainInstance) Invoke(ctx context.Context, event []byte) ([]byte, error) {
	if _, err := fmt.Fprintf(p.events, "%s\n", event); err != nil {
		return nil, err
	}
	type answer struct {
		line []byte
		err  error
	}
	got := make(chan answer, 1)
	go func() {
		line, err := p.answers.ReadBytes('\n')
		got <- answer{line, err}
	}()
	select {
	case a := <-got:
		return a.line, a.err
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

func (p *plainInstance) Log() []byte { return p.log.Bytes() }

func (p *plainInstance) Close() error {
	p.events.Close()
	p.cmd.Process.Kill()
	return p.cmd.Wait()
}

type safeBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (s *safeBuffer) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.Write(p)
}

func (s *safeBuffer) Bytes() []byte {
	s.mu.Lock()
	defer s.mu.Unlock()
	return bytes.Clone(s.b.Bytes())
}
