package main

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"syscall"
)

// A function's root is read-only and its /tmp is not; what shipped is known by that at once. A developer's machine is
// another case, for which there is -root writable. So the whole benchmark runs in a mount namespace of its own, in which
// the root is read-only and /tmp is empty. What is measured lies on a disk, not in a tmpfs: there every page of a file
// that one process maps counts as that process's private dirty memory.

const (
	insideVariable = "THIMBLE_BENCH_INSIDE" // set in the process that has the namespace: the folder to work in
	jsonDescriptor = 3                      // where it writes the results, which it could not create
)

func inside() bool { return os.Getenv(insideVariable) != "" }

// reexec runs this program again, in a mount namespace of its own, and returns its exit status.
func reexec(folder, json string) (int, error) {
	cmd := exec.Command("/proc/self/exe", os.Args[1:]...)
	cmd.Env = append(os.Environ(), insideVariable+"="+folder)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = os.Stdin, os.Stdout, os.Stderr
	cmd.SysProcAttr = &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWNS, Pdeathsig: syscall.SIGKILL}
	if uid := os.Getuid(); uid != 0 {
		cmd.SysProcAttr.Cloneflags |= syscall.CLONE_NEWUSER
		cmd.SysProcAttr.UidMappings = []syscall.SysProcIDMap{{HostID: uid, Size: 1}}
		cmd.SysProcAttr.GidMappings = []syscall.SysProcIDMap{{HostID: os.Getgid(), Size: 1}}
	}
	if json != "" {
		f, err := os.Create(json)
		if err != nil {
			return 2, fmt.Errorf("write the results: %w", err)
		}
		defer f.Close()
		cmd.ExtraFiles = []*os.File{f}
	}
	err := cmd.Run()
	var exit *exec.ExitError
	if errors.As(err, &exit) && exit.Exited() {
		return exit.ExitCode(), nil
	}
	if err != nil {
		return 2, fmt.Errorf("run in a mount namespace (with -root writable there is no need for one): %w", err)
	}
	return 0, nil
}

// separate keeps what is mounted from now on in this process's own namespace, and makes /tmp empty.
func separate() error {
	if err := syscall.Mount("", "/", "", syscall.MS_REC|syscall.MS_PRIVATE, ""); err != nil {
		return fmt.Errorf("keep mounts private: %w", err)
	}
	if err := syscall.Mount("tmpfs", "/tmp", "tmpfs", syscall.MS_NOSUID|syscall.MS_NODEV, ""); err != nil {
		return fmt.Errorf("mount /tmp: %w", err)
	}
	return os.Setenv("TMPDIR", "/tmp")
}

// freeze makes the root read-only and checks that what is to be measured lies there.
func freeze(paths ...string) error {
	if err := syscall.Mount("", "/", "", syscall.MS_BIND|syscall.MS_REMOUNT|syscall.MS_RDONLY, ""); err != nil {
		return fmt.Errorf("make the root read-only: %w", err)
	}
	for _, path := range paths {
		if path != "" && !readOnly(path) {
			return fmt.Errorf("%q is on a mount that stays writable; -root writable measures that", path)
		}
	}
	return nil
}

func readOnly(path string) bool {
	var fs syscall.Statfs_t
	const rdonly = 1 // ST_RDONLY, statfs(2)
	return syscall.Statfs(path, &fs) == nil && fs.Flags&rdonly != 0
}
