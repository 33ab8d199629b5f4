package main

import (
	"fmt"

	"github.com/spf13/cobra"

	"thimble/internal/policy"
)

func newPolicyExplainCmd() *cobra.Command {
	return &cobra.Command{
		Use:   "explain F...",
		Short: "Say in plain words what policies allow and refuse",
		Example: `  thimble policy explain thimble.yaml
  thimble policy default | thimble policy explain -`,
		Args: needFiles,
		RunE: func(cmd *cobra.Command, args []string) error {
			docs, err := loadPolicies(cmd, args)
			if err != nil {
				return err
			}
			for i, d := range docs {
				if i > 0 {
					fmt.Fprintln(cmd.OutOrStdout())
				}
				if err := policy.Explain(cmd.OutOrStdout(), d); err != nil {
					return err
				}
			}
			return nil
		},
	}
}
