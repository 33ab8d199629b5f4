package sandbox

import (
	"encoding/json"
	"fmt"
	"net"
	"os"
	"os/exec"
	"strings"
	"sync"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// Process is a running sandbox.
type Process struct {
	// Listener accepts connections to PrivateAPI inside a sandbox with a private network; nil otherwise.
	Listener net.Listener
	// Started is when the program was about to be executed: the sandbox itself was ready.
	Started time.Time

	cmd    *exec.Cmd
	spec   *os.File // our end of the specification pipe: closing it ends the sandbox
	status *net.UnixConn
	root   string
	once   sync.Once
	done   chan struct{}
	result Status
	err    error
}

// message is one datagram from the sandbox's first process.
type message struct {
	Started  int64          `json:"started,omitempty"` // when the program was about to be executed, in ns since 1970
	Listener bool           `json:"listener,omitempty"`
	Exited   bool           `json:"exited,omitempty"`
	Exit     int            `json:"exit,omitempty"`
	Signal   syscall.Signal `json:"signal,omitempty"`
	Error    string         `json:"error,omitempty"`
	Exec     bool           `json:"exec,omitempty"` // Error is the program's own: it could not be executed
}

// ExecError is returned by Start when the sandbox stood but the program could not be executed.
type ExecError struct {
	Path   string
	Reason string
}

func (e *ExecError) Error() string { return fmt.Sprintf("execute %s: %s", e.Path, e.Reason) }

// Start assembles a sandbox and runs the program in it. It returns once the program runs.
func Start(spec Spec) (*Process, error) {
	if len(spec.Args) == 0 {
		return nil, fmt.Errorf("start a sandbox: no program given")
	}
	root, err := os.MkdirTemp("", "thimble-root-")
	if err != nil {
		return nil, fmt.Errorf("make the sandbox's root: %w", err)
	}
	spec.Root, spec.Mapped = root, spec.UserNS || !privileged()
	proc := &Process{root: root, done: make(chan struct{})}
	if err := proc.launch(&spec); err != nil {
		os.Remove(root)
		return nil, err
	}
	if err := proc.await(spec.Args[0]); err != nil {
		proc.Kill()
		proc.finish()
		return nil, err
	}
	go proc.watch()
	return proc, nil
}

// launch starts the first process and hands it the specification.
func (p *Process) launch(spec *Spec) error {
	specRead, specWrite, err := os.Pipe()
	if err != nil {
		return fmt.Errorf("make a pipe: %w", err)
	}
	defer specRead.Close()
	ours, theirs, err := socketPair()
	if err != nil {
		specWrite.Close()
		return err
	}
	defer theirs.Close()
	p.spec, p.status = specWrite, ours
	p.cmd = &exec.Cmd{
		Path:        "/proc/self/exe",
		Args:        []string{childArg0},
		Env:         []string{"GOTRACEBACK=single"},
		Stdout:      orNil(spec.Stdout),
		Stderr:      orNil(spec.Stderr),
		ExtraFiles:  []*os.File{specRead, theirs},
		SysProcAttr: attributes(spec),
	}
	if err := p.cmd.Start(); err != nil {
		specWrite.Close()
		ours.Close()
		return unavailable(err, spec.Mapped)
	}
	if err := json.NewEncoder(specWrite).Encode(spec); err != nil {
		p.Kill()
		p.finish()
		return fmt.Errorf("hand over the specification: %w", err)
	}
	return nil
}

// orNil keeps a nil file from becoming a non-nil interface value.
func orNil(f *os.File) interface{ Write([]byte) (int, error) } {
	if f == nil {
		return nil
	}
	return f
}

func attributes(spec *Spec) *syscall.SysProcAttr {
	attr := &syscall.SysProcAttr{
		Cloneflags: unix.CLONE_NEWNS | unix.CLONE_NEWPID | unix.CLONE_NEWIPC | unix.CLONE_NEWUTS,
		Setsid:     true,
	}
	if spec.PrivateNet {
		attr.Cloneflags |= unix.CLONE_NEWNET
	}
	if spec.Mapped {
		attr.Cloneflags |= unix.CLONE_NEWUSER
		attr.UidMappings = []syscall.SysProcIDMap{{ContainerID: UID, HostID: os.Getuid(), Size: 1}}
		attr.GidMappings = []syscall.SysProcIDMap{{ContainerID: GID, HostID: os.Getgid(), Size: 1}}
		// The first process is uid 993 from the start: without ambient capabilities, its exec would drop them all.
		for c := uintptr(0); c <= unix.CAP_LAST_CAP; c++ {
			attr.AmbientCaps = append(attr.AmbientCaps, c)
		}
	}
	return attr
}

func socketPair() (*net.UnixConn, *os.File, error) {
	fds, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_SEQPACKET|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return nil, nil, fmt.Errorf("make a socket pair: %w", err)
	}
	ourFile := os.NewFile(uintptr(fds[0]), "status")
	defer ourFile.Close()
	conn, err := net.FileConn(ourFile)
	if err != nil {
		unix.Close(fds[1])
		return nil, nil, fmt.Errorf("use a socket pair: %w", err)
	}
	return conn.(*net.UnixConn), os.NewFile(uintptr(fds[1]), "status"), nil
}

