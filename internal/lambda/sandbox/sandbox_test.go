package sandbox

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"
)

func TestMain(m *testing.M) {
	if mode := os.Getenv(probeVariable); mode != "" {
		probeMain(mode)
	}
	os.Exit(m.Run())
}

// unable skips loudly, and fails where nothing may be missing.
func unable(t *testing.T, format string, a ...any) {
	t.Helper()
	if os.Getenv("THIMBLE_TEST_STRICT") == "1" {
		t.Fatalf(format, a...)
	}
	t.Skipf("NOT TESTED: "+format, a...)
}

func requireSandbox(t *testing.T) {
	t.Helper()
	if err := Available(); err != nil {
		unable(t, "%v", err)
	}
}

// start runs the probe in a sandbox.
func start(t *testing.T, mode string, change func(*Spec)) (*Process, *os.File) {
	t.Helper()
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { r.Close() })
	spec := Spec{
		Task: probeFolder(t), Args: []string{"/var/task/probe"},
		Env: []string{probeVariable + "=" + mode, "GIVEN=value", "GORACE=atexit_sleep_ms=0"}, Stdout: w, Stderr: os.Stderr,
	}
	if change != nil {
		change(&spec)
	}
	proc, err := Start(spec)
	w.Close()
	if err != nil {
		t.Fatalf("start the sandbox: %v", err)
	}
	t.Cleanup(proc.Kill)
	return proc, r
}

// probeFolder holds a copy of the test binary, which plays the function.
func probeFolder(t *testing.T) string {
	t.Helper()
	data, err := os.ReadFile("/proc/self/exe")
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "probe"), data, 0o755); err != nil {
		t.Fatal(err)
	}
	return dir
}

// output waits for the end and returns what was printed.
func output(t *testing.T, proc *Process, r io.Reader) (string, Status) {
	t.Helper()
	out, err := io.ReadAll(r)
	if err != nil {
		t.Fatal(err)
	}
	status, err := proc.Wait()
	if err != nil {
		t.Fatalf("wait: %v", err)
	}
	return string(out), status
}

// wanted is what a function sees on Lambda.
var wanted = map[string]string{
	"uid gid":             "993 993 990 990",
	"capabilities":        "0 0 0 0 0",
	"no_new_privs":        "0",
	"PR_GET_NO_NEW_PRIVS": "0ok",
	"host name":           "169.254.",
	"parent":              "1",
	"open files":          "1024",
	"processes":           "1024",
	"variable":            "value",
	"working directory":   "/var/task",

	"prctl PR_SET_NO_NEW_PRIVS": "EPERM",
	"prctl PR_SET_NAME":         "EPERM",
	"prctl PR_SET_PDEATHSIG":    "EPERM",
	"prctl PR_SET_SECCOMP":      "EPERM",
	"prctl PR_CAP_AMBIENT":      "EPERM",
	"seccomp":                   "EPERM",
	"seccomp get":               "EPERM",
	"ptrace traceme":            "EPERM",
	"ptrace seize":              "EPERM",
	"unshare user":              "EPERM",
	"unshare mount":             "EPERM",
	"unshare files":             "ok",
	"clone user":                "EPERM",
	"clone3":                    "ENOSYS",
	"setns":                     "EPERM",
	"landlock":                  "ENOSYS",
	"io_uring":                  "ENOSYS",
	"setuid own":                "EPERM",
	"seteuid":                   "EPERM",
	"setegid":                   "EPERM",
	"setgroups":                 "EPERM",
	"raw socket":                "EPERM",
	"packet socket":             "EPERM",
	"netlink socket":            "ok",
	"stream socket":             "ok",
	"mount":                     "EPERM",
	"remount":                   "EPERM",
	"chroot":                    "EPERM",
	"process_vm":                "after",
	"setrlimit":                 "ok",

	"write /var/task":    "EROFS",
	"write /opt":         "EROFS",
	"write /":            "EROFS",
	"write /usr":         "EROFS",
	"write /etc":         "EROFS",
	"write /dev":         "EROFS",
	"write /var/runtime": "EROFS",
	"write /tmp":         "ok",
	"read /var/runtime":  "file ok",
	"read /opt":          "layer ok",
	"link":               "/bin/true" + "ok",
	"execute /tmp":       "ok",
	"fallocate":          "EPERM",
	"/dev":               "fd full null random stderr stdin stdout urandom zero ok",
	"/dev/shm":           "absent",
	"/dev/null":          "ok",
	"/proc/1/environ":    "EACCES",
	"/proc of others":    "2",
	"size of /tmp":       "512ok",
	"writable mounts":    "/tmp /proc",
	"/root":              "ENOENT",
}

