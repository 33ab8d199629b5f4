package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"sync"
	"syscall"
	"time"
)

// process is a child with blocking pipes. It bypasses os/exec and the poller, whose goroutines would add their own
// scheduling to what is timed.
type process struct {
	pid     int
	in, out int // our ends of its stdin and stdout
	rest    []byte
}

// start runs a program with exactly this environment; its stderr goes to the descriptor err.
func start(argv, env []string, err int) (*process, error) {
	var in, out [2]int
	if e := pipes(&in, &out); e != nil {
		return nil, e
	}
	pid, e := syscall.ForkExec(argv[0], argv, &syscall.ProcAttr{
		Env: env, Files: []uintptr{uintptr(in[0]), uintptr(out[1]), uintptr(err)},
	})
	closeAll(in[0], out[1])
	if e != nil {
		closeAll(in[1], out[0])
		return nil, fmt.Errorf("start %q: %w", argv[0], e)
	}
	live.add(pid)
	return &process{pid: pid, in: in[1], out: out[0]}, nil
}

func pipes(in, out *[2]int) error {
	if err := syscall.Pipe2(in[:], syscall.O_CLOEXEC); err != nil {
		return fmt.Errorf("make a pipe: %w", err)
	}
	if err := syscall.Pipe2(out[:], syscall.O_CLOEXEC); err != nil {
		closeAll(in[0], in[1])
		return fmt.Errorf("make a pipe: %w", err)
	}
	return nil
}

func closeAll(fds ...int) {
	for _, fd := range fds {
		if fd >= 0 {
			syscall.Close(fd)
		}
	}
}

// line reads up to the end of a line of output; io.EOF when the process closed it first.
func (p *process) line() ([]byte, error) {
	for {
		if i := bytes.IndexByte(p.rest, '\n'); i >= 0 {
			line := p.rest[:i]
			p.rest = p.rest[i+1:]
			return line, nil
		}
		var chunk [4096]byte
		n, err := syscall.Read(p.out, chunk[:])
		switch {
		case errors.Is(err, syscall.EINTR):
		case err != nil:
			return nil, fmt.Errorf("read output: %w", err)
		case n == 0:
			return nil, io.EOF
		default:
			p.rest = append(p.rest, chunk[:n]...)
		}
	}
}

// ask writes a line and reads the answer.
func (p *process) ask(line string) ([]byte, error) {
	if _, err := syscall.Write(p.in, []byte(line+"\n")); err != nil {
		return nil, fmt.Errorf("write a request: %w", err)
	}
	answer, err := p.line()
	if err != nil {
		return nil, fmt.Errorf("no answer to %q: %w", line, err)
	}
	return answer, nil
}

// wait closes what is open and reaps the process.
func (p *process) wait() (syscall.WaitStatus, syscall.Rusage, error) {
	var status syscall.WaitStatus
	var usage syscall.Rusage
	_, err := syscall.Wait4(p.pid, &status, 0, &usage)
	for errors.Is(err, syscall.EINTR) {
		_, err = syscall.Wait4(p.pid, &status, 0, &usage)
	}
	live.remove(p.pid)
	closeAll(p.in, p.out)
	p.in, p.out = -1, -1
	if err != nil {
		return status, usage, fmt.Errorf("wait for a process: %w", err)
	}
	return status, usage, nil
}

// stop ends a process that ends at the end of its input.
func (p *process) stop() error {
	closeAll(p.in)
	p.in = -1
	status, _, err := p.wait()
	if err == nil && status != 0 {
		err = fmt.Errorf("a process ended with status %#x", int(status))
	}
	return err
}

// live is every process of ours that runs, for the watchdog.
var live = processes{pids: map[int]bool{}}

type processes struct {
	mu   sync.Mutex
	pids map[int]bool
}

func (l *processes) add(pid int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.pids[pid] = true
}

func (l *processes) remove(pid int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	delete(l.pids, pid)
}

// killAfter ends every process of ours after a time, so that one that hangs fails its metric and not the whole run.
func (l *processes) killAfter(d time.Duration) *time.Timer {
	return time.AfterFunc(d, func() {
		l.mu.Lock()
		defer l.mu.Unlock()
		for pid := range l.pids {
			syscall.Kill(pid, syscall.SIGKILL)
		}
	})
}

// sink is a pipe for the stderr of processes, read only between measurements: as on Lambda, where event lines go into a
// pipe.
type sink struct{ r, w int }

func newSink() (sink, error) {
	var fds [2]int
	if err := syscall.Pipe2(fds[:], syscall.O_CLOEXEC|syscall.O_NONBLOCK); err != nil {
		return sink{}, fmt.Errorf("make a pipe: %w", err)
	}
	return sink{fds[0], fds[1]}, nil
}

// drain returns what was written since the last time.
func (s sink) drain() []byte {
	var out []byte
	chunk := make([]byte, 64<<10)
	for {
		n, err := syscall.Read(s.r, chunk)
		if n <= 0 || err != nil {
			return out
		}
		out = append(out, chunk[:n]...)
	}
}
