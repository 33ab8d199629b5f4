package main

import (
	"encoding/json"
	"fmt"
	"io"
	"math"
	"os"
	"strings"
	"text/tabwriter"
)

// row is a metric as it is reported: figures of the variants, then of the differences to plain, iteration by iteration.
type row struct {
	Experiment string           `json:"experiment"`
	Metric     string           `json:"metric"`
	Unit       string           `json:"unit"`
	Samples    int              `json:"samples"`
	Median     map[string]fixed `json:"median"`
	P90        map[string]fixed `json:"p90"`
	Added      map[string]added `json:"added"`
	Limits     []verdict        `json:"limits,omitempty"`
}

// added is what a variant costs over plain.
type added struct {
	Median   fixed    `json:"median"`
	Interval interval `json:"interval95"`
	Ratio    fixed    `json:"ratio"` // of the medians
}

type verdict struct {
	Limit   string   `json:"limit"`
	Verdict string   `json:"verdict"`
	Excess  interval `json:"excess95"` // how far beyond the limit; negative is within
}

// fixed is a figure with as many digits as mean something.
type fixed float64

func (f fixed) MarshalJSON() ([]byte, error) {
	if math.IsNaN(float64(f)) || math.IsInf(float64(f), 0) {
		return []byte("null"), nil
	}
	return fmt.Appendf(nil, "%.5g", float64(f)), nil
}

func (i interval) MarshalJSON() ([]byte, error) {
	return json.Marshal(map[string]fixed{"low": fixed(i.Low), "high": fixed(i.High)})
}

// rows turns results into rows.
func rows(results []result) []row {
	var out []row
	for i := range results {
		r := &results[i]
		for m, met := range r.experiment.metrics {
			if r.skipped == "" && r.err == nil {
				out = append(out, newRow(r.experiment.name, met, r.series[m]))
			}
		}
	}
	return out
}

func newRow(name string, m metric, s series) row {
	r := row{Experiment: name, Metric: m.name, Unit: m.unit, Samples: len(s),
		Median: map[string]fixed{}, P90: map[string]fixed{}, Added: map[string]added{}}
	for v, variant := range variantNames {
		r.Median[variant] = fixed(median(s.column(v)))
		r.P90[variant] = fixed(quantile(s.column(v), 0.9))
		if v != plain {
			r.Added[variant] = added{
				Median:   fixed(medianAdded(v)(s)),
				Interval: bootstrap(s, medianAdded(v)),
				Ratio:    r.Median[variant] / r.Median[variantNames[plain]],
			}
		}
	}
	for _, l := range m.limits {
		v, excess := judge(s, l.excess)
		r.Limits = append(r.Limits, verdict{l.text, v, excess})
	}
	return r
}

// printTable writes the rows for people.
func printTable(w io.Writer, all []row) error {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(t, "experiment\tmetric\tn\tplain\tp90\tempty\tthimble\tp90\tratio\tempty adds\tthimble adds\t95 %\tlimit")
	for _, r := range all {
		e, th := r.Added[variantNames[empty]], r.Added[variantNames[thimble]]
		fmt.Fprintf(t, "%s\t%s\t%d\t%s %s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s … %s\t%s\n", r.Experiment, r.Metric, r.Samples,
			short(r.Median["plain"]), r.Unit, short(r.P90["plain"]), short(r.Median["empty"]),
			short(r.Median["thimble"]), short(r.P90["thimble"]), ratio(th.Ratio),
			signed(e.Median), signed(th.Median), signed(fixed(th.Interval.Low)), signed(fixed(th.Interval.High)),
			verdicts(r.Limits))
	}
	return t.Flush()
}

func short(f fixed) string {
	switch {
	case math.Abs(float64(f)) >= 100:
		return fmt.Sprintf("%.0f", float64(f))
	case math.Abs(float64(f)) >= 10:
		return fmt.Sprintf("%.1f", float64(f))
	}
	return fmt.Sprintf("%.3f", float64(f))
}

func ratio(f fixed) string {
	if math.IsInf(float64(f), 0) || math.IsNaN(float64(f)) {
		return "-"
	}
	return fmt.Sprintf("%.3f", float64(f))
}

func signed(f fixed) string {
	if f >= 0 {
		return "+" + short(f)
	}
	return short(f)
}

func verdicts(all []verdict) string {
	if len(all) == 0 {
		return "-"
	}
	var out []string
	for _, v := range all {
		out = append(out, v.Limit+": "+v.Verdict)
	}
	return strings.Join(out, "; ")
}

// document is what -json writes.
type document struct {
	Time    string            `json:"time"`
	Mode    string            `json:"mode"`
	Root    string            `json:"root"` // of the function: read-only as on the platforms, or writable
	Machine map[string]string `json:"machine"`
	Library string            `json:"library_sha256"`
	Policy  string            `json:"policy_sha256"`
	Skipped map[string]string `json:"skipped,omitempty"`
	Errors  []string          `json:"errors,omitempty"`
	Rows    []row             `json:"rows"`
}

func writeJSON(path string, d document) error {
	text, err := json.MarshalIndent(d, "", "  ")
	if err != nil {
		return fmt.Errorf("encode the results: %w", err)
	}
	if err := os.WriteFile(path, append(text, '\n'), 0o644); err != nil {
		return fmt.Errorf("write the results: %w", err)
	}
	return nil
}
