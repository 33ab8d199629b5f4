package abi

import "encoding/hex"

// Blob is what a policy blob says, in a form that prints well: encoding/json shows all of it.
type Blob struct {
	FailClosed bool
	Sets       []string // names of the curated sets
	Groups     []Group
	Policies   []Policy
}

// Hex is a digest that prints in hexadecimal.
type Hex [32]byte

// MarshalText writes the digest in hexadecimal.
func (h Hex) MarshalText() ([]byte, error) {
	return []byte(hex.EncodeToString(h[:])), nil
}

// Flags are the small facts of a policy, in the order of the blob; internal/policy has their meaning.
type Flags struct {
	ExecMode, Children, ForbidMode, TmpMode             uint8
	TmpDenyExec, TmpDenyLoad, TmpWrite, MemoryMode      uint8
	CredMode, CredChildren, DenyEnviron, Kill           uint8
	Announce, FailClosed, Pending, NeedDigest, NeedScan uint8
	HasEnvKeep, Seal, UseDecoys                         uint8
}

// Policy is one policy.
type Policy struct {
	Flags
	Digest Hex
	Name   string
	Match  []string
	Allow  []Allow
	Names  Names
	SHA256 []Hex
	Group  uint32
}

// Names is a table of base names, see wireNames.
type Names struct {
	First    [4]uint64
	Literals []Name
	Globs    []Name
}

// Name is one literal or glob and its rank: a position in the policy's list.
type Name struct {
	Text string
	Rank uint16
}

// Group is what the curated sets that a policy selects forbid; ranks are positions in Sets.
type Group struct {
	Sets       []uint16
	Names      Names
	Digests    []Digest
	Patterns   []string
	Signatures []Signature
	Grams      []Gram
	Filter     []uint64
	Stride     uint32
	MaxPattern uint32
}

// Digest is a forbidden digest of a curated set.
type Digest struct {
	SHA256 Hex
	Rank   uint32
}

// Signature matches a file that holds all of these patterns of the group.
type Signature struct {
	Patterns []uint16
	Rank     uint32
}

// Gram says where four bytes occur in a pattern.
type Gram struct {
	Gram    uint32
	Pattern uint16
	Offset  uint8
}

// GramHash is the bit of the filter that stands for the gram.
func GramHash(gram uint32) uint32 {
	return gram * hashFactor >> (32 - FilterBits)
}

// Allow is one entry of exec.allow.
type Allow struct {
	Path        string
	From        []string
	Args        []ArgList
	SHA256      Hex
	HasSHA256   bool
	AnyFrom     bool
	AnyArgs     bool
	Credentials uint8
}

// ArgList is one accepted argv[1:]; Rest is the index of the repeated element or NoRest.
type ArgList struct {
	Args []Arg
	Rest uint32
}

// Arg is one compiled template.
type Arg struct {
	Prefix string
	Suffix string
	Atoms  []Atom
}

// Atom is one byte or class, quantified.
type Atom struct {
	Class, Byte, Quant uint8
}

// Checksum returns the checksum of a blob, as the header's comment defines it.
func Checksum(blob []byte) uint64 {
	h := uint64(0xcbf29ce484222325)
	for i := 0; i+8 <= len(blob); i += 8 {
		if i != checksumOffset {
			h = (h ^ le.Uint64(blob[i:])) * 0x100000001b3
		}
	}
	return h ^ h>>32
}
