package sandbox

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/signal"
	"runtime"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// init takes over when this process was started by Start; in every other process it does nothing.
func init() {
	if len(os.Args) == 1 && os.Args[0] == childArg0 {
		childMain()
	}
}

// childMain is the sandbox's first process. It stays on one thread: credentials, capabilities and the filter belong
// to a thread, and the program inherits those of the thread that forks it.
func childMain() {
	runtime.LockOSThread()
	absorbSignals()
	spec, err := readSpec()
	if err == nil {
		err = confine(spec)
	}
	if err != nil {
		report(message{Error: err.Error()}, nil)
		os.Exit(1)
	}
	begin := time.Now()
	pid, err := spawn(spec)
	if err != nil {
		report(message{Error: err.Error(), Exec: true}, nil)
		os.Exit(1)
	}
	report(message{Started: begin.UnixNano()}, nil)
	report(reap(pid), nil)
	os.Exit(0)
}

// absorbSignals keeps a function that shares our uid (in a user namespace) from ending the first process. Ignoring
// signals would be inherited by the program; catching them is not.
func absorbSignals() { signal.Notify(make(chan os.Signal, 1)) }

// readSpec reads the specification and from then on ends this process, and so the sandbox, when the caller is gone.
func readSpec() (*Spec, error) {
	unix.CloseOnExec(specFD)
	unix.CloseOnExec(statusFD)
	file := os.NewFile(specFD, "spec")
	dec := json.NewDecoder(file)
	var spec Spec
	if err := dec.Decode(&spec); err != nil {
		return nil, fmt.Errorf("read the specification: %w", err)
	}
	go func() {
		io.Copy(io.Discard, file)
		os.Exit(1)
	}()
	return &spec, nil
}

func confine(spec *Spec) error {
	if spec.PrivateNet {
		if err := privateNetwork(); err != nil {
			return err
		}
	}
	if err := buildRoot(spec); err != nil {
		return err
	}
	name := spec.Hostname
	if name == "" {
		name = defaultHost
	}
	if err := unix.Sethostname([]byte(name)); err != nil {
		return fmt.Errorf("set the host name: %w", err)
	}
	if err := limit(); err != nil {
		return err
	}
	return dropPrivileges(spec.Mapped)
}

// limit sets Lambda's limits. They are set through syscall, which otherwise restores its own at the fork.
func limit() error {
	for _, l := range []struct {
		name     string
		resource int
		max      uint64
	}{
		{"open files", syscall.RLIMIT_NOFILE, maxFiles},
		{"processes", unix.RLIMIT_NPROC, maxProcesses},
		{"core size", syscall.RLIMIT_CORE, 0},
	} {
		if err := syscall.Setrlimit(l.resource, &syscall.Rlimit{Cur: l.max, Max: l.max}); err != nil {
			return fmt.Errorf("limit %s: %w", l.name, err)
		}
	}
	return nil
}

func spawn(spec *Spec) (int, error) {
	dir := spec.Dir
	if dir == "" {
		dir = "/var/task"
	}
	null, err := os.Open("/dev/null")
	if err != nil {
		return 0, err
	}
	defer null.Close()
	return syscall.ForkExec(spec.Args[0], spec.Args, &syscall.ProcAttr{
		Dir:   dir,
		Env:   spec.Env,
		Files: []uintptr{null.Fd(), 1, 2},
		Sys:   &syscall.SysProcAttr{Setsid: true},
	})
}

// reap collects every process of the namespace until the program itself ends.
func reap(program int) message {
	for {
		var ws syscall.WaitStatus
		pid, err := syscall.Wait4(-1, &ws, 0, nil)
		switch {
		case err == syscall.EINTR:
		case err != nil:
			return message{Error: fmt.Sprintf("wait for the program: %v", err)}
		case pid != program:
		case ws.Signaled():
			return message{Exited: true, Exit: -1, Signal: ws.Signal()}
		case ws.Exited():
			return message{Exited: true, Exit: ws.ExitStatus()}
		}
	}
}

// report sends one message; fds travel with it.
func report(msg message, fds []int) error {
	data, err := json.Marshal(msg)
	if err != nil {
		return err
	}
	var oob []byte
	if len(fds) > 0 {
		oob = unix.UnixRights(fds...)
	}
	return unix.Sendmsg(statusFD, data, oob, nil, 0)
}
