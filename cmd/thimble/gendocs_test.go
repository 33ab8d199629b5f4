package main

import (
	"bytes"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/spf13/cobra"
	"github.com/spf13/cobra/doc"
)

const cliDocs = "../../docs/cli"

// TestCLIReference holds docs/cli against the commands. THIMBLE_UPDATE=1 rewrites it.
func TestCLIReference(t *testing.T) {
	want := map[string][]byte{}
	root := newRootCmd()
	root.InitDefaultVersionFlag() // which execution would add
	root.DisableAutoGenTag = true // no dates: the same commands give the same bytes
	if err := describe(root, want); err != nil {
		t.Fatal(err)
	}
	if os.Getenv("THIMBLE_UPDATE") == "1" {
		rewrite(t, want)
	}
	have, err := filepath.Glob(filepath.Join(cliDocs, "*.md"))
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range have {
		if want[filepath.Base(path)] == nil {
			t.Errorf("%s describes a command that does not exist", path)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(want)) {
		got, err := os.ReadFile(filepath.Join(cliDocs, name))
		if err != nil || !bytes.Equal(got, want[name]) {
			t.Errorf("%s is not what the command says (%v): run THIMBLE_UPDATE=1 go test ./cmd/thimble", name, err)
		}
	}
}

// describe adds one page for cmd and each command below it.
func describe(cmd *cobra.Command, pages map[string][]byte) error {
	var page bytes.Buffer
	if err := doc.GenMarkdown(cmd, &page); err != nil {
		return err
	}
	pages[strings.ReplaceAll(cmd.CommandPath(), " ", "_")+".md"] = page.Bytes()
	for _, sub := range cmd.Commands() {
		if !sub.IsAvailableCommand() || sub.Name() == "help" {
			continue
		}
		if err := describe(sub, pages); err != nil {
			return err
		}
	}
	return nil
}

func rewrite(t *testing.T, pages map[string][]byte) {
	t.Helper()
	if err := os.RemoveAll(cliDocs); err != nil {
		t.Fatal(err)
	}
	if err := os.MkdirAll(cliDocs, 0o755); err != nil {
		t.Fatal(err)
	}
	for name, page := range pages {
		if err := os.WriteFile(filepath.Join(cliDocs, name), page, 0o644); err != nil {
			t.Fatal(err)
		}
	}
}
