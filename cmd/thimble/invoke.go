package main

import "github.com/spf13/cobra"

func newInvokeCmd() *cobra.Command { return &cobra.Command{Use: "invoke"} }
