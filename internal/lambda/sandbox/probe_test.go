package sandbox

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"syscall"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

// The test binary plays the function too: TestMain comes here when it runs inside.
const probeVariable = "THIMBLE_SANDBOX_PROBE"

func probeMain(mode string) {
	runtime.LockOSThread()
	switch mode {
	case "refusals":
		json.NewEncoder(os.Stdout).Encode(probeAll())
	case "int80":
		fmt.Println("pid by int 0x80:", int80())
	case "survive":
		survive()
	case "target":
		target()
	case "orphan":
		orphan()
	case "dial":
		dial(os.Getenv("ADDRESS"))
	}
	os.Exit(0)
}

// probe tries one thing and says what came of it: the error's name, or what it saw.
type probe struct {
	name string
	try  func() string
}

func probeAll() map[string]string {
	got := map[string]string{}
	for _, list := range [][]probe{identityProbes, callProbes, fileProbes} {
		for _, p := range list {
			got[p.name] = p.try()
		}
	}
	return got
}

// errName names an errno, so that the expectations read like the manual.
func errName(err error) string {
	var errno syscall.Errno
	switch {
	case err == nil:
		return "ok"
	case errors.As(err, &errno):
		return unix.ErrnoName(errno)
	}
	return err.Error()
}

func call(nr uintptr, args ...uintptr) string {
	var a [6]uintptr
	copy(a[:], args)
	_, _, e := unix.RawSyscall6(nr, a[0], a[1], a[2], a[3], a[4], a[5])
	if e != 0 {
		return unix.ErrnoName(e)
	}
	return "ok"
}

func prctlProbe(name string, option int, arg uintptr) probe {
	return probe{"prctl " + name, func() string { return errName(unix.Prctl(option, arg, 0, 0, 0)) }}
}

var identityProbes = []probe{
	{"uid gid", func() string { return fmt.Sprint(os.Getuid(), os.Geteuid(), os.Getgid(), os.Getegid()) }},
	{"capabilities", func() string { return statusFields("CapInh:", "CapPrm:", "CapEff:", "CapBnd:", "CapAmb:") }},
	{"no_new_privs", func() string { return statusFields("NoNewPrivs:") }},
	{"host name", func() string { name, _ := os.Hostname(); return name[:min(8, len(name))] }},
	{"parent", func() string { return fmt.Sprint(os.Getppid()) }},
	{"open files", func() string { return limitOf(unix.RLIMIT_NOFILE) }},
	{"processes", func() string { return limitOf(unix.RLIMIT_NPROC) }},
	{"PR_GET_NO_NEW_PRIVS", func() string {
		v, err := unix.PrctlRetInt(unix.PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0)
		return fmt.Sprint(v, errName(err))
	}},
	{"variable", func() string { return os.Getenv("GIVEN") }},
	{"working directory", func() string { dir, _ := os.Getwd(); return dir }},
}

var callProbes = []probe{
	prctlProbe("PR_SET_NO_NEW_PRIVS", unix.PR_SET_NO_NEW_PRIVS, 1),
	prctlProbe("PR_SET_PDEATHSIG", unix.PR_SET_PDEATHSIG, uintptr(unix.SIGTERM)),
	prctlProbe("PR_SET_SECCOMP", unix.PR_SET_SECCOMP, unix.SECCOMP_MODE_FILTER),
	prctlProbe("PR_CAP_AMBIENT", unix.PR_CAP_AMBIENT, unix.PR_CAP_AMBIENT_CLEAR_ALL),
	{"prctl PR_SET_NAME", func() string {
		name := []byte("other\x00")
		return errName(unix.Prctl(unix.PR_SET_NAME, uintptr(unsafe.Pointer(&name[0])), 0, 0, 0))
	}},
	{"seccomp", func() string { return call(unix.SYS_SECCOMP, unix.SECCOMP_SET_MODE_FILTER, 0, 0) }},
	{"seccomp get", func() string { return call(unix.SYS_SECCOMP, unix.SECCOMP_GET_ACTION_AVAIL, 0, 0) }},
	{"ptrace traceme", func() string { return call(unix.SYS_PTRACE, unix.PTRACE_TRACEME) }},
	{"ptrace seize", func() string { return call(unix.SYS_PTRACE, unix.PTRACE_SEIZE, 1) }},
	{"unshare user", func() string { return call(unix.SYS_UNSHARE, unix.CLONE_NEWUSER) }},
	{"unshare mount", func() string { return call(unix.SYS_UNSHARE, unix.CLONE_NEWNS) }},
	{"unshare files", func() string { return call(unix.SYS_UNSHARE, unix.CLONE_FILES) }},
	{"clone user", cloneUser},
	{"clone3", func() string { return call(unix.SYS_CLONE3, 0, 0) }},
	{"setns", func() string { return call(unix.SYS_SETNS, 0, 0) }},
	{"landlock", func() string { return call(unix.SYS_LANDLOCK_CREATE_RULESET, 0, 0, 1) }},
	{"io_uring", func() string { return call(unix.SYS_IO_URING_SETUP, 0, 0) }},
	{"setuid own", func() string { return call(unix.SYS_SETUID, UID) }},
	{"seteuid", func() string { return call(unix.SYS_SETRESUID, ^uintptr(0), 0, ^uintptr(0)) }},
	{"setegid", func() string { return call(unix.SYS_SETRESGID, ^uintptr(0), 0, ^uintptr(0)) }},
	{"setgroups", func() string { return call(unix.SYS_SETGROUPS, 0, 0) }},
	{"raw socket", func() string { return socket(unix.AF_INET, unix.SOCK_RAW, unix.IPPROTO_ICMP) }},
	{"packet socket", func() string { return socket(unix.AF_PACKET, unix.SOCK_RAW, 0) }},
	{"netlink socket", func() string { return socket(unix.AF_NETLINK, unix.SOCK_RAW, unix.NETLINK_ROUTE) }},
	{"stream socket", func() string { return socket(unix.AF_INET, unix.SOCK_STREAM, 0) }},
	{"mount", func() string { return errName(unix.Mount("tmpfs", "/tmp", "tmpfs", 0, "")) }},
	{"remount", func() string {
		return errName(unix.Mount("", "/var/task", "", unix.MS_REMOUNT|unix.MS_BIND, ""))
	}},
	{"chroot", func() string { return errName(unix.Chroot("/tmp")) }},
	{"process_vm", processVM},
	{"setrlimit", func() string {
		return errName(unix.Setrlimit(unix.RLIMIT_CORE, &unix.Rlimit{}))
	}},
}

