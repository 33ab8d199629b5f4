package demo

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"time"
)

// plainPlatform runs functions without protection and without the local Lambda: a private /tmp, a process namespace, and a
// few lines in place of a runtime.
type plainPlatform struct{ host Host }

const plainSetup = `mount --bind "$CODE" /mnt && mount --bind "$HARNESS" /srv && mount -t tmpfs tmpfs /tmp && cd /mnt &&
unset CODE HARNESS && exec "$@"`

func (p plainPlatform) Start(f Function) (Instance, error) {
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
}

func (p *plainInstance) Invoke(_ context.Context, event []byte) (*Answer, error) {
	begin := time.Now()
	if _, err := fmt.Fprintf(p.events, "%s\n", event); err != nil {
		return nil, err
	}
	stuck := time.AfterFunc(10*time.Second, func() { p.cmd.Process.Kill() })
	defer stuck.Stop()
	response, err := p.answers.ReadBytes('\n')
	if err != nil {
		return nil, err
	}
	return &Answer{Response: response, Init: 1, Duration: time.Since(begin)}, nil
}

func (p *plainInstance) Close() error {
	p.events.Close()
	p.cmd.Process.Kill()
	return p.cmd.Wait()
}
