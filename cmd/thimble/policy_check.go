package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"thimble/internal/policy"
)

func newPolicyCheckCmd() *cobra.Command {
	format := "table"
	cmd := &cobra.Command{
		Use:   "check F...",
		Short: "Say what is wrong with policies",
		Long: `Reads policies and reports every error as file:line:column: message on stderr, and what is legal but probably not meant
as a note. Exit code 0 when all are right, 1 when not, 2 for wrong use.`,
		Example: `  thimble policy check thimble.yaml
  thimble policy check policies/
  thimble policy check --format json - < thimble.yaml`,
		Args: needFiles,
		RunE: func(cmd *cobra.Command, args []string) error {
			switch format {
			case "table":
				return checkTable(cmd, args)
			case "json":
				return checkJSON(cmd, args)
			}
			return usageError("unknown --format %q: use table or json", format)
		},
	}
	cmd.Flags().StringVar(&format, "format", format, "table or json")
	return cmd
}

func checkTable(cmd *cobra.Command, paths []string) error {
	docs, err := loadPolicies(cmd, paths)
	if err != nil {
		return err
	}
	for _, d := range docs {
		for _, n := range d.Notes {
			fmt.Fprintf(cmd.ErrOrStderr(), "%s:%d:%d: note: %s\n", n.File, n.Line, n.Column, n.Message)
		}
		if _, err := fmt.Fprintf(cmd.OutOrStdout(), "%s:%d: ok: %s\n", d.File, d.Line, summary(d.Policy)); err != nil {
			return fmt.Errorf("write output: %w", err)
		}
	}
	return nil
}

// summary says in one line which policy it is.
func summary(p *policy.Policy) string {
	children := map[policy.Children]string{
		policy.ChildrenNone: "children none", policy.ChildrenListed: "children listed", policy.ChildrenImage: "children image"}
	parts := []string{children[p.Exec.Children], plural(len(p.Exec.Allow), "allowed program")}
	if p.Exec.Mode != policy.Enforce {
		parts = append(parts, "exec "+modeName(p.Exec.Mode))
	}
	return fmt.Sprintf("%s, for %s: %s", nameOf(p), functionsOf(p), strings.Join(parts, ", "))
}

func nameOf(p *policy.Policy) string {
	if p.Name == "" {
		return "a policy without name"
	}
	return p.Name
}

func functionsOf(p *policy.Policy) string {
	if len(p.Match.Functions) == 0 {
		return "every function that no other policy names"
	}
	return strings.Join(p.Match.Functions, ", ")
}

func modeName(m policy.Mode) string {
	return map[policy.Mode]string{policy.Off: "off", policy.Audit: "audit", policy.Enforce: "enforce"}[m]
}

// checkResult is what check prints as JSON.
type checkResult struct {
	OK       bool             `json:"ok"`
	Policies []checkedPolicy  `json:"policies"`
	Errors   []policy.Problem `json:"errors"`
	Notes    []policy.Problem `json:"notes"`
}

type checkedPolicy struct {
	File      string   `json:"file"`
	Line      int      `json:"line"`
	Name      string   `json:"name"`
	Functions []string `json:"functions"` // empty: the default policy
	Allow     int      `json:"allow"`     // entries of exec.allow
}

func checkJSON(cmd *cobra.Command, paths []string) error {
	docs, err := policy.Load(paths, cmd.InOrStdin())
	result := checkResult{OK: err == nil, Policies: []checkedPolicy{}, Errors: []policy.Problem{}, Notes: []policy.Problem{}}
	var problems policy.Problems
	if errors.As(err, &problems) {
		result.Errors = problems
	} else if err != nil {
		return err
	}
	for _, d := range docs {
		result.Notes = append(result.Notes, d.Notes...)
		result.Policies = append(result.Policies, checkedPolicy{d.File, d.Line, d.Policy.Name,
			append([]string{}, d.Policy.Match.Functions...), len(d.Policy.Exec.Allow)})
	}
	if err := writeJSON(cmd.OutOrStdout(), result); err != nil {
		return err
	}
	if !result.OK {
		return exitError{code: 1}
	}
	return nil
}

func writeJSON(w io.Writer, v any) error {
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	if err := enc.Encode(v); err != nil {
		return fmt.Errorf("write output: %w", err)
	}
	return nil
}
