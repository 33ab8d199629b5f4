package policy

import (
	"fmt"
	"strings"
)

// didYouMean returns `; did you mean "x"?` for the known word nearest to what was written, or nothing when none is near.
func didYouMean(written string, known []string) string {
	best, bestCost := "", 3
	low := strings.ToLower(written)
	for _, k := range known {
		cost := distance(low, k)
		if n := commonPrefix(low, k); n > 3 && 2*n >= max(len(low), len(k)) || len(low) > 3 && n == len(low) {
			cost = min(cost, 2)
		}
		if cost < bestCost && cost < len(k) {
			best, bestCost = k, cost
		}
	}
	if best == "" {
		return ""
	}
	return fmt.Sprintf("; did you mean %q?", best)
}

func commonPrefix(a, b string) (n int) {
	for n < len(a) && n < len(b) && a[n] == b[n] {
		n++
	}
	return n
}

// distance counts the insertions, deletions, replacements and swaps of neighbours that turn a into b; '_' and '-' are
// the same letter, because people mix them up.
func distance(a, b string) int {
	a, b = strings.ReplaceAll(a, "-", "_"), strings.ReplaceAll(b, "-", "_")
	if len(a) > 64 {
		return len(a)
	}
	before, last, row := make([]int, len(b)+1), make([]int, len(b)+1), make([]int, len(b)+1)
	for j := range last {
		last[j] = j
	}
	for i := 1; i <= len(a); i++ {
		row[0] = i
		for j := 1; j <= len(b); j++ {
			row[j] = min(last[j]+1, row[j-1]+1, last[j-1]+differ(a[i-1], b[j-1]))
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				row[j] = min(row[j], before[j-2]+1)
			}
		}
		before, last, row = last, row, before
	}
	return last[len(b)]
}

func differ(a, b byte) int {
	if a == b {
		return 0
	}
	return 1
}

// list writes names as a person would: a, b or c.
func list(names []string, last string) string {
	if len(names) < 2 {
		return strings.Join(names, "")
	}
	return strings.Join(names[:len(names)-1], ", ") + " " + last + " " + names[len(names)-1]
}
