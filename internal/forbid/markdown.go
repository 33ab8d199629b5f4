package forbid

import (
	"fmt"
	"strings"
)

// Markdown writes the tables of docs/curated-sets.md; a test keeps the file equal to them.
func Markdown() string {
	var b strings.Builder
	for _, name := range names {
		set, _ := Lookup(name)
		fmt.Fprintf(&b, "\n## %s\n\n%s: %s.\n\n", name, set.Title, set.counts())
		b.WriteString("| entry | names | digests | signatures | known from |\n|---|---|---|---|---|\n")
		for _, e := range set.Entries {
			fmt.Fprintf(&b, "| %s | %s | %s | %s | %s |\n", e.ID, code(e.Names), count(len(e.SHA256)),
				count(len(e.Signatures)), e.Source)
		}
	}
	return b.String()
}

func (s Set) counts() string {
	var names, digests, signatures int
	for _, e := range s.Entries {
		names += len(e.Names)
		digests += len(e.SHA256)
		signatures += len(e.Signatures)
	}
	return fmt.Sprintf("%d entries with %d names, %d digests, %d content signatures", len(s.Entries), names, digests,
		signatures)
}

func code(globs []string) string {
	quoted := make([]string, len(globs))
	for i, g := range globs {
		quoted[i] = "`" + g + "`"
	}
	return strings.Join(quoted, " ")
}

func count(n int) string {
	if n == 0 {
		return ""
	}
	return fmt.Sprint(n)
}
