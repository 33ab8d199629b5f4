// Package sandbox runs one program the way AWS Lambda runs a function's runtime: in its own mount, pid, ipc and uts
// namespaces, on a read-only root, as uid 993 without capabilities, and under a seccomp filter that refuses what Lambda
// refuses. Plain Linux would let mechanisms pass that fail in production.
//
// The root is assembled from the host's own /usr, /lib, /bin, /sbin and /etc (read-only binds), so whatever
// interpreter the machine has is there. /var/task and /opt are the function's code and layers, /tmp is a private
// tmpfs, /proc is fresh and /dev holds the few harmless devices, without /dev/shm.
//
// A Go program cannot enter a pid namespace itself, so Start runs the current executable once more (/proc/self/exe)
// under another argv[0]. The package's init function recognises that name, becomes the namespace's first process,
// builds the root, starts the program and reaps its orphans. It never returns to main: importing the package is all
// that a binary, or a test binary, has to do.
//
// As root the namespaces are made directly. Without root they are owned by a user namespace that maps uid 993 to the
// caller. Where neither is allowed, Available says what is missing.
//
// The network is by default the host's: the runtime API listens on the host's loopback, and a function reaches the
// outside as it does on Lambda. With Spec.PrivateNet there is only a loopback of its own, where the sandbox opens the
// runtime API's port and hands the listener out through Process.Listener.
package sandbox

import (
	"errors"
	"fmt"
	"os"
	"syscall"
)

// Lambda's limits and identities.
const (
	UID           = 993
	GID           = 990
	maxFiles      = 1024
	maxProcesses  = 1024
	defaultTmp    = 512 << 20
	privateAPI    = "127.0.0.1:9001"
	defaultHost   = "169.254.23.45"
	childArg0     = "thimble-sandbox-init"
	specFD        = 3 // the specification; its end of file means that the caller is gone
	statusFD      = 4 // what happened, and the listener of a private network
	maxStatusSize = 64 << 10
)

// PrivateAPI is where the runtime API listens when the sandbox has a network of its own.
const PrivateAPI = privateAPI

// Spec says what to run and what it sees. Paths on the left side of a bind are the host's.
type Spec struct {
	Task string // folder that becomes /var/task
	Opt  string // folder that becomes /opt; empty: an empty one

	Files    []File // placed read-only, for example below /var/runtime
	Links    []Link // symbolic links, for example below /var/lang/bin
	Binds    []Bind // further read-only folders or files, for example an interpreter outside /usr
	Args     []string
	Env      []string
	Dir      string // working directory; default /var/task
	Hostname string // default an address of 169.254.0.0/16, as on Lambda
	TmpSize  int64  // bytes of /tmp; default 512 MiB

	PrivateNet bool // no network but a loopback of its own
	UserNS     bool // use a user namespace even where root could do without

	// Stdout and Stderr receive the program's output; nil discards it. Start does not close them.
	Stdout *os.File `json:"-"`
	Stderr *os.File `json:"-"`

	// Root is an empty folder of the host over which the new root is assembled. Start makes one when it is empty.
	Root string
	// Mapped is set by Start: the sandbox lives in a user namespace.
	Mapped bool
}

// File is a small file of the sandbox's own.
type File struct {
	Path string
	Data []byte
	Mode uint32
}

// Link is a symbolic link of the sandbox's own.
type Link struct{ Path, Target string }

// Bind shows a folder or file of the host, read-only, with what is mounted below it.
type Bind struct{ Source, Target string }

// Status is how the program ended.
type Status struct {
	Exit   int            // exit code, or -1 when a signal ended it
	Signal syscall.Signal // the signal, or 0
}

// String words the status as Go's os/exec and Lambda's log do.
func (s Status) String() string {
	if s.Signal != 0 {
		return fmt.Sprintf("signal: %s", s.Signal)
	}
	return fmt.Sprintf("exit status %d", s.Exit)
}

// ErrUnavailable wraps what Start and Available return where the machine allows no sandbox at all.
var ErrUnavailable = errors.New("no sandbox on this machine")

// Available starts a sandbox that does nothing, and returns why that is impossible here, or nil.
func Available() error {
	return available(Spec{Args: []string{"/bin/true"}})
}

func available(spec Spec) error {
	dir, err := os.MkdirTemp("", "thimble-probe-")
	if err != nil {
		return fmt.Errorf("make a folder: %w", err)
	}
	defer os.RemoveAll(dir)
	if err := os.Chmod(dir, 0o755); err != nil { // uid 993 starts there
		return fmt.Errorf("open the folder: %w", err)
	}
	spec.Task = dir
	proc, err := Start(spec)
	if err != nil {
		return err
	}
	status, err := proc.Wait()
	if err == nil && status.Exit != 0 {
		err = fmt.Errorf("%w: /bin/true ended with %s inside", ErrUnavailable, status)
	}
	return err
}