var fileProbes = []probe{
	{"write /var/task", func() string { return write("/var/task/x") }},
	{"write /opt", func() string { return write("/opt/x") }},
	{"write /", func() string { return write("/x") }},
	{"write /usr", func() string { return write("/usr/x") }},
	{"write /etc", func() string { return write("/etc/x") }},
	{"write /dev", func() string { return write("/dev/x") }},
	{"write /var/runtime", func() string { return write("/var/runtime/given") }},
	{"write /tmp", func() string { return write("/tmp/x") }},
	{"read /var/runtime", func() string { data, err := os.ReadFile("/var/runtime/given"); return string(data) + errName(err) }},
	{"read /opt", func() string { data, err := os.ReadFile("/opt/layer.txt"); return string(data) + errName(err) }},
	{"link", func() string { target, err := os.Readlink("/var/lang/bin/given"); return target + errName(err) }},
	{"execute /tmp", executeTmp},
	{"fallocate", func() string {
		f, err := os.Create("/tmp/f")
		if err != nil {
			return errName(err)
		}
		defer f.Close()
		return errName(unix.Fallocate(int(f.Fd()), 0, 0, 4096))
	}},
	{"/dev", func() string {
		entries, err := os.ReadDir("/dev")
		var names []string
		for _, e := range entries {
			names = append(names, e.Name())
		}
		return strings.Join(names, " ") + " " + errName(err)
	}},
	{"/dev/shm", func() string { return write("/dev/shm/x") }},
	{"/dev/null", func() string { return write("/dev/null") }},
	{"/proc/1/environ", func() string { _, err := os.ReadFile("/proc/1/environ"); return errName(err) }},
	{"/proc of others", func() string {
		entries, _ := os.ReadDir("/proc")
		n := 0
		for _, e := range entries {
			if e.Name()[0] >= '1' && e.Name()[0] <= '9' {
				n++
			}
		}
		return fmt.Sprint(n) // the first process and this one
	}},
	{"size of /tmp", func() string {
		var st unix.Statfs_t
		err := unix.Statfs("/tmp", &st)
		return fmt.Sprint(int64(st.Blocks)*st.Bsize>>20, errName(err))
	}},
	{"writable mounts", writableMounts},
	{"/root", func() string { _, err := os.Stat("/root"); return errName(err) }},
}

func statusFields(names ...string) string {
	data, err := os.ReadFile("/proc/thread-self/status")
	if err != nil {
		return err.Error()
	}
	var out []string
	for _, name := range names {
		_, rest, _ := strings.Cut(string(data), name)
		value, _, _ := strings.Cut(rest, "\n")
		out = append(out, strings.TrimLeft(strings.TrimSpace(value), "0")+"0")
	}
	return strings.Join(out, " ")
}

func limitOf(resource int) string {
	var l unix.Rlimit
	if err := unix.Prlimit(0, resource, nil, &l); err != nil {
		return errName(err)
	}
	return fmt.Sprint(l.Max)
}

