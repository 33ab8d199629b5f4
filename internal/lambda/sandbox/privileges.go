package sandbox

import (
	"fmt"
	"unsafe"

	"golang.org/x/sys/unix"
)

// dropPrivileges turns this thread into what Lambda's processes are: uid 993, gid 990, no capability anywhere, filtered.
//
// The order is the point. A filter may be installed either with no_new_privs, which Lambda's processes do not have and
// which a function can see, or with CAP_SYS_ADMIN. So the capabilities are kept across the change of uid, the filter
// (which refuses further changes of uid) comes next, and the capabilities go last.
func dropPrivileges(mapped bool) error {
	steps := []struct {
		name string
		run  func() error
	}{
		{"keep capabilities", func() error { return prctl(unix.PR_SET_KEEPCAPS, 1) }},
		{"become uid 993", func() error { return becomeUser(mapped) }},
		{"raise capabilities again", func() error { return setCapabilities(true) }},
		{"clear the bounding set", clearBounding},
		{"clear ambient capabilities", func() error { return prctl(unix.PR_CAP_AMBIENT, unix.PR_CAP_AMBIENT_CLEAR_ALL) }},
		{"hide from processes of the same uid", func() error { return prctl(unix.PR_SET_DUMPABLE, 0) }},
		{"install the system call filter", installFilter},
		{"drop capabilities", func() error { return setCapabilities(false) }},
	}
	for _, s := range steps {
		if err := s.run(); err != nil {
			return fmt.Errorf("%s: %w", s.name, err)
		}
	}
	return nil
}

func prctl(option int, arg uintptr) error { return unix.Prctl(option, arg, 0, 0, 0) }

// becomeUser uses raw system calls: only this thread may change.
func becomeUser(mapped bool) error {
	if !mapped { // in a user namespace without privilege, setgroups is forbidden and there is nothing to drop
		if _, _, e := unix.RawSyscall(unix.SYS_SETGROUPS, 0, 0, 0); e != 0 {
			return fmt.Errorf("drop groups: %w", e)
		}
	}
	if _, _, e := unix.RawSyscall(unix.SYS_SETRESGID, GID, GID, GID); e != 0 {
		return fmt.Errorf("set the gid: %w", e)
	}
	if _, _, e := unix.RawSyscall(unix.SYS_SETRESUID, UID, UID, UID); e != 0 {
		return fmt.Errorf("set the uid: %w", e)
	}
	return nil
}

// setCapabilities makes the permitted capabilities effective, or removes them all.
func setCapabilities(keep bool) error {
	header := unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3}
	var data [2]unix.CapUserData
	if keep {
		if err := unix.Capget(&header, &data[0]); err != nil {
			return err
		}
		for i := range data {
			data[i].Effective = data[i].Permitted
		}
	}
	return unix.Capset(&header, &data[0])
}

func clearBounding() error {
	for c := uintptr(0); c <= 63; c++ {
		if err := prctl(unix.PR_CAPBSET_DROP, c); err == unix.EINVAL {
			return nil // beyond the kernel's last capability
		} else if err != nil {
			return err
		}
	}
	return nil
}

func installFilter() error {
	program, err := filter()
	if err != nil {
		return err
	}
	prog := unix.SockFprog{Len: uint16(len(program)), Filter: &program[0]}
	return unix.Prctl(unix.PR_SET_SECCOMP, unix.SECCOMP_MODE_FILTER, uintptr(unsafe.Pointer(&prog)), 0, 0)
}