// await reads messages until the program runs.
func (p *Process) await(program string) error {
	for {
		msg, err := p.receive()
		switch {
		case err != nil:
			return fmt.Errorf("%w: its first process ended before it was ready: %w", ErrUnavailable, err)
		case msg.Exec:
			return &ExecError{program, msg.Error}
		case msg.Error != "":
			return fmt.Errorf("%w: %s%s", ErrUnavailable, msg.Error, hints(nil))
		case msg.Started != 0:
			now := time.Now() // the monotonic clock of this process, corrected by how long ago it was
			p.Started = now.Add(-now.Sub(time.Unix(0, msg.Started)))
			return nil
		}
	}
}

// receive reads one message, and the listener that may travel with it.
func (p *Process) receive() (message, error) {
	buf, oob := make([]byte, maxStatusSize), make([]byte, unix.CmsgSpace(4))
	n, oobn, _, _, err := p.status.ReadMsgUnix(buf, oob)
	if err != nil {
		return message{}, err
	}
	if n == 0 {
		return message{}, fmt.Errorf("end of file")
	}
	var msg message
	if err := json.Unmarshal(buf[:n], &msg); err != nil {
		return message{}, fmt.Errorf("read a status message: %w", err)
	}
	if msg.Listener {
		p.Listener, err = listenerFrom(oob[:oobn])
	}
	return msg, err
}

func listenerFrom(oob []byte) (net.Listener, error) {
	msgs, err := unix.ParseSocketControlMessage(oob)
	if err != nil || len(msgs) != 1 {
		return nil, fmt.Errorf("receive the listener: %d control messages, %v", len(msgs), err)
	}
	fds, err := unix.ParseUnixRights(&msgs[0])
	if err != nil || len(fds) != 1 {
		return nil, fmt.Errorf("receive the listener: %d descriptors, %v", len(fds), err)
	}
	file := os.NewFile(uintptr(fds[0]), "listener")
	defer file.Close()
	return net.FileListener(file)
}

// watch waits for the end of the program, then of the sandbox.
func (p *Process) watch() {
	msg, err := p.receive()
	switch {
	case err != nil:
		p.result = Status{Exit: -1, Signal: syscall.SIGKILL}
	case msg.Error != "":
		p.err = fmt.Errorf("sandbox: %s", msg.Error)
	default:
		p.result = Status{Exit: msg.Exit, Signal: msg.Signal}
	}
	p.finish()
	close(p.done)
}

// finish collects the first process, with which every process of the sandbox ends, and tidies up.
func (p *Process) finish() {
	p.closeSpec()
	p.cmd.Wait()
	p.status.Close()
	if p.Listener != nil {
		p.Listener.Close()
	}
	os.Remove(p.root)
}

func (p *Process) closeSpec() { p.once.Do(func() { p.spec.Close() }) }

// Wait returns how the program ended, once nothing of the sandbox is left.
func (p *Process) Wait() (Status, error) {
	<-p.done
	return p.result, p.err
}

// Done is closed when nothing of the sandbox is left.
func (p *Process) Done() <-chan struct{} { return p.done }

// Kill ends every process of the sandbox.
func (p *Process) Kill() {
	p.cmd.Process.Kill()
	p.closeSpec()
}

// privileged reports whether namespaces can be made without a user namespace. Root of a user namespace may have all
// capabilities and yet no uid 993.
func privileged() bool {
	data, err := os.ReadFile("/proc/self/status")
	if err != nil {
		return false
	}
	_, rest, _ := strings.Cut(string(data), "CapEff:")
	var caps uint64
	fmt.Sscanf(strings.TrimSpace(rest), "%x", &caps)
	const needed = 1<<unix.CAP_SYS_ADMIN | 1<<unix.CAP_SETUID | 1<<unix.CAP_SETGID | 1<<unix.CAP_SETPCAP
	return os.Geteuid() == 0 && caps&needed == needed && isMapped("/proc/self/uid_map", UID) && isMapped("/proc/self/gid_map", GID)
}

// isMapped looks an ID up in a map of the kernel's: lines of first ID, its place outside and how many follow.
func isMapped(path string, id uint64) bool {
	data, err := os.ReadFile(path)
	if err != nil {
		return false
	}
	for line := range strings.Lines(string(data)) {
		var first, outside, count uint64
		if n, _ := fmt.Sscan(line, &first, &outside, &count); n == 3 && id >= first && id-first < count {
			return true
		}
	}
	return false
}
