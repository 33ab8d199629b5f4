package policy

import (
	"encoding/hex"

	"thimble/internal/forbid"
)

// Curated finds a curated set of package forbid, in the form in which verdicts and the compiler use it.
func Curated(name string) (Set, bool) {
	from, ok := forbid.Lookup(name)
	if !ok {
		return Set{}, false
	}
	set := Set{Name: from.Name}
	for _, e := range from.Entries {
		set.Names = append(set.Names, e.Names...)
		for _, s := range e.Signatures {
			set.Signatures = append(set.Signatures, s.All)
		}
		for _, digits := range e.SHA256 {
			if raw, err := hex.DecodeString(digits); err == nil && len(raw) == 32 {
				set.SHA256 = append(set.SHA256, [32]byte(raw))
			}
		}
	}
	return set, true
}
