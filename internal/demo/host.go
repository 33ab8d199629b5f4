package demo

import (
	"debug/elf"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// Host is what the machine offers to build the function and its attacks from. A user's machine may lack curl, catdoc and a
// compiler; the function then makes do with what is there, as its author would have.
type Host struct {
	Runtime     string // node or python
	Interpreter string // absolute path of the runtime
	Loader      string // the dynamic loader, as a package's author would write it
	Converter   string // program to ship as bin/catdoc
	Fetch       string // command that writes the document at the URL after it to stdout
	Fetcher     string // absolute path of its program
	Echo        string // a dynamically linked program that prints its arguments
	Bash        bool   // there is bash, whose /dev/tcp makes the shortest reverse shell
}

// Inspect looks at the machine. An empty runtime means Node, or else Python.
func Inspect(runtime string) (Host, error) {
	var h Host
	if err := h.findRuntime(runtime); err != nil {
		return Host{}, err
	}
	if err := h.findFetcher(); err != nil {
		return Host{}, err
	}
	if err := h.findPrograms(); err != nil {
		return Host{}, err
	}
	_, h.Bash = lookPath("bash")
	return h, nil
}

// interpreters by runtime, in order of preference.
var interpreters = []struct{ runtime, program string }{{"node", "node"}, {"python", "python3"}}

func (h *Host) findRuntime(want string) error {
	for _, i := range interpreters {
		if want != "" && want != i.runtime {
			continue
		}
		if path, ok := lookPath(i.program); ok {
			h.Runtime, h.Interpreter = i.runtime, path
			return nil
		}
		if want != "" {
			return fmt.Errorf("find runtime %q: no %s on this machine", want, i.program)
		}
	}
	if want != "" {
		return fmt.Errorf("unknown runtime %q: the demo has functions for node and python", want)
	}
	return errors.New("find a runtime: the demo needs node or python3")
}

// lookPath finds a program in the places that a function's PATH has.
func lookPath(program string) (string, bool) {
	for _, dir := range []string{"/usr/local/bin", "/usr/bin", "/bin", "/opt/bin"} {
		path := filepath.Join(dir, program)
		if info, err := os.Stat(path); err == nil && info.Mode()&0o111 != 0 && !info.IsDir() {
			return path, true
		}
	}
	path, err := exec.LookPath(program)
	return path, err == nil
}

func (h *Host) findFetcher() error {
	if path, ok := lookPath("curl"); ok {
		h.Fetch, h.Fetcher = "curl --silent -L", path
		return nil
	}
	if path, ok := lookPath("wget"); ok {
		h.Fetch, h.Fetcher = "wget -q -O -", path
		return nil
	}
	return errors.New("find a downloader: the demo needs curl or wget")
}

func (h *Host) findPrograms() error {
	for _, name := range []string{"catdoc", "cat"} {
		if path, loader, ok := dynamicProgram(name); ok && h.Converter == "" {
			h.Converter, h.Loader = path, loader
		}
	}
	if path, loader, ok := dynamicProgram("echo"); ok && loader == h.Loader {
		h.Echo = path
	}
	if h.Converter == "" || h.Echo == "" {
		return errors.New("find a converter: neither catdoc nor cat is a dynamically linked program here")
	}
	return nil
}

// dynamicProgram finds a program that stays itself under another name (no multi-call binary) and its loader.
func dynamicProgram(name string) (path, loader string, ok bool) {
	path, ok = lookPath(name)
	if !ok {
		return "", "", false
	}
	real, err := filepath.EvalSymlinks(path)
	if err != nil || filepath.Base(real) != name {
		return "", "", false
	}
	loader, err = interpreterOf(real)
	return real, loader, err == nil
}

// interpreterOf reads the loader's path from an ELF file.
func interpreterOf(path string) (string, error) {
	file, err := elf.Open(path)
	if err != nil {
		return "", fmt.Errorf("read program %q: %w", path, err)
	}
	defer file.Close()
	for _, segment := range file.Progs {
		if segment.Type == elf.PT_INTERP {
			name := make([]byte, segment.Filesz)
			if _, err := segment.ReadAt(name, 0); err != nil {
				return "", fmt.Errorf("read program %q: %w", path, err)
			}
			return strings.TrimRight(string(name), "\x00"), nil
		}
	}
	return "", fmt.Errorf("read program %q: it is statically linked", path)
}

// Convert is the second half of the function's command.
func (h Host) Convert() string { return h.Loader + " ./bin/catdoc -" }

// fetcherName is the downloader's name as the command has it.
func (h Host) fetcherName() string { return filepath.Base(h.Fetcher) }
