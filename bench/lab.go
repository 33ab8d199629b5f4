package main

import (
	"bytes"
	"embed"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"

	"thimble/enforcer"
)

//go:embed testdata
var testdata embed.FS

// lab is what the experiments share: the programs that they start and the three environments to start them in.
type lab struct {
	folder  string
	worker  string // testdata/worker.c, built
	small   string // a library to dlopen
	allowed string // the program that the policy lists
	denied  string // one that it does not
	node    string // "" when the machine has none
	python  string
	java    string
	javac   string
	scratch string // an ordinary file that may be written to
	library string
	policy  string
	env     [variants][]string
	stderr  sink
}

// inputs are the files that the flags name, read before the namespace hides them; nil for the ones of this repository.
type inputs struct {
	library, policy []byte
	sets            []string // of the default policy
}

func readInputs(library, policy, sets string) (in inputs, err error) {
	if sets != "" {
		in.sets = strings.Split(sets, ",")
	}
	if library != "" {
		if in.library, err = os.ReadFile(library); err != nil {
			return in, fmt.Errorf("read the enforcer: %w", err)
		}
	}
	if policy != "" {
		if in.policy, err = os.ReadFile(policy); err != nil {
			return in, fmt.Errorf("read the policy: %w", err)
		}
	}
	return in, nil
}

// newLab builds the programs in a folder and finds the runtimes.
func newLab(in inputs, folder, events string) (*lab, error) {
	l := &lab{folder: folder, node: interpreter("node", "-p", "process.execPath"),
		python: interpreter("python3", "-c", "import sys; print(sys.executable)"), java: find("java"), javac: find("javac")}
	return l, l.fill(in, events)
}

// fill does what can fail; afterwards the folder is as a function's code is, read-only where that is possible.
func (l *lab) fill(in inputs, events string) error {
	var err error
	if l.stderr, err = newSink(); err != nil {
		return err
	}
	if l.allowed, err = canonical("true"); err != nil {
		return err
	}
	if l.denied, err = canonical("false"); err != nil {
		return err
	}
	if err := l.build(); err != nil {
		return err
	}
	if err := l.install(in); err != nil {
		return err
	}
	syscall.Sync() // pages that are not on the disk yet would count as dirty memory of who maps them
	if inside() {
		if err := freeze(l.folder, l.allowed, l.node, l.python, l.java); err != nil {
			return err
		}
	}
	l.environments(events)
	return l.check()
}

// find returns the real path of a program, "" when there is none.
func find(name string) string {
	path, err := exec.LookPath(name)
	if err != nil {
		return ""
	}
	if path, err = filepath.EvalSymlinks(path); err != nil {
		return ""
	}
	return path
}

// interpreter asks an interpreter for its own path: what PATH finds may be a script of a version manager, whose time is
// not to be measured.
func interpreter(name string, args ...string) string {
	out, err := exec.Command(name, args...).Output()
	if err != nil {
		return ""
	}
	path, err := filepath.EvalSymlinks(strings.TrimSpace(string(out)))
	if err != nil {
		return ""
	}
	return path
}

func canonical(name string) (string, error) {
	if path := find(name); path != "" {
		return path, nil
	}
	return "", fmt.Errorf("find %q: not in PATH", name)
}

// build unpacks testdata and compiles the C programs in it.
func (l *lab) build() error {
	if err := os.CopyFS(l.folder, testdata); err != nil {
		return fmt.Errorf("unpack testdata: %w", err)
	}
	shared := []string{"-shared", "-fPIC", "-nostdlib"}
	var err error
	if l.worker, err = l.compile("worker", "worker.c"); err != nil {
		return err
	}
	if l.java != "" && l.javac != "" {
		if text, err := exec.Command(l.javac, "-d", l.folder, l.file("Cold.java")).CombinedOutput(); err != nil {
			return fmt.Errorf("compile Cold.java: %w\n%s", err, text)
		}
	}
	if l.small, err = l.compile("libsmall.so", "small.c", shared...); err != nil {
		return err
	}
	_, err = l.compile("empty.so", "empty.c", shared...)
	return err
}

func (l *lab) compile(out, source string, flags ...string) (string, error) {
	path := filepath.Join(l.folder, out)
	cmd := exec.Command("gcc", append(append([]string{"-O2"}, flags...), "-o", path, l.file(source), "-ldl")...)
	if len(flags) > 0 {
		cmd.Args = cmd.Args[:len(cmd.Args)-1] // nothing is linked
	}
	if text, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("compile %s: %w\n%s", source, err, text)
	}
	return path, nil
}

func (l *lab) file(name string) string { return filepath.Join(l.folder, "testdata", name) }

// install writes the enforcer, its policy and the scratch file.
func (l *lab) install(in inputs) error {
	var err error
	l.library, l.policy = filepath.Join(l.folder, "libthimble.so"), filepath.Join(l.folder, "policy")
	if in.library == nil {
		if in.library, err = enforcer.Library(runtime.GOARCH); err != nil {
			return err
		}
	}
	if in.policy == nil {
		if in.policy, err = compilePolicy(l.allowed, in.sets); err != nil {
			return err
		}
	}
	if err := os.WriteFile(l.library, in.library, 0o755); err != nil {
		return fmt.Errorf("write the enforcer: %w", err)
	}
	if err := os.WriteFile(l.policy, in.policy, 0o444); err != nil {
		return fmt.Errorf("write the policy: %w", err)
	}
	l.scratch = filepath.Join(os.TempDir(), fmt.Sprintf("thimble-bench-%d", os.Getpid()))
	if err := os.WriteFile(l.scratch, []byte("scratch\n"), 0o644); err != nil {
		return fmt.Errorf("write a scratch file: %w", err)
	}
	return nil
}

// environments makes the three environments: small, equal but for the preloaded library.
func (l *lab) environments(events string) {
	base := []string{"PATH=/usr/local/bin:/usr/bin:/bin", "LANG=C.UTF-8", "HOME=" + l.folder, "AWS_LAMBDA_FUNCTION_NAME=bench"}
	l.env[plain] = base
	l.env[empty] = append([]string{"LD_PRELOAD=" + filepath.Join(l.folder, "empty.so")}, base...)
	l.env[thimble] = append([]string{"LD_PRELOAD=" + l.library, "THIMBLE_POLICY=" + l.policy}, base...)
	if events != "" {
		l.env[thimble] = append(l.env[thimble], "THIMBLE_EVENTS="+events)
	}
}

// check refuses to measure an enforcer that is not in force: it would be fast.
func (l *lab) check() error {
	var errno [variants]string
	for v := range l.env {
		p, err := l.start(v, l.worker, "spawn", l.denied)
		if err != nil {
			return err
		}
		answer, err := p.ask("1")
		if err != nil {
			return err
		}
		fields := bytes.Fields(answer)
		errno[v] = string(fields[len(fields)-1])
		if err := p.stop(); err != nil {
			return err
		}
	}
	if said := l.stderr.drain(); bytes.Contains(said, []byte(`"unprotected"`)) {
		return fmt.Errorf("the enforcer is not in force: %s", said)
	}
	if errno[plain] != "0" || errno[empty] != "0" || errno[thimble] == "0" {
		return fmt.Errorf("a spawn that the policy forbids: plain, empty and thimble got errno %v, want 0 0 and not 0", errno)
	}
	return nil
}

func (l *lab) start(variant int, argv ...string) (*process, error) {
	return start(argv, l.env[variant], l.stderr.w)
}

func (l *lab) close() error {
	closeAll(l.stderr.r, l.stderr.w)
	return os.Remove(l.scratch)
}
