package demo

import (
	"embed"
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

//go:embed assets
var assets embed.FS

// Handler is the function's handler in its runtime's notation.
func (h Host) Handler() string {
	if h.Runtime == "python" {
		return "app.handler"
	}
	return "index.handler"
}

func (h Host) source() string {
	if h.Runtime == "python" {
		return "app.py"
	}
	return "index.js"
}

// Build writes the function's package to a new directory.
func (h Host) Build(dir string) error {
	if err := os.MkdirAll(filepath.Join(dir, "bin"), 0o755); err != nil {
		return fmt.Errorf("build the function: %w", err)
	}
	source, err := h.asset("function/" + h.source())
	if err != nil {
		return err
	}
	about, err := h.asset("function/about")
	if err != nil {
		return err
	}
	converter, err := os.ReadFile(h.Converter)
	if err != nil {
		return fmt.Errorf("build the function: %w", err)
	}
	files := []struct {
		name string
		data []byte
		mode os.FileMode
	}{
		{h.source(), []byte(source), 0o644},
		{"bin/about", []byte(about), 0o755},
		{"bin/catdoc", converter, 0o755},
	}
	for _, f := range files {
		if err := os.WriteFile(filepath.Join(dir, f.name), f.data, f.mode); err != nil {
			return fmt.Errorf("build the function: %w", err)
		}
	}
	return nil
}

// asset reads an embedded file, the names of this host's programs filled in.
func (h Host) asset(name string) (string, error) {
	data, err := assets.ReadFile("assets/" + name)
	if err != nil {
		return "", fmt.Errorf("read asset %q: %w", name, err)
	}
	return h.fill(string(data)), nil
}

func (h Host) fill(text string) string {
	return strings.NewReplacer(
		"@FETCH@", h.Fetch,
		"@FETCHER@", h.fetcherName(),
		"@FETCHER_PATH@", h.Fetcher,
		"@FETCH_ARGS@", h.fetchArgs(),
		"@CONVERT@", h.Convert(),
		"@LOADER@", h.Loader,
		"@ECHO@", h.Echo,
	).Replace(text)
}

// fetchArgs is the downloader's argument list as the policy has it.
func (h Host) fetchArgs() string {
	var args []string
	for _, arg := range strings.Fields(h.Fetch)[1:] {
		args = append(args, fmt.Sprintf("%q", arg))
	}
	return strings.Join(append(args, `"{address:url}"`), ", ")
}

// Policy is the policy that protects the function on this host.
func (h Host) Policy() (string, error) {
	return h.asset("goat.yaml")
}
