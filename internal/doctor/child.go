package doctor

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// A probe's own process is this executable, started under this name with the probe's id, the folder and its own path as
// arguments.
const childName = "thimble-doctor-probe"

// exitRan is the exit status of a program that a probe replaces itself with: seeing it proves that the program ran.
const exitRan = 42

// The processes that are no probes but help one.
const (
	helperExit = "helper-exit" // ends with exitRan
	helperHold = "helper-hold" // keeps known bytes in memory until its input ends
)

// init takes over when this process was started for one probe; in every other process it does nothing.
func init() {
	if len(os.Args) == 4 && os.Args[0] == childName {
		os.Exit(childMain(os.Args[1], os.Args[2]))
	}
}

// childMain stays on one thread: much of what is tried belongs to a thread.
func childMain(id, folder string) int {
	runtime.LockOSThread()
	// A probe may be killed by the kernel; that must leave no core file.
	_ = syscall.Setrlimit(syscall.RLIMIT_CORE, &syscall.Rlimit{})
	switch id {
	case helperExit:
		return exitRan
	case helperHold:
		hold()
		return 0
	}
	o := outcome{Answer: Unknown, Detail: "no such probe"}
	for _, p := range probes {
		if p.id == id && p.try != nil {
			o = p.try(folder)
		}
	}
	if err := json.NewEncoder(os.Stdout).Encode(o); err != nil {
		return 1
	}
	return 0
}

// self is the path of this executable.
func self() (string, error) {
	if len(os.Args) == 4 && os.Args[0] == childName {
		return os.Args[3], nil
	}
	if path, err := os.Executable(); err == nil {
		return path, nil
	}
	// Without /proc the name that we were started by is all there is.
	path, err := exec.LookPath(os.Args[0])
	if err != nil {
		return "", err
	}
	return filepath.Abs(path)
}

// childCommand prepares a process of our own. It leads a process group, so that nothing of it outlives the probe.
func childCommand(ctx context.Context, id, folder string) (*exec.Cmd, error) {
	path, err := self()
	if err != nil {
		return nil, fmt.Errorf("find the executable: %w", err)
	}
	cmd := exec.CommandContext(ctx, path)
	cmd.Args = []string{childName, id, folder, path}
	cmd.Env = []string{} // nothing that steers a loader or the Go runtime
	inOwnGroup(cmd)
	return cmd, nil
}

func inOwnGroup(cmd *exec.Cmd) {
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
	cmd.WaitDelay = time.Second
}

// endGroup ends what a finished command may have left running in its process group.
func endGroup(cmd *exec.Cmd) {
	if cmd.Process != nil {
		_ = syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL)
	}
}

// runChild runs one probe in a process of its own and reads its outcome.
func runChild(ctx context.Context, id, folder string) outcome {
	ctx, cancel := context.WithTimeout(ctx, probeTime)
	defer cancel()
	cmd, err := childCommand(ctx, id, folder)
	if err != nil {
		return failure(err)
	}
	var out, talk bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &talk
	err = cmd.Run()
	endGroup(cmd)
	return childOutcome(ctx, cmd.ProcessState, out.Bytes(), talk.String(), err)
}

// childOutcome reads what became of a probe's process.
func childOutcome(ctx context.Context, state *os.ProcessState, out []byte, talk string, err error) outcome {
	var o outcome
	if state == nil {
		return outcome{Answer: Unknown, Errno: errnoOf(err), Detail: "the probe could not be started: " + err.Error()}
	}
	status, _ := state.Sys().(syscall.WaitStatus)
	switch {
	case ctx.Err() != nil:
		return outcome{Answer: Unknown, Detail: "no answer in time"}
	case json.Unmarshal(out, &o) == nil && o.Answer != "":
		return o
	case status.Exited() && status.ExitStatus() == exitRan:
		return outcome{Answer: Yes}
	case status.Signaled():
		return outcome{Answer: No, Detail: "killed by " + unix.SignalName(status.Signal())}
	}
	return outcome{Answer: Unknown, Detail: firstLine(fmt.Sprintf("the probe ended without an answer (%v) %s", state, talk))}
}

// granted is the outcome of a system call that was the question itself.
func granted(err error) outcome {
	if err == nil {
		return outcome{Answer: Yes}
	}
	return outcome{Answer: No, Errno: errnoOf(err)}
}

// failure is the outcome when the question could not be put.
func failure(err error) outcome {
	return outcome{Answer: Unknown, Errno: errnoOf(err), Detail: err.Error()}
}

// errnoOf names the system call error in a chain, "" if there is none.
func errnoOf(err error) string {
	var errno syscall.Errno
	if !errors.As(err, &errno) {
		return ""
	}
	if name := unix.ErrnoName(errno); name != "" {
		return name
	}
	return fmt.Sprintf("errno %d", int(errno))
}

func firstLine(s string) string {
	line, _, _ := strings.Cut(strings.TrimSpace(s), "\n")
	return line
}

// held is what the helper keeps in memory.
var held = [16]byte{'t', 'h', 'i', 'm', 'b', 'l', 'e', ' ', 'd', 'o', 'c', 't', 'o', 'r', 'r', '\n'}

// hold says where the bytes are and waits for the end of its input.
func hold() {
	fmt.Printf("%d\n", heldAddress())
	_, _ = io.Copy(io.Discard, os.Stdin)
}
