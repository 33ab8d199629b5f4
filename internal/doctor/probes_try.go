package doctor

import (
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

// The functions here run in a process of their own (see child.go) and may leave it in any state.

func tryNoNewPrivs(string) outcome { return granted(unix.Prctl(unix.PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)) }

// trySeccomp installs a filter that allows everything.
func trySeccomp(string) outcome {
	// Refused or not: with CAP_SYS_ADMIN the filter does not need it.
	_ = unix.Prctl(unix.PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
	allow := unix.SockFilter{Code: unix.BPF_RET | unix.BPF_K, K: unix.SECCOMP_RET_ALLOW}
	program := unix.SockFprog{Len: 1, Filter: &allow}
	_, _, errno := unix.Syscall(unix.SYS_SECCOMP, unix.SECCOMP_SET_MODE_FILTER, 0, uintptr(unsafe.Pointer(&program)))
	if errno == 0 {
		return outcome{Answer: Yes}
	}
	err := unix.Prctl(unix.PR_SET_SECCOMP, unix.SECCOMP_MODE_FILTER, uintptr(unsafe.Pointer(&program)), 0, 0)
	if err == nil {
		return outcome{Answer: Yes, Detail: "through prctl; seccomp answers " + errnoOf(errno)}
	}
	return granted(errno)
}

func trySetName(string) outcome {
	name := []byte("thimble-doctor\x00")
	return granted(unix.Prctl(unix.PR_SET_NAME, uintptr(unsafe.Pointer(&name[0])), 0, 0, 0))
}

func tryDeathSignal(string) outcome {
	return granted(unix.Prctl(unix.PR_SET_PDEATHSIG, uintptr(unix.SIGKILL), 0, 0, 0))
}

func tryPtrace(string) outcome {
	_, _, errno := unix.Syscall6(unix.SYS_PTRACE, unix.PTRACE_TRACEME, 0, 0, 0, 0, 0)
	if errno != 0 {
		return granted(errno)
	}
	return outcome{Answer: Yes}
}

// heldAddress is where this executable keeps the known bytes.
func heldAddress() uintptr { return uintptr(unsafe.Pointer(&held[0])) }

// tryReadMemory reads known bytes out of a child that says where they are.
func tryReadMemory(folder string) outcome {
	ctx, cancel := context.WithTimeout(context.Background(), probeTime)
	defer cancel()
	cmd, err := childCommand(ctx, helperHold, folder)
	if err != nil {
		return failure(err)
	}
	cmd.SysProcAttr = nil // stay in the probe's process group, which is ended as a whole
	stdin, err := cmd.StdinPipe()
	if err != nil {
		return failure(err)
	}
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		return failure(err)
	}
	if err := cmd.Start(); err != nil {
		return failure(err)
	}
	o := readHeld(cmd.Process.Pid, stdout)
	stdin.Close()
	_ = cmd.Wait()
	return o
}

func readHeld(pid int, said io.Reader) outcome {
	line := make([]byte, 32)
	n, err := said.Read(line)
	if err != nil {
		return failure(err)
	}
	address, err := strconv.ParseUint(strings.TrimSpace(string(line[:n])), 10, 64)
	if err != nil {
		return failure(err)
	}
	var got [len(held)]byte
	local := []unix.Iovec{{Base: &got[0], Len: uint64(len(got))}}
	remote := []unix.RemoteIovec{{Base: uintptr(address), Len: len(got)}}
	if _, err := unix.ProcessVMReadv(pid, local, remote, 0); err != nil {
		return granted(err)
	}
	if got != held {
		return outcome{Answer: Unknown, Detail: "other bytes were read than the child holds"}
	}
	return outcome{Answer: Yes}
}

func tryLandlock(string) outcome {
	version, _, errno := unix.Syscall(unix.SYS_LANDLOCK_CREATE_RULESET, 0, 0, unix.LANDLOCK_CREATE_RULESET_VERSION)
	if errno != 0 {
		return granted(errno)
	}
	return outcome{Answer: Yes, Detail: fmt.Sprintf("ABI %d", version)}
}

// tryUserNamespace starts a process in a user namespace; unsharing one's own needs a process of one thread.
func tryUserNamespace(folder string) outcome {
	ctx, cancel := context.WithTimeout(context.Background(), probeTime)
	defer cancel()
	cmd, err := childCommand(ctx, helperExit, folder)
	if err != nil {
		return failure(err)
	}
	cmd.SysProcAttr = &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWUSER}
	err = cmd.Run()
	if cmd.ProcessState != nil {
		return outcome{Answer: Yes}
	}
	return granted(err)
}

func tryMemfd(string) outcome {
	fd, err := unix.MemfdCreate("thimble-doctor", unix.MFD_CLOEXEC)
	if err == nil {
		unix.Close(fd)
	}
	return granted(err)
}

