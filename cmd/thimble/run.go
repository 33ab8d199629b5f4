package main

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"

	"github.com/spf13/cobra"

	"thimble/enforcer"
)

const runHelp = `Run any local command under the enforcer, without a sandbox. Without --policy the default one applies: only what
was on the machine before the command started may be executed or loaded.

The command takes this process's place, so its exit code and its signals are its own. 126 means that the command
cannot be executed, 127 that it was not found.

Events are JSON lines on stderr, or in the file given with --events.`

const runExample = `  thimble run -- node server.js
  thimble run --policy thimble.yaml --mode audit --events events.jsonl -- ./start.sh`

type runFlags struct{ policy, mode, events string }

func newRunCmd() *cobra.Command {
	f := &runFlags{}
	cmd := &cobra.Command{
		Use:     "run [--policy F] [--mode enforce|audit] [--events F] -- COMMAND [ARGUMENT…]",
		Short:   "Run a local command under the enforcer",
		Long:    runHelp,
		Example: runExample,
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) == 0 {
				return usageError("no command given: thimble run -- COMMAND [ARGUMENT…]")
			}
			return nil
		},
		RunE: func(_ *cobra.Command, args []string) error { return f.run(args) },
	}
	cmd.Flags().SetInterspersed(false) // what follows the command is the command's
	cmd.Flags().StringVar(&f.policy, "policy", "", "the policy; default: only what is there already may run")
	cmd.Flags().StringVar(&f.mode, "mode", "", "enforce or audit: replaces the policy's modes")
	cmd.Flags().StringVar(&f.events, "events", "", "file that event lines are appended to; default: stderr")
	return cmd
}

func (f *runFlags) run(args []string) error {
	if f.mode != "" && f.mode != "enforce" && f.mode != "audit" {
		return usageError("--mode %q: enforce or audit", f.mode)
	}
	program, err := findCommand(args[0])
	if err != nil {
		return err
	}
	library, blob, err := protection(f.policy, f.mode)
	if err != nil {
		return err
	}
	policy, err := keep("policy", blob, 0o600)
	if err != nil {
		return err
	}
	env, err := f.environment(os.Environ(), library, policy)
	if err != nil {
		return err
	}
	err = syscall.Exec(program, args, env) // returns only when it failed
	return exitError{126, fmt.Errorf("execute %q: %w", args[0], err)}
}

// findCommand looks a command up as a shell does.
func findCommand(name string) (string, error) {
	program, err := exec.LookPath(name)
	switch {
	case err == nil || errors.Is(err, exec.ErrDot):
		return filepath.Abs(program)
	case errors.Is(err, fs.ErrPermission):
		return "", exitError{126, fmt.Errorf("command %q is not executable", name)}
	}
	return "", exitError{127, fmt.Errorf("command %q not found", name)}
}

// environment adds the enforcer to an environment; other preloaded libraries stay, after it.
func (f *runFlags) environment(env []string, library, policy string) ([]string, error) {
	preload := library
	var out []string
	for _, kv := range env {
		name, value, _ := strings.Cut(kv, "=")
		switch name {
		case "LD_PRELOAD":
			if value != "" {
				preload = library + ":" + value
			}
		case "THIMBLE_POLICY", "THIMBLE_EVENTS":
		default:
			out = append(out, kv)
		}
	}
	out = append(out, "LD_PRELOAD="+preload, "THIMBLE_POLICY="+policy)
	if f.events == "" {
		return out, nil
	}
	events, err := filepath.Abs(f.events)
	if err != nil {
		return nil, fmt.Errorf("find the events file: %w", err)
	}
	file, err := os.OpenFile(events, os.O_WRONLY|os.O_CREATE|os.O_APPEND, 0o600)
	if err != nil {
		return nil, fmt.Errorf("open the events file: %w", err)
	}
	return append(out, "THIMBLE_EVENTS=file:"+events), file.Close()
}

// protection compiles a policy and puts the enforcer where a process can load it from.
func protection(policy, mode string) (library string, blob []byte, err error) {
	if blob, err = compilePolicy(policy, mode); err != nil {
		return "", nil, err
	}
	so, err := enforcer.Library(runtime.GOARCH)
	if err != nil {
		return "", nil, err
	}
	library, err = keep("libthimble.so", so, 0o755)
	return library, blob, err
}

// keep stores bytes under their digest in the user's cache folder and returns the path. They stay there: processes
// that outlive this command go on using them.
func keep(name string, data []byte, mode fs.FileMode) (string, error) {
	cache, err := os.UserCacheDir()
	if err != nil || strings.ContainsAny(cache, ": ") { // LD_PRELOAD is split at both
		cache = filepath.Join(os.TempDir(), fmt.Sprintf("thimble-%d", os.Getuid()))
	}
	dir := filepath.Join(cache, "thimble", fmt.Sprintf("%x", sha256.Sum256(data))[:32])
	path := filepath.Join(dir, name)
	if err := makeOwn(dir, filepath.Join(cache, "thimble")); err != nil {
		return "", fmt.Errorf("make a folder for the enforcer (XDG_CACHE_HOME says where): %w", err)
	}
	if old, err := os.ReadFile(path); err == nil && bytes.Equal(old, data) {
		return path, nil
	}
	if err := writeAtomically(path, data, mode); err != nil {
		return "", fmt.Errorf("store the enforcer: %w", err)
	}
	return path, nil
}

// makeOwn makes a folder below top, and refuses a top that another user could change.
func makeOwn(dir, top string) error {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	info, err := os.Lstat(top)
	if err != nil {
		return err
	}
	stat, ok := info.Sys().(*syscall.Stat_t)
	if !info.IsDir() || !ok || int(stat.Uid) != os.Getuid() || info.Mode()&0o022 != 0 {
		return fmt.Errorf("%q belongs to another user or is open to others", top)
	}
	return nil
}

// writeAtomically never shows a half-written file to a process that is loading it.
func writeAtomically(path string, data []byte, mode fs.FileMode) error {
	tmp, err := os.CreateTemp(filepath.Dir(path), ".new-")
	if err != nil {
		return err
	}
	defer os.Remove(tmp.Name())
	_, err = tmp.Write(data)
	if err = errors.Join(err, tmp.Chmod(mode), tmp.Close()); err != nil {
		return err
	}
	return os.Rename(tmp.Name(), path)
}
