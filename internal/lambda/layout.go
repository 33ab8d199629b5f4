package lambda

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// layout is where the function's folders are on the host.
type layout struct {
	base    string // everything of ours
	task    string // becomes /var/task
	opt     string // becomes /opt; empty when there is nothing to show
	runtime string // stands for /var/runtime where there is no sandbox
	layers  int

	preload, policy string // the enforcer's files where there is no sandbox
}

// newLayout unpacks code and layers.
func newLayout(cfg *Config) (*layout, error) {
	base, err := os.MkdirTemp("", "thimble-lambda-")
	if err != nil {
		return nil, fmt.Errorf("make a folder for the function: %w", err)
	}
	l := &layout{base: base, layers: len(cfg.Layers)}
	if err := l.fill(cfg); err != nil {
		l.remove()
		return nil, err
	}
	return l, nil
}

func (l *layout) fill(cfg *Config) error {
	budget := int64(maxUnzipped)
	if err := l.unpackCode(cfg.Code, &budget); err != nil {
		return err
	}
	if len(cfg.Layers) == 0 && cfg.Preload == "" && cfg.PolicyBlob == nil {
		return nil
	}
	opt, err := l.folder("opt")
	if err != nil {
		return err
	}
	l.opt = opt
	for _, layer := range cfg.Layers {
		if err := unpack(layer, opt, &budget); err != nil {
			return fmt.Errorf("lay out layer %q: %w", layer, err)
		}
	}
	return l.placeEnforcer(cfg)
}

// unpackCode uses a folder where it is and unpacks a ZIP.
func (l *layout) unpackCode(code string, budget *int64) error {
	info, err := os.Stat(code)
	if errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("code %q does not exist: give the function's folder or ZIP", code)
	}
	if err != nil {
		return fmt.Errorf("look at the code: %w", err)
	}
	if info.IsDir() {
		if os.Geteuid() == 0 && info.Mode()&0o005 != 0o005 {
			return fmt.Errorf("code %q is closed to others, and the function runs as another user: chmod o+rx it", code)
		}
		l.task, err = filepath.Abs(code)
		return err
	}
	if l.task, err = l.folder("task"); err != nil {
		return err
	}
	if err := unpack(code, l.task, budget); err != nil {
		return fmt.Errorf("unpack code %q: %w", code, err)
	}
	return nil
}

// placeEnforcer puts the enforcer where a layer would.
func (l *layout) placeEnforcer(cfg *Config) error {
	dir := filepath.Join(l.opt, "thimble")
	if cfg.Preload != "" {
		data, err := os.ReadFile(cfg.Preload)
		if err != nil {
			return fmt.Errorf("read the enforcer: %w", err)
		}
		l.preload = filepath.Join(dir, "libthimble.so")
		if err := replaceFile(l.preload, data, 0o755); err != nil {
			return fmt.Errorf("place the enforcer: %w", err)
		}
	}
	if cfg.PolicyBlob != nil {
		l.policy = filepath.Join(dir, "policy")
		if err := replaceFile(l.policy, cfg.PolicyBlob, 0o644); err != nil {
			return fmt.Errorf("place the policy: %w", err)
		}
	}
	return nil
}

func replaceFile(path string, data []byte, mode fs.FileMode) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return err
	}
	if err := os.RemoveAll(path); err != nil {
		return err
	}
	if err := os.WriteFile(path, data, mode); err != nil {
		return err
	}
	return os.Chmod(path, mode) // whatever the umask
}

// folder makes a folder of ours that every user may enter.
func (l *layout) folder(name string) (string, error) {
	path := filepath.Join(l.base, name)
	if err := os.Mkdir(path, 0o755); err != nil {
		return "", fmt.Errorf("make a folder for the function: %w", err)
	}
	return path, os.Chmod(path, 0o755)
}

func (l *layout) remove() error {
	if err := os.RemoveAll(l.base); err != nil {
		return fmt.Errorf("remove the function's folder: %w", err)
	}
	return nil
}