// modes are the two ways in which a sandbox is made. Root can make both.
var modes = map[string]bool{"direct": false, "by a user namespace": true}

func eachMode(t *testing.T, f func(t *testing.T, set func(*Spec))) {
	requireSandbox(t)
	for name, mapped := range modes {
		t.Run(name, func(t *testing.T) {
			if !mapped && !privileged() {
				t.Skip("not root: the other mode is the one that counts")
			}
			if err := available(Spec{Args: []string{"/bin/true"}, UserNS: mapped}); err != nil {
				unable(t, "%v", err)
			}
			f(t, func(s *Spec) { s.UserNS = mapped })
		})
	}
}

func TestRefusesWhatLambdaRefuses(t *testing.T) {
	eachMode(t, func(t *testing.T, set func(*Spec)) {
		opt := t.TempDir()
		if err := os.WriteFile(filepath.Join(opt, "layer.txt"), []byte("layer "), 0o644); err != nil {
			t.Fatal(err)
		}
		proc, r := start(t, "refusals", func(s *Spec) {
			set(s)
			s.Opt = opt
			s.Files = []File{{Path: "/var/runtime/given", Data: []byte("file "), Mode: 0o666}}
			s.Links = []Link{{Path: "/var/lang/bin/given", Target: "/bin/true"}}
		})
		out, status := output(t, proc, r)
		var got map[string]string
		if err := json.Unmarshal([]byte(out), &got); err != nil {
			t.Fatalf("the probe ended with %s and printed %q: %v", status, out, err)
		}
		for name, want := range wanted {
			if got[name] != want {
				t.Errorf("%s: got %q, want %q", name, got[name], want)
			}
		}
		for name := range got {
			if _, known := wanted[name]; !known {
				t.Errorf("probe %q has no expectation", name)
			}
		}
	})
}

// TestUnprivileged runs this file's tests as a user without any privilege.
func TestUnprivileged(t *testing.T) {
	requireSandbox(t)
	if os.Geteuid() != 0 {
		t.Skip("not root: the other tests have run without privilege already")
	}
	tmp, err := os.MkdirTemp("", "unprivileged-") // t.TempDir is closed to others
	if err != nil {
		t.Fatal(err)
	}
	defer os.RemoveAll(tmp)
	if err := os.Chmod(tmp, 0o777); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command("/proc/self/exe", "-test.run=^Test(Refuses|Int80|FirstProcess|Orphans|Private|Program)", "-test.v")
	cmd.Dir = "/"
	cmd.Env = append(os.Environ(), "TMPDIR="+tmp, "HOME="+tmp)
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: 65534, Gid: 65534}}
	out, err := cmd.CombinedOutput()
	t.Logf("%s", out)
	if strings.Contains(string(out), "NOT TESTED") {
		unable(t, "user namespaces are closed to unprivileged users")
	}
	if err != nil || !strings.Contains(string(out), "--- PASS: TestRefusesWhatLambdaRefuses/by_a_user_namespace") {
		t.Errorf("as an unprivileged user: %v", err)
	}
}

func TestIsMapped(t *testing.T) {
	for text, want := range map[string]bool{
		"         0          0 4294967295\n": true, "0 1000 1\n": false, "0 1000 1\n1 100000 65536\n": true, "993 1000 1\n": true, "": false,
		"994 0 10\n": false, "0 0 993\n": false,
	} {
		path := filepath.Join(t.TempDir(), "map")
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		if got := isMapped(path, 993); got != want {
			t.Errorf("%q: got %v, want %v", text, got, want)
		}
	}
}

func TestInt80Kills(t *testing.T) {
	if runtime.GOARCH != "amd64" {
		t.Skip("int 0x80 is amd64's")
	}
	eachMode(t, func(t *testing.T, set func(*Spec)) {
		proc, r := start(t, "int80", set)
		out, status := output(t, proc, r)
		if status.Signal != syscall.SIGSYS || out != "" {
			t.Errorf("got %s and output %q, want %s and none", status, out, syscall.SIGSYS)
		}
	})
}

