package main

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"thimble/internal/demo"
)

const demoLong = `Attack a vulnerable function, first without Thimble and then with it.

The function converts documents and has two flaws: it pastes an address into a shell command (as OWASP's ServerlessGoat
does), and it evaluates a visitor's template. The demo runs it in the local Lambda sandbox, plays some two dozen attacks
and the good requests that must keep working, and measures what protection costs. Nothing leaves this machine: the
document server and the attacker's servers listen on loopback.

Exit status: 0 when every attack worked without Thimble and none with it, and every good request was answered; 1 when
not; 2 when the command was used wrongly.`

type demoFlags struct {
	runtime, format, keep string
	rounds                int
}

func newDemoCmd() *cobra.Command {
	var flags demoFlags
	cmd := &cobra.Command{
		Use:   "demo",
		Short: "Attack a vulnerable function without and with Thimble",
		Long:  demoLong,
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return runDemo(cmd, flags)
		},
	}
	cmd.Flags().StringVar(&flags.runtime, "runtime", "", "`node` or python; default: the first one found")
	cmd.Flags().StringVar(&flags.format, "format", "table", "output format: `table` or json")
	cmd.Flags().StringVar(&flags.keep, "keep", "", "leave events, answers and logs in this `directory`")
	cmd.Flags().IntVar(&flags.rounds, "rounds", 10, "`rounds` of the measurement; 0 leaves it out")
	return cmd
}

func runDemo(cmd *cobra.Command, flags demoFlags) error {
	if flags.format != "table" && flags.format != "json" {
		return usageError("unknown --format %q: use table or json", flags.format)
	}
	if _, ok := lambdaRuntimes[flags.runtime]; !ok && flags.runtime != "" {
		return usageError("unknown --runtime %q: the demo has functions for node and python", flags.runtime)
	}
	host, err := demo.Inspect(flags.runtime)
	if err != nil {
		return err
	}
	if flags.keep != "" {
		if err := os.MkdirAll(flags.keep, 0o755); err != nil {
			return fmt.Errorf("make the directory to keep: %w", err)
		}
	}
	dir, err := os.MkdirTemp("", "thimble-demo-")
	if err != nil {
		return fmt.Errorf("make the demo's directory: %w", err)
	}
	defer os.RemoveAll(dir)
	report, err := demo.Run(cmd.Context(), demo.Config{
		Host: host, Platform: demoPlatform{demoProtection(dir)}, Keep: flags.keep, Rounds: flags.rounds,
		Progress: func(msg string) { fmt.Fprintln(cmd.ErrOrStderr(), "demo:", msg) },
	})
	if err != nil {
		return err
	}
	if err := printDemo(cmd.OutOrStdout(), report, flags.format); err != nil {
		return err
	}
	if !report.Passed() {
		return exitError{code: 1}
	}
	return nil
}

func printDemo(w io.Writer, report *demo.Report, format string) error {
	if format == "json" {
		out := json.NewEncoder(w)
		out.SetIndent("", "  ")
		out.SetEscapeHTML(false)
		return out.Encode(struct {
			*demo.Report
			GotThrough int  `json:"attacks_that_got_through"`
			Unnamed    int  `json:"attacks_stopped_without_event"`
			GoodBroken int  `json:"good_requests_broken"`
			Passed     bool `json:"passed"`
		}{report, report.GotThrough(), report.Unnamed(), len(report.GoodWith.Broken), report.Passed()})
	}
	if err := printAttacks(w, report); err != nil {
		return err
	}
	printCounts(w, report)
	printOverhead(w, report.Overhead)
	return nil
}

func printAttacks(w io.Writer, report *demo.Report) error {
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "ATTACK\tTHE ATTACKER WANTS\tWITHOUT THIMBLE\tWITH THIMBLE\tSTOPPED BY\tRULE")
	for _, o := range report.Attacks {
		fmt.Fprintf(table, "%s\t%s\t%s\t%s\t%s\t%s\n", o.Name, o.Wants, loot(o, o.Without), loot(o, o.With),
			orDash(o.With.StoppedBy), orDash(o.With.Rule))
	}
	return table.Flush()
}

func loot(o demo.Outcome, r demo.Result) string {
	if r.Got {
		return o.Loot
	}
	return "nothing"
}

func orDash(text string) string {
	if text == "" {
		return "-"
	}
	return text
}

func printCounts(w io.Writer, report *demo.Report) {
	fmt.Fprintf(w, "\nattacks that got through: %d of %d without Thimble, %d with it\n",
		len(report.Attacks)-report.Duds(), len(report.Attacks), report.GotThrough())
	if n := report.Unnamed(); n > 0 {
		fmt.Fprintf(w, "attacks that failed with Thimble, but without an event that says why: %d\n", n)
	}
	fmt.Fprintf(w, "good requests broken: %d of %d without Thimble, %d of %d with it\n",
		len(report.GoodWithout.Broken), report.GoodWithout.Made, len(report.GoodWith.Broken), report.GoodWith.Made)
	for _, b := range append(report.GoodWithout.Broken, report.GoodWith.Broken...) {
		fmt.Fprintf(w, "  broken: %s, %s: status %d, %q\n", b.Request, b.When, b.Status, b.Answer)
	}
}

func printOverhead(w io.Writer, o *demo.Overhead) {
	if o == nil {
		return
	}
	fmt.Fprintf(w, "\nmedians of %d rounds, without and with in turn:\n", o.Rounds)
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(table, "\twithout\twith\tdifference\t")
	printMedians(table, "cold start", o.ColdWithout, o.ColdWith)
	printMedians(table, "a document converted", o.WarmWithout, o.WarmWith)
	table.Flush()
}

func printMedians(w io.Writer, what string, without, with int64) {
	fmt.Fprintf(w, "%s\t%s\t%s\t%s\t\n", what, millis(without), millis(with), millis(with-without))
}

func millis(ns int64) string {
	return fmt.Sprintf("%.2f ms", float64(ns)/float64(time.Millisecond))
}