// tryMemfdExec becomes a program in a memory file, so it returns only when that fails.
func tryMemfdExec(string) outcome {
	program, err := tinyProgram(arch)
	if err != nil {
		return failure(err)
	}
	fd, err := unix.MemfdCreate("thimble-doctor", unix.MFD_CLOEXEC)
	if err != nil {
		return outcome{Answer: No, Errno: errnoOf(err), Detail: "memfd_create"}
	}
	if _, err := unix.Write(fd, program); err != nil {
		return failure(err)
	}
	err = unix.Exec(fmt.Sprintf("/proc/self/fd/%d", fd), []string{"thimble-doctor"}, nil)
	if err == unix.ENOENT { // no /proc
		err = becomeDescriptor(fd, []string{"thimble-doctor"})
	}
	return granted(err)
}

func tryIOUring(string) outcome {
	params := make([]byte, 120) // struct io_uring_params
	fd, _, errno := unix.Syscall(unix.SYS_IO_URING_SETUP, 1, uintptr(unsafe.Pointer(&params[0])), 0)
	if errno != 0 {
		return granted(errno)
	}
	unix.Close(int(fd))
	return outcome{Answer: Yes}
}

// tryExecTemp becomes a program under /tmp, so it returns only when that fails.
func tryExecTemp(folder string) outcome {
	program, err := tinyProgram(arch)
	if err != nil {
		return failure(err)
	}
	path := filepath.Join(folder, "program")
	if err := os.WriteFile(path, program, 0o700); err != nil {
		return failure(err)
	}
	return granted(unix.Exec(path, []string{"thimble-doctor"}, nil))
}

func tryFallocate(folder string) outcome {
	f, err := os.Create(filepath.Join(folder, "allocated"))
	if err != nil {
		return failure(err)
	}
	defer f.Close()
	return granted(unix.Fallocate(int(f.Fd()), 0, 0, 4096))
}

func tryOpenat2(string) outcome {
	how := unix.OpenHow{Flags: unix.O_PATH | unix.O_CLOEXEC, Resolve: unix.RESOLVE_NO_XDEV | unix.RESOLVE_NO_MAGICLINKS}
	fd, err := unix.Openat2(unix.AT_FDCWD, "/", &how)
	if err == nil {
		unix.Close(fd)
	}
	return granted(err)
}

// tryExecveat becomes the helper that exits, by descriptor; it returns only when that fails.
func tryExecveat(folder string) outcome {
	path, err := self()
	if err != nil {
		return failure(err)
	}
	fd, err := unix.Open(path, unix.O_PATH|unix.O_CLOEXEC, 0)
	if err != nil {
		return failure(err)
	}
	return granted(becomeDescriptor(fd, []string{childName, helperExit, folder, path}))
}

// becomeDescriptor replaces this process with the program behind a descriptor; it returns only when that fails.
func becomeDescriptor(fd int, args []string) error {
	argv, err := syscall.SlicePtrFromStrings(args)
	if err != nil {
		return err
	}
	empty, envp := [1]byte{}, [1]*byte{}
	_, _, errno := unix.Syscall6(unix.SYS_EXECVEAT, uintptr(fd), uintptr(unsafe.Pointer(&empty[0])),
		uintptr(unsafe.Pointer(&argv[0])), uintptr(unsafe.Pointer(&envp[0])), unix.AT_EMPTY_PATH, 0)
	return errno
}

// tryLease takes a read lease, which is granted only while nobody has the file open for writing.
func tryLease(folder string) outcome {
	path := filepath.Join(folder, "leased")
	if err := os.WriteFile(path, []byte("x"), 0o600); err != nil {
		return failure(err)
	}
	fd, err := unix.Open(path, unix.O_RDONLY|unix.O_CLOEXEC, 0)
	if err != nil {
		return failure(err)
	}
	defer unix.Close(fd)
	_, err = unix.FcntlInt(uintptr(fd), unix.F_SETLEASE, unix.F_RDLCK)
	return granted(err)
}

// tryText does to a private mapping of this executable what the enforcer does to the C library's.
func tryText(string) outcome {
	path, err := self()
	if err != nil {
		return failure(err)
	}
	f, err := os.Open(path)
	if err != nil {
		return failure(err)
	}
	defer f.Close()
	page, err := unix.Mmap(int(f.Fd()), 0, os.Getpagesize(), unix.PROT_READ|unix.PROT_EXEC, unix.MAP_PRIVATE)
	if err != nil {
		return outcome{Answer: No, Errno: errnoOf(err), Detail: "map it"}
	}
	if err := unix.Mprotect(page, unix.PROT_READ|unix.PROT_WRITE); err != nil {
		return outcome{Answer: No, Errno: errnoOf(err), Detail: "make it writable"}
	}
	page[0] ^= 1
	if err := unix.Mprotect(page, unix.PROT_READ|unix.PROT_EXEC); err != nil {
		return outcome{Answer: No, Errno: errnoOf(err), Detail: "make it executable again"}
	}
	return outcome{Answer: Yes}
}
