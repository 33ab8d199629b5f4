package lambda

import (
	"fmt"
	"net"
	"os"
	"os/exec"
	"sync"
	"syscall"
	"time"

	"thimble/internal/lambda/sandbox"
)

// environment is a running runtime with the API that it talks to: what Lambda calls an execution environment.
type environment struct {
	api     *runtimeAPI
	journal *journal
	streams []*stream
	kill    func()
	started time.Time

	ended  chan struct{} // closed when the runtime is gone
	status sandbox.Status
	broken error // set when the sandbox failed rather than the program

	stopOnce sync.Once
}

// startEnvironment starts the runtime. It does not wait until the runtime asks for work.
func (f *Function) startEnvironment() (*environment, error) {
	e := &environment{
		api:     newRuntimeAPI(f.vars.arn),
		journal: &journal{live: f.cfg.Log},
		ended:   make(chan struct{}),
	}
	stdout, err := newStream(e.journal, false)
	if err != nil {
		return nil, err
	}
	stderr, err := newStream(e.journal, true)
	if err != nil {
		stdout.close()
		return nil, err
	}
	e.streams = []*stream{stdout, stderr}
	if err := f.launch(e); err != nil {
		e.api.close()
		stdout.close()
		stderr.close()
		return nil, err
	}
	return e, nil
}

// launch opens the API and starts the program, in the sandbox or without.
func (f *Function) launch(e *environment) error {
	if f.cfg.Network == networkPrivate {
		return f.launchSandbox(e, sandbox.PrivateAPI)
	}
	l, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		return fmt.Errorf("open the runtime API's port: %w", err)
	}
	go e.api.serve(l)
	if f.cfg.NoSandbox {
		return f.launchPlain(e, l.Addr().String())
	}
	return f.launchSandbox(e, l.Addr().String())
}

func (f *Function) launchSandbox(e *environment, address string) error {
	spec := f.sandboxSpec(address)
	spec.Stdout, spec.Stderr = e.streams[0].write, e.streams[1].write
	proc, err := sandbox.Start(spec)
	if err != nil {
		return err
	}
	if proc.Listener != nil {
		go e.api.serve(proc.Listener)
	}
	e.kill, e.started = proc.Kill, proc.Started
	go func() {
		e.status, e.broken = proc.Wait()
		close(e.ended)
	}()
	return nil
}

// launchPlain starts the program on the machine as it is. Its own process group stands in for the pid namespace.
func (f *Function) launchPlain(e *environment, address string) error {
	args, vars := f.plainCommand(address)
	cmd := exec.Command(args[0], args[1:]...)
	cmd.Dir, cmd.Env = f.layout.task, vars
	cmd.Stdout, cmd.Stderr = e.streams[0].write, e.streams[1].write
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	e.started = time.Now()
	if err := cmd.Start(); err != nil {
		return &sandbox.ExecError{Path: args[0], Reason: err.Error()}
	}
	e.kill = func() { syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
	go func() {
		cmd.Wait()
		e.kill() // what it left behind
		e.status = statusOf(cmd.ProcessState)
		close(e.ended)
	}()
	return nil
}

func statusOf(state *os.ProcessState) sandbox.Status {
	ws, ok := state.Sys().(syscall.WaitStatus)
	if ok && ws.Signaled() {
		return sandbox.Status{Exit: -1, Signal: ws.Signal()}
	}
	return sandbox.Status{Exit: state.ExitCode()}
}

// stop ends the runtime with all its children.
func (e *environment) stop() {
	e.stopOnce.Do(func() {
		e.kill()
		<-e.ended
		e.api.close()
		for _, s := range e.streams {
			s.sync()
			s.close()
		}
	})
}

// awaitEnd gives a runtime the time to end by itself.
func (e *environment) awaitEnd(limit time.Duration) {
	select {
	case <-e.ended:
	case <-time.After(limit):
	}
}

// collect moves what has been written into the result.
func (e *environment) collect(res *Result) {
	for _, s := range e.streams {
		s.sync()
	}
	lines, events := e.journal.take()
	res.Log = append(res.Log, lines...)
	res.Events = append(res.Events, events...)
}

// exitError words the end of a runtime that still owed a response.
func (e *environment) exitError(id string) *FunctionError {
	switch {
	case e.broken != nil:
		return aboutRequest("Runtime.Unknown", id, "%v", e.broken)
	case e.status == sandbox.Status{}:
		return aboutRequest("Runtime.ExitError", id, "Runtime exited without providing a reason")
	}
	return aboutRequest("Runtime.ExitError", id, "Runtime exited with error: %s", e.status)
}