func cloneUser() string {
	r, _, e := unix.RawSyscall6(unix.SYS_CLONE, unix.CLONE_NEWUSER|uintptr(unix.SIGCHLD), 0, 0, 0, 0, 0)
	if e != 0 {
		return unix.ErrnoName(e)
	}
	if r == 0 { // it was not refused: this is the child of a program with threads, which may do nothing
		unix.RawSyscall(unix.SYS_EXIT_GROUP, 0, 0, 0)
	}
	return "ok"
}

func socket(domain, kind, protocol int) string {
	fd, err := unix.Socket(domain, kind, protocol)
	if err == nil {
		unix.Close(fd)
	}
	return errName(err)
}

func write(path string) string {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE, 0o644)
	if errors.Is(err, fs.ErrNotExist) {
		return "absent"
	}
	if err == nil {
		_, err = f.WriteString("x")
		f.Close()
	}
	return errName(err)
}

func executeTmp() string {
	data, err := os.ReadFile("/bin/true")
	if err == nil {
		err = os.WriteFile("/tmp/true", data, 0o755)
	}
	if err != nil {
		return errName(err)
	}
	return errName(exec.Command("/tmp/true").Run())
}

// writableMounts lists what is not mounted read-only, devices apart.
func writableMounts() string {
	f, err := os.Open("/proc/self/mountinfo")
	if err != nil {
		return err.Error()
	}
	defer f.Close()
	var out []string
	for s := bufio.NewScanner(f); s.Scan(); {
		fields := strings.Fields(s.Text())
		if strings.HasPrefix(fields[5], "rw") && !strings.HasPrefix(fields[4], "/dev/") {
			out = append(out, fields[4])
		}
	}
	return strings.Join(out, " ")
}

// shared is what a process writes into another's memory.
var shared = [16]byte{'b', 'e', 'f', 'o', 'r', 'e'}

// target says where its memory is, and what is there once its input ends.
func target() {
	fmt.Println(uintptr(unsafe.Pointer(&shared[0])))
	bufio.NewReader(os.Stdin).ReadString('\n')
	fmt.Println(string(shared[:5]))
}

// processVM reads and writes the memory of a child, as it is possible on Lambda.
func processVM() string {
	cmd := exec.Command("/proc/self/exe")
	cmd.Env = append(os.Environ(), probeVariable+"=target")
	in, err1 := cmd.StdinPipe()
	out, err2 := cmd.StdoutPipe()
	if err := errors.Join(err1, err2, cmd.Start()); err != nil {
		return err.Error()
	}
	defer cmd.Wait()
	defer in.Close()
	lines := bufio.NewReader(out)
	var at uintptr
	if _, err := fmt.Fscanln(lines, &at); err != nil {
		return err.Error()
	}
	local := []byte("after")
	liov := []unix.Iovec{{Base: &local[0], Len: uint64(len(local))}}
	riov := []unix.RemoteIovec{{Base: at, Len: len(local)}}
	if _, err := unix.ProcessVMWritev(cmd.Process.Pid, liov, riov, 0); err != nil {
		return "write " + errName(err)
	}
	if _, err := unix.ProcessVMReadv(cmd.Process.Pid, liov, riov, 0); err != nil {
		return "read " + errName(err)
	}
	fmt.Fprintln(in)
	seen, _ := lines.ReadString('\n')
	return strings.TrimSpace(seen)
}

// int80 asks for the process's ID as a 32-bit program would.
func int80() int32 {
	code := []byte{0x53, 0xb8, 20, 0, 0, 0, 0xcd, 0x80, 0x5b, 0xc3} // push rbx; mov eax, getpid; int 0x80; pop rbx; ret
	mem, err := unix.Mmap(-1, 0, 4096, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_PRIVATE|unix.MAP_ANONYMOUS)
	if err != nil {
		panic(err)
	}
	copy(mem, code)
	if err := unix.Mprotect(mem, unix.PROT_READ|unix.PROT_EXEC); err != nil {
		panic(err)
	}
	entry := uintptr(unsafe.Pointer(&mem[0]))
	closure := &entry // a Go function value is a pointer to its entry
	return (*(*func() int32)(unsafe.Pointer(&closure)))()
}

// survive tries to end the sandbox's first process.
func survive() {
	for _, sig := range []unix.Signal{unix.SIGTERM, unix.SIGINT, unix.SIGHUP, unix.SIGQUIT, unix.SIGKILL, unix.SIGSTOP, unix.SIGSEGV} {
		unix.Kill(1, sig)
	}
	time.Sleep(50 * time.Millisecond)
	fmt.Println("alive")
}

// orphan leaves a grandchild behind that would outlive it.
func orphan() {
	cmd := exec.Command("/bin/sh", "-c", "sleep 1000 & echo left")
	cmd.Stdout = os.Stdout
	fmt.Println(errName(cmd.Run()))
}

func dial(address string) {
	conn, err := net.Dial("tcp", address)
	if err != nil {
		fmt.Println("unreachable")
		return
	}
	defer conn.Close()
	line, _ := bufio.NewReader(conn).ReadString('\n')
	fmt.Print(line)
}
