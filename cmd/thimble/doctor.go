package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/signal"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"thimble/enforcer"
	"thimble/internal/compile"
	"thimble/internal/doctor"
	"thimble/internal/policy"
)

// doctorTime bounds all probes together.
const doctorTime = time.Minute

func newDoctorCmd() *cobra.Command {
	var format string
	cmd := &cobra.Command{
		Use:   "doctor",
		Short: "Find out what this platform lets the enforcer do",
		Long: `Find out what this platform lets the enforcer do.

Every probe asks one question by trying it, in a process of its own where that is irreversible. The report names the
active tier, every path that it leaves uncovered, and what of a policy is not enforced yet.

Exit status: 0 when the enforcer can run here, 1 when it cannot, 2 on wrong use.`,
		Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			print, err := doctorPrinter(cmd.OutOrStdout(), format)
			if err != nil {
				return err
			}
			return runDoctor(cmd.Context(), print)
		},
	}
	cmd.Flags().StringVar(&format, "format", "", "table or json (default: table on a terminal, else json)")
	cmd.AddCommand(newDoctorPackageCmd())
	return cmd
}

func noArgs(cmd *cobra.Command, args []string) error {
	if len(args) > 0 {
		return usageError("%s takes no argument %q; see '%s --help'", cmd.CommandPath(), args[0], cmd.CommandPath())
	}
	return nil
}

func runDoctor(ctx context.Context, print func(doctor.Report) error) error {
	if ctx == nil {
		ctx = context.Background()
	}
	ctx, stop := signal.NotifyContext(ctx, os.Interrupt)
	defer stop()
	report, err := examine(ctx, doctorProgress())
	if err != nil {
		return err
	}
	if err := ctx.Err(); err != nil {
		return fmt.Errorf("examine the platform: %w", err)
	}
	if err := print(report); err != nil {
		return fmt.Errorf("print the report: %w", err)
	}
	return doctorExit(report)
}

// doctorExit turns the report into the command's exit status.
func doctorExit(report doctor.Report) error {
	if !report.Runs {
		return exitError{1, fmt.Errorf("the enforcer cannot run here: %s", report.Why)}
	}
	return nil
}

// examine runs the probes with the enforcer that this executable carries.
func examine(ctx context.Context, progress func(string)) (doctor.Report, error) {
	ctx, cancel := context.WithTimeout(ctx, doctorTime)
	defer cancel()
	blob, err := compile.Blob([]policy.Policy{doctorPolicy()}, func(string) (compile.Set, bool) { return compile.Set{}, false })
	if err != nil {
		return doctor.Report{}, fmt.Errorf("prepare the doctor's policy: %w", err)
	}
	return doctor.Examine(ctx, doctor.Options{
		Version: version, Library: enforcer.Library, Policy: blob, Progress: progress,
	}), nil
}

// doctorPolicy asks for every control, so that the enforcer itself names those that it does not enforce yet.
func doctorPolicy() policy.Policy {
	return policy.Policy{
		Version:     1,
		Name:        "doctor",
		Exec:        policy.Exec{Mode: policy.Enforce, Children: policy.ChildrenImage},
		Tmp:         policy.Tmp{Mode: policy.Enforce, DenyExec: true, DenyLoad: true, Write: policy.WriteNoExecutables},
		Memory:      policy.Enforce,
		Credentials: policy.Credentials{Mode: policy.Enforce, Children: policy.CredentialsDecoy, DenyEnviron: true},
		Reply:       policy.Reply{Mode: policy.Enforce, Action: "redact"},
		Net:         policy.Net{Mode: policy.Enforce, Connect: "none", RuntimeAPIChildren: true},
		Decoys:      true,
		Seal:        "auto",
		OnViolation: "deny",
		Fail:        "open",
		Announce:    true,
	}
}

// doctorPrinter chooses how the report is printed.
func doctorPrinter(w io.Writer, format string) (func(doctor.Report) error, error) {
	if format == "" {
		format = "json"
		if f, ok := w.(*os.File); ok && term.IsTerminal(int(f.Fd())) {
			format = "table"
		}
	}
	switch format {
	case "table":
		return func(r doctor.Report) error { return printDoctorTable(w, r) }, nil
	case "json":
		return func(r doctor.Report) error {
			enc := json.NewEncoder(w)
			enc.SetEscapeHTML(false)
			enc.SetIndent("", "  ")
			return enc.Encode(r)
		}, nil
	}
	return nil, usageError("--format: want table or json, got %q", format)
}

// doctorProgress shows the running probe on a terminal, on one line that is cleared again.
func doctorProgress() func(string) {
	if !term.IsTerminal(int(os.Stderr.Fd())) {
		return nil
	}
	return func(id string) {
		if id == "" {
			fmt.Fprint(os.Stderr, "\r\x1b[K")
			return
		}
		fmt.Fprintf(os.Stderr, "\r\x1b[Kprobing %s", id)
	}
}
