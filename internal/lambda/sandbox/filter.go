package sandbox

import (
	"fmt"
	"runtime"

	"golang.org/x/net/bpf"
	"golang.org/x/sys/unix"
)

// Offsets in struct seccomp_data, little-endian.
const (
	offNumber = 0
	offArch   = 4
	offArg0   = 16 // low half of the first argument
)

// newNamespaces are the flags by which clone and unshare make namespaces. CLONE_NEWTIME is left out: in clone's flags
// its bit belongs to the exit signal.
const newNamespaces = unix.CLONE_NEWNS | unix.CLONE_NEWCGROUP | unix.CLONE_NEWUTS | unix.CLONE_NEWIPC |
	unix.CLONE_NEWUSER | unix.CLONE_NEWPID | unix.CLONE_NEWNET

// lastSyscall is the newest system call of Lambda's kernel 5.10 (process_madvise). From 424 on the numbers are the
// same on every CPU.
const lastSyscall = 440

// refusedPrctls answer EPERM. The first three are established on Lambda, PR_SET_SECCOMP follows from the refused
// nested filter; the others change what a sandbox must keep and are assumed.
var refusedPrctls = []uint32{
	unix.PR_SET_NO_NEW_PRIVS, unix.PR_SET_NAME, unix.PR_SET_PDEATHSIG, unix.PR_SET_SECCOMP,
	unix.PR_SET_KEEPCAPS, unix.PR_SET_SECUREBITS, unix.PR_SET_MM, unix.PR_SET_PTRACER, unix.PR_CAPBSET_DROP,
	unix.PR_CAP_AMBIENT, unix.PR_SET_CHILD_SUBREAPER,
}

// refusedCalls answer the given error whatever their arguments. clone3 hides its flags in memory, so it is absent, and
// C libraries fall back to clone. io_uring is not established either way; absent is what functions must cope with.
var refusedCalls = []struct {
	number uint32
	errno  unix.Errno
}{
	{unix.SYS_SECCOMP, unix.EPERM},
	{unix.SYS_PTRACE, unix.EPERM},
	{unix.SYS_FALLOCATE, unix.EPERM},
	{unix.SYS_SETNS, unix.EPERM},
	{unix.SYS_SETUID, unix.EPERM},
	{unix.SYS_SETGID, unix.EPERM},
	{unix.SYS_SETREUID, unix.EPERM},
	{unix.SYS_SETREGID, unix.EPERM},
	{unix.SYS_SETRESUID, unix.EPERM},
	{unix.SYS_SETRESGID, unix.EPERM},
	{unix.SYS_SETGROUPS, unix.EPERM},
	{unix.SYS_CLONE3, unix.ENOSYS},
	{unix.SYS_IO_URING_SETUP, unix.ENOSYS},
	{unix.SYS_IO_URING_ENTER, unix.ENOSYS},
	{unix.SYS_IO_URING_REGISTER, unix.ENOSYS},
}

func auditArch() (uint32, error) {
	switch runtime.GOARCH {
	case "amd64":
		return unix.AUDIT_ARCH_X86_64, nil
	case "arm64":
		return unix.AUDIT_ARCH_AARCH64, nil
	}
	return 0, fmt.Errorf("no filter for %s: amd64 and arm64 only", runtime.GOARCH)
}

// filter assembles the program. Every rule stands for itself and falls through when it does not apply.
func filter() ([]unix.SockFilter, error) {
	arch, err := auditArch()
	if err != nil {
		return nil, err
	}
	prog := []bpf.Instruction{
		// 32-bit system calls (int 0x80) kill, as on Lambda.
		bpf.LoadAbsolute{Off: offArch, Size: 4},
		bpf.JumpIf{Cond: bpf.JumpEqual, Val: arch, SkipTrue: 1},
		bpf.RetConstant{Val: unix.SECCOMP_RET_KILL_PROCESS},
		bpf.LoadAbsolute{Off: offNumber, Size: 4},
		// Newer than Lambda's kernel (Landlock among them), and amd64's x32 numbers.
		bpf.JumpIf{Cond: bpf.JumpLessOrEqual, Val: lastSyscall, SkipTrue: 1},
		refuse(unix.ENOSYS),
	}
	for _, c := range refusedCalls {
		prog = append(prog, bpf.JumpIf{Cond: bpf.JumpNotEqual, Val: c.number, SkipTrue: 1}, refuse(c.errno))
	}
	prog = append(prog, refuseNamespaces(unix.SYS_CLONE)...)
	prog = append(prog, refuseNamespaces(unix.SYS_UNSHARE)...)
	prog = append(prog, refusePrctls()...)
	return assemble(append(prog, bpf.RetConstant{Val: unix.SECCOMP_RET_ALLOW}))
}

func refuse(errno unix.Errno) bpf.Instruction {
	return bpf.RetConstant{Val: unix.SECCOMP_RET_ERRNO | uint32(errno)}
}

func refuseNamespaces(number uint32) []bpf.Instruction {
	return []bpf.Instruction{
		bpf.JumpIf{Cond: bpf.JumpNotEqual, Val: number, SkipTrue: 4},
		bpf.LoadAbsolute{Off: offArg0, Size: 4},
		bpf.JumpIf{Cond: bpf.JumpBitsNotSet, Val: newNamespaces, SkipTrue: 1},
		refuse(unix.EPERM),
		bpf.LoadAbsolute{Off: offNumber, Size: 4},
	}
}

func refusePrctls() []bpf.Instruction {
	prog := []bpf.Instruction{
		bpf.JumpIf{Cond: bpf.JumpNotEqual, Val: unix.SYS_PRCTL, SkipTrue: uint8(1 + 2*len(refusedPrctls))},
		bpf.LoadAbsolute{Off: offArg0, Size: 4},
	}
	for _, option := range refusedPrctls {
		prog = append(prog, bpf.JumpIf{Cond: bpf.JumpNotEqual, Val: option, SkipTrue: 1}, refuse(unix.EPERM))
	}
	return prog
}

func assemble(prog []bpf.Instruction) ([]unix.SockFilter, error) {
	raw, err := bpf.Assemble(prog)
	if err != nil {
		return nil, fmt.Errorf("assemble the filter: %w", err)
	}
	out := make([]unix.SockFilter, len(raw))
	for i, r := range raw {
		out[i] = unix.SockFilter{Code: r.Op, Jt: r.Jt, Jf: r.Jf, K: r.K}
	}
	return out, nil
}
