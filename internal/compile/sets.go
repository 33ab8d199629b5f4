package compile

import (
	"bytes"
	"cmp"
	"encoding/binary"
	"fmt"
	"math"
	"slices"
	"strings"

	"thimble/internal/abi"
)

// group returns the index of the group for this combination of sets, which policies share.
func (c *compiler) group(selected []string) (uint32, error) {
	key := strings.Join(selected, "\x00")
	if i, ok := c.groups[key]; ok {
		return i, nil
	}
	g, err := c.newGroup(selected)
	if err != nil {
		return 0, err
	}
	c.groups[key] = uint32(len(c.blob.Groups))
	c.blob.Groups = append(c.blob.Groups, *g)
	return c.groups[key], nil
}

func (c *compiler) newGroup(selected []string) (*abi.Group, error) {
	g := &abi.Group{}
	var names [][]string
	for rank, name := range selected {
		set, ok := c.lookup(name)
		if !ok {
			return nil, fmt.Errorf("forbid.sets: there is no curated set called %q", name)
		}
		index, err := c.setIndex(set.Name)
		if err != nil {
			return nil, err
		}
		g.Sets = append(g.Sets, index)
		names = append(names, set.Names)
		for _, digest := range set.SHA256 {
			g.Digests = append(g.Digests, abi.Digest{SHA256: digest, Rank: uint32(rank)})
		}
		if err := addSignatures(g, set, uint32(rank)); err != nil {
			return nil, fmt.Errorf("curated set %q: %w", name, err)
		}
	}
	g.Digests = sortDigests(g.Digests)
	indexPatterns(g)
	var err error
	g.Names, err = newNames(names, func(set, _ int) int { return set })
	return g, err
}

func (c *compiler) setIndex(name string) (uint16, error) {
	i := slices.Index(c.blob.Sets, name)
	if i < 0 {
		i = len(c.blob.Sets)
		c.blob.Sets = append(c.blob.Sets, name)
	}
	return uint16(i), tooMany("curated sets", len(c.blob.Sets), abi.MaxSets)
}

// newNames sorts names into a table. Of a name that occurs twice the lowest rank counts.
func newNames(lists [][]string, rank func(list, i int) int) (abi.Names, error) {
	var t abi.Names
	for l, list := range lists {
		for i, text := range list {
			if text == "" || len(text) > math.MaxUint16 || rank(l, i) > math.MaxUint16 {
				return t, fmt.Errorf("name %d is empty or too long, or there are more than %d", i, math.MaxUint16)
			}
			name := abi.Name{Text: lower(text), Rank: uint16(rank(l, i))}
			if strings.ContainsAny(text, "*?") {
				t.Globs = append(t.Globs, name)
			} else {
				t.Literals = append(t.Literals, name)
			}
			markFirst(&t.First, name.Text[0])
		}
	}
	slices.SortStableFunc(t.Literals, func(a, b abi.Name) int {
		return cmp.Or(strings.Compare(a.Text, b.Text), cmp.Compare(a.Rank, b.Rank))
	})
	t.Literals = slices.CompactFunc(t.Literals, func(a, b abi.Name) bool { return a.Text == b.Text })
	slices.SortStableFunc(t.Globs, func(a, b abi.Name) int { return cmp.Compare(a.Rank, b.Rank) })
	return t, nil
}

// markFirst notes that names beginning with b (a wildcard: any byte) have to be looked up.
func markFirst(first *[4]uint64, b byte) {
	if b == '*' || b == '?' {
		*first = [4]uint64{math.MaxUint64, math.MaxUint64, math.MaxUint64, math.MaxUint64}
		return
	}
	first[b/64] |= 1 << (b % 64)
}

func lower(s string) string {
	b := []byte(s)
	for i, c := range b {
		if 'A' <= c && c <= 'Z' {
			b[i] = c + 'a' - 'A'
		}
	}
	return string(b)
}

func sortDigests(list []abi.Digest) []abi.Digest {
	slices.SortStableFunc(list, func(a, b abi.Digest) int {
		return cmp.Or(bytes.Compare(a.SHA256[:], b.SHA256[:]), cmp.Compare(a.Rank, b.Rank))
	})
	return slices.CompactFunc(list, func(a, b abi.Digest) bool { return a.SHA256 == b.SHA256 })
}

func addSignatures(g *abi.Group, set Set, rank uint32) error {
	for i, signature := range set.Signatures {
		if len(signature) == 0 {
			return fmt.Errorf("signature %d is empty, it would match every file", i)
		}
		s := abi.Signature{Rank: rank}
		for _, pattern := range signature {
			if len(pattern) < abi.MinPattern || len(pattern) > abi.MaxPattern {
				return fmt.Errorf("signature %d: %q has %d bytes; want %d to %d", i, pattern, len(pattern),
					abi.MinPattern, abi.MaxPattern)
			}
			s.Patterns = append(s.Patterns, patternIndex(g, pattern))
		}
		g.Signatures = append(g.Signatures, s)
	}
	return tooMany("content patterns", len(g.Patterns), abi.MaxPatterns)
}

func patternIndex(g *abi.Group, pattern string) uint16 {
	i := slices.Index(g.Patterns, pattern)
	if i < 0 {
		i = len(g.Patterns)
		g.Patterns = append(g.Patterns, pattern)
	}
	return uint16(i)
}

// indexPatterns prepares the content scan. It looks at four bytes at every stride-th position of the file; wherever a
// pattern begins, one of its first stride grams lies at such a position, so these are the ones to recognise.
func indexPatterns(g *abi.Group) {
	if len(g.Patterns) == 0 {
		return
	}
	shortest := abi.MaxPattern
	for _, p := range g.Patterns {
		shortest = min(shortest, len(p))
		g.MaxPattern = max(g.MaxPattern, uint32(len(p)))
	}
	g.Stride = uint32(min(shortest-3, abi.MaxStride))
	g.Filter = make([]uint64, 1<<(abi.FilterBits-6))
	for i, p := range g.Patterns {
		for at := range g.Stride {
			gram := binary.LittleEndian.Uint32([]byte(p[at:]))
			g.Grams = append(g.Grams, abi.Gram{Gram: gram, Pattern: uint16(i), Offset: uint8(at)})
			hash := abi.GramHash(gram)
			g.Filter[hash/64] |= 1 << (hash % 64)
		}
	}
	slices.SortFunc(g.Grams, func(a, b abi.Gram) int {
		return cmp.Or(cmp.Compare(a.Gram, b.Gram), cmp.Compare(a.Pattern, b.Pattern), cmp.Compare(a.Offset, b.Offset))
	})
}
