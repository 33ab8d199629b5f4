package main

import (
	"bytes"
	"fmt"
	"io"
	"strings"

	"thimble/internal/doctor"
)

// The table's columns: answer, probe, and the text that is wrapped within what remains of a terminal of usual width.
const (
	doctorAnswer = 9
	doctorProbe  = 21
	doctorWidth  = 110
)

// printDoctorTable prints each probe with what follows from it, and then the conclusions in plain words.
func printDoctorTable(w io.Writer, r doctor.Report) error {
	var b bytes.Buffer
	for _, p := range r.Probes {
		printProbe(&b, p)
	}
	b.WriteByte('\n')
	seal := fmt.Sprintf("Seal (kernel tier): possible: %s, enforced: no. %s", r.Seal.Possible, r.Seal.Means)
	for _, line := range append(wrap(doctorVerdict(r), doctorWidth), wrap(seal, doctorWidth)...) {
		fmt.Fprintln(&b, line)
	}
	printItems(&b, "Not covered:", r.Uncovered)
	printItems(&b, "In the policy language, but not enforced yet:", r.NotEnforced)
	_, err := w.Write(b.Bytes())
	return err
}

func doctorVerdict(r doctor.Report) string {
	if !r.Runs {
		return "Active tier: none. The enforcer cannot run here: " + r.Why
	}
	return "Active tier: " + r.Tier + ". The enforcer runs in every dynamic program of the function."
}

func printProbe(b *bytes.Buffer, p doctor.Result) {
	seen := strings.Trim(strings.Join([]string{p.Errno, p.Detail}, ", "), ", ")
	if seen != "" {
		seen = " [" + seen + "]"
	}
	indent := strings.Repeat(" ", doctorAnswer+doctorProbe)
	lines := wrap(p.Asks+seen, doctorWidth-len(indent))
	fmt.Fprintf(b, "%-*s%-*s%s\n", doctorAnswer, p.Answer, doctorProbe, p.ID, lines[0])
	for _, line := range append(lines[1:], wrap(p.Means, doctorWidth-len(indent)-2)...) {
		fmt.Fprintf(b, "%s  %s\n", indent, line)
	}
}

func printItems(b *bytes.Buffer, title string, items []doctor.Item) {
	if len(items) == 0 {
		return
	}
	fmt.Fprintf(b, "\n%s\n", title)
	for _, item := range items {
		for i, line := range wrap(item.Text, doctorWidth-4) {
			lead := "    "
			if i == 0 {
				lead = "  - "
			}
			fmt.Fprintf(b, "%s%s\n", lead, line)
		}
	}
}

// wrap breaks text at spaces into lines of at most width bytes, longer words excepted. There is always one line.
func wrap(text string, width int) []string {
	lines := []string{""}
	for _, word := range strings.Fields(text) {
		last := &lines[len(lines)-1]
		switch {
		case *last == "":
			*last = word
		case len(*last)+1+len(word) > width:
			lines = append(lines, word)
		default:
			*last += " " + word
		}
	}
	return lines
}