func TestFirstProcessCannotBeEnded(t *testing.T) {
	eachMode(t, func(t *testing.T, set func(*Spec)) {
		proc, r := start(t, "survive", set)
		if out, status := output(t, proc, r); out != "alive\n" || status != (Status{}) {
			t.Errorf("got %q and %s, want it alive", out, status)
		}
	})
}

// TestOrphansEnd reads to the end of the pipe, which an orphan would keep open.
func TestOrphansEnd(t *testing.T) {
	eachMode(t, func(t *testing.T, set func(*Spec)) {
		proc, r := start(t, "orphan", set)
		if out, status := output(t, proc, r); out != "left\nok\n" || status != (Status{}) {
			t.Errorf("got %q and %s", out, status)
		}
	})
}

func TestPrivateNetwork(t *testing.T) {
	eachMode(t, func(t *testing.T, set func(*Spec)) {
		proc, r := start(t, "dial", func(s *Spec) {
			set(s)
			s.PrivateNet = true
			s.Env = append(s.Env, "ADDRESS="+PrivateAPI)
		})
		if proc.Listener == nil {
			t.Fatal("no listener came out")
		}
		go greet(proc.Listener)
		if out, _ := output(t, proc, r); out != "hello\n" {
			t.Errorf("inside: got %q, want the greeting", out)
		}
	})
}

func TestPrivateNetworkHidesTheHost(t *testing.T) {
	eachMode(t, func(t *testing.T, set func(*Spec)) {
		l, err := net.Listen("tcp4", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		defer l.Close()
		go greet(l)
		for private, want := range map[bool]string{true: "unreachable\n", false: "hello\n"} {
			proc, r := start(t, "dial", func(s *Spec) {
				set(s)
				s.PrivateNet = private
				s.Env = append(s.Env, "ADDRESS="+l.Addr().String())
			})
			if out, _ := output(t, proc, r); out != want {
				t.Errorf("private network %v: got %q, want %q", private, out, want)
			}
		}
	})
}

func greet(l net.Listener) {
	for {
		conn, err := l.Accept()
		if err != nil {
			return
		}
		fmt.Fprintln(conn, "hello")
		conn.Close()
	}
}

func TestProgramThatCannotBeExecuted(t *testing.T) {
	eachMode(t, func(t *testing.T, set func(*Spec)) {
		spec := Spec{Task: t.TempDir(), Args: []string{"/var/task/missing"}}
		set(&spec)
		_, err := Start(spec)
		var execErr *ExecError
		if !errors.As(err, &execErr) || !strings.Contains(err.Error(), "/var/task/missing: no such file") {
			t.Errorf("got %v, want an ExecError that names the program", err)
		}
	})
}

func TestKillEndsEverything(t *testing.T) {
	eachMode(t, func(t *testing.T, set func(*Spec)) {
		proc, r := start(t, "", func(s *Spec) {
			set(s)
			s.Args = []string{"/bin/sh", "-c", "sleep 1000 & sleep 1000"}
		})
		proc.Kill()
		if _, status := output(t, proc, r); status.Signal != syscall.SIGKILL {
			t.Errorf("got %s, want %s", status, syscall.SIGKILL)
		}
	})
}

func TestNothingStaysBehind(t *testing.T) {
	requireSandbox(t)
	tmp := t.TempDir()
	t.Setenv("TMPDIR", tmp)
	for _, program := range []string{"/bin/true", "/bin/missing"} {
		if proc, err := Start(Spec{Task: "/", Args: []string{program}}); err == nil {
			proc.Wait()
		}
	}
	left, err := os.ReadDir(tmp)
	if err != nil || len(left) != 0 {
		t.Errorf("left in the folder for temporary files: %v, %v", left, err)
	}
}

func TestMissingFolderIsNamed(t *testing.T) {
	requireSandbox(t)
	_, err := Start(Spec{Task: "/nowhere", Args: []string{"/bin/true"}})
	if err == nil || !strings.Contains(err.Error(), "/nowhere") {
		t.Errorf("got %v, want the folder's name in it", err)
	}
}
