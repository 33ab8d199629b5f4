package main

import (
	"archive/zip"
	"bytes"
	"context"
	"debug/elf"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"thimble/enforcer"
)

func newDoctorPackageCmd() *cobra.Command {
	var out, arch, binary string
	cmd := &cobra.Command{
		Use:   "package --out doctor.zip",
		Short: "Write the doctor as a function of its own, to probe the real platform",
		Long: `Write the doctor as a function of its own, to probe the real platform.

The ZIP holds one file, bootstrap, which is this executable. Deploy it as a function with a provided.* runtime, 512 MB
and a timeout of 60 s; it answers every invocation with the doctor's JSON.

The executable must be static and for the function's CPU. When this one is not, it is built from Thimble's source if the
command runs there, or given with --binary.`,
		Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return packageDoctor(cmd.Context(), out, arch, binary)
		},
	}
	cmd.Flags().StringVar(&out, "out", "", "the ZIP to write (required)")
	cmd.Flags().StringVar(&arch, "arch", runtime.GOARCH, "CPU of the function: "+strings.Join(enforcer.Arches, " or "))
	cmd.Flags().StringVar(&binary, "binary", "", "a static thimble executable for that CPU")
	return cmd
}

func packageDoctor(ctx context.Context, out, arch, binary string) error {
	if out == "" {
		return usageError("doctor package: --out is missing: name the ZIP to write")
	}
	if !slices.Contains(enforcer.Arches, arch) {
		return usageError("--arch: want %s, got %q", strings.Join(enforcer.Arches, " or "), arch)
	}
	program, err := doctorBinary(ctx, arch, binary)
	if err != nil {
		return err
	}
	archive, err := zipBootstrap(program)
	if err != nil {
		return fmt.Errorf("make the ZIP: %w", err)
	}
	if err := writeWhole(out, archive); err != nil {
		return fmt.Errorf("write the ZIP: %w", err)
	}
	fmt.Fprintf(os.Stderr, "wrote %s (%s, %d bytes)\n", out, arch, len(archive))
	return nil
}

// doctorBinary finds a static executable of Thimble for the CPU: the one that is named, this one, or one built now.
func doctorBinary(ctx context.Context, arch, named string) ([]byte, error) {
	if named != "" {
		program, err := os.ReadFile(named)
		if err == nil {
			err = checkBinary(program, arch)
		}
		if err != nil {
			return nil, fmt.Errorf("--binary %q: %w", named, err)
		}
		return program, nil
	}
	program, err := readSelf()
	if err == nil {
		err = checkBinary(program, arch)
	}
	if err == nil {
		return program, nil
	}
	return buildBinary(ctx, arch, err)
}

func readSelf() ([]byte, error) {
	path, err := os.Executable()
	if err != nil {
		return nil, err
	}
	return os.ReadFile(path)
}

// checkBinary refuses what would not start in a function: another CPU's program, or one that needs this machine's C
// library.
func checkBinary(program []byte, arch string) error {
	f, err := elf.NewFile(bytes.NewReader(program))
	if err != nil {
		return fmt.Errorf("not a Linux executable: %w", err)
	}
	want := map[string]elf.Machine{"amd64": elf.EM_X86_64, "arm64": elf.EM_AARCH64}[arch]
	if f.Machine != want {
		return fmt.Errorf("the executable is not for %s", arch)
	}
	if slices.ContainsFunc(f.Progs, func(p *elf.Prog) bool { return p.Type == elf.PT_INTERP }) {
		return errors.New("the executable is not static")
	}
	return nil
}

// buildBinary builds Thimble from the source that the command runs in; why says why that is needed.
func buildBinary(ctx context.Context, arch string, why error) ([]byte, error) {
	const recipe = "in Thimble's source run\n  CGO_ENABLED=0 GOOS=linux GOARCH=%s go build -o thimble-%s ./cmd/thimble\n" +
		"and give the result with --binary"
	module, err := exec.CommandContext(ctx, "go", "list", "-m").Output()
	if err != nil || strings.TrimSpace(string(module)) != "thimble" {
		return nil, fmt.Errorf("%w; "+recipe, why, arch, arch)
	}
	folder, err := os.MkdirTemp("", "thimble-doctor-package-")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(folder)
	fmt.Fprintf(os.Stderr, "building for %s (%v)\n", arch, why)
	path := filepath.Join(folder, "bootstrap")
	cmd := exec.CommandContext(ctx, "go", "build", "-trimpath", "-ldflags", "-s -w -X main.version="+version,
		"-o", path, "thimble/cmd/thimble")
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0", "GOOS=linux", "GOARCH="+arch)
	if talk, err := cmd.CombinedOutput(); err != nil {
		return nil, fmt.Errorf("build for %s: %w\n%s", arch, err, talk)
	}
	program, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	return program, checkBinary(program, arch)
}

// zipBootstrap is deterministic: the same executable gives the same bytes.
func zipBootstrap(program []byte) ([]byte, error) {
	var b bytes.Buffer
	w := zip.NewWriter(&b)
	header := &zip.FileHeader{Name: "bootstrap", Method: zip.Deflate, Modified: time.Date(1980, 1, 1, 0, 0, 0, 0, time.UTC)}
	header.SetMode(0o755)
	f, err := w.CreateHeader(header)
	if err != nil {
		return nil, err
	}
	if _, err := io.Copy(f, bytes.NewReader(program)); err != nil {
		return nil, err
	}
	if err := w.Close(); err != nil {
		return nil, err
	}
	return b.Bytes(), nil
}

// writeWhole leaves either the whole file or none.
func writeWhole(path string, content []byte) error {
	f, err := os.CreateTemp(filepath.Dir(path), ".thimble-*")
	if err != nil {
		return err
	}
	defer os.Remove(f.Name()) // after the rename there is nothing left to remove
	_, err = f.Write(content)
	err = errors.Join(err, f.Chmod(0o644), f.Close())
	if err != nil {
		return err
	}
	return os.Rename(f.Name(), path)
}
