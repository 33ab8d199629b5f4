// Package abi is the byte layout of the policy blob: the file that the compiler writes and the enforcer maps.
//
// A blob is little-endian. Every reference is an offset from its start and a count; every table is aligned to 8 bytes
// and every string is followed by a NUL, so that C lays its structs over the bytes and passes strings on as they are.
// Records of one kind stand together in one table, and a reference to them is a range of that table: a check walks the
// tables, not the references, and so takes time linear in the blob's size whatever its bytes are.
// The structs of this file are the one source of the layout: [CHeader] writes enforcer/include/abi.h from them,
// [Encode] and [Decode] turn a [Blob] into bytes and back, [Check] accepts exactly the bytes that the enforcer accepts.
package abi

//go:generate go run ./gen ../../enforcer/include/abi.h

// Magic, Version and the limits of the format.
const (
	Magic       = "THMB"
	Version     = 1
	MaxSize     = 1 << 24 // bytes of a blob
	MaxAtoms    = 512     // atoms of one template
	MaxSets     = 254     // curated sets in a blob: a request names one in a byte
	MaxPatterns = 512     // distinct content patterns of one group
	MinPattern  = 4       // bytes of a content pattern
	MaxPattern  = 128
	MaxStride   = 8  // how many bytes the content scan may skip at once
	FilterBits  = 14 // the scan's filter has 1<<FilterBits bits
	NumClasses  = 18 // classes of template atoms, see policy.Class
	NumQuants   = 3  // policy.One, Opt, Star
	NoRest      = ^uint32(0)
	align       = 8

	hashFactor = 2654435761 // of the content scan's filter
)

// Parts of a policy that are read but not enforced yet, as bits of Policy.Pending.
const (
	PendingSeal = 1 << iota
	PendingDecoys
	PendingReply
	PendingNet
	PendingCredentialsDecoy
)

// Why a file's digest may be needed, as bits of Policy.NeedDigest.
const (
	NeedDigestPolicy = 1 << iota // forbid.sha256 is not empty
	NeedDigestSets               // a selected curated set lists digests
)

// wireRef is an array (offset of its first element, number of elements) or a string (offset, bytes).
type wireRef struct {
	Off uint32
	N   uint32
}

type wireHeader struct {
	Magic      [4]uint8 `c:"\"THMB\""`
	Version    uint16
	FailClosed uint8 `c:"some policy of the blob says fail: closed"`
	Pad0       uint8
	Size       uint32 `c:"bytes of the blob, a multiple of 8"`
	Pad1       uint32
	Checksum   uint64 `c:"see above"`

	Sets     wireRef `c:"names of the curated sets, a range of refs"`
	Policies wireRef `c:"of tb_policy"`
	Groups   wireRef `c:"of tb_group"`
	// The tables that the references of the records lead into, so that every element is checked once.
	Refs       wireRef    `c:"of tb_ref: strings, none empty"`
	Allows     wireRef    `c:"of tb_allow"`
	ArgLists   wireRef    `c:"of tb_arglist"`
	Args       wireRef    `c:"of tb_arg"`
	Atoms      wireRef    `c:"of tb_atom"`
	Names      wireRef    `c:"of tb_name"`
	SHA256     wireRef    `c:"of uint8_t[32]"`
	Digests    wireRef    `c:"of tb_digest"`
	Signatures wireRef    `c:"of tb_signature"`
	Grams      wireRef    `c:"of tb_gram"`
	Indexes    wireRef    `c:"of uint16_t"`
	Filters    wireRef    `c:"of uint64_t"`
	Reserved   [2]wireRef `c:"zero"`
}

// wirePolicy holds small facts as plain bytes, so that the enforcer reads them without decoding.
type wirePolicy struct {
	ExecMode    uint8 `c:"enum tb_mode"`
	Children    uint8 `c:"enum tb_children"`
	ForbidMode  uint8 `c:"enum tb_mode"`
	TmpMode     uint8 `c:"enum tb_mode"`
	TmpDenyExec uint8
	TmpDenyLoad uint8
	TmpWrite    uint8 `c:"enum tb_write"`
	MemoryMode  uint8 `c:"enum tb_mode"`

	CredMode     uint8 `c:"enum tb_mode"`
	CredChildren uint8 `c:"enum tb_child_credentials, never inherit"`
	DenyEnviron  uint8 `c:"reading /proc/<pid>/environ is a violation"`
	Kill         uint8 `c:"on_violation: kill"`
	Announce     uint8 `c:"write a started event"`
	FailClosed   uint8
	Pending      uint8 `c:"TB_PENDING_*: read, but not enforced yet"`
	NeedDigest   uint8 `c:"TB_NEED_DIGEST_*: forbid lists digests"`

	NeedScan   uint8 `c:"a selected curated set has content signatures"`
	HasEnvKeep uint8 `c:"some allow entry says credentials: keep"`
	Seal       uint8 `c:"0 off, 1 auto, 2 required"`
	UseDecoys  uint8
	Pad        [4]uint8

	Digest [32]uint8 `c:"SHA-256 of the policy, the same in every blob that holds it"`
	Name   wireRef   `c:"string"`
	Match  wireRef   `c:"of tb_ref: globs over function names; none: the default policy"`
	Allow  wireRef   `c:"of tb_allow"`
	Names  wireNames `c:"forbid.names; rank is the index in the policy"`
	SHA256 wireRef   `c:"of uint8_t[32], in the policy's order"`
	Group  uint32    `c:"index of the tb_group of the selected sets"`
	Pad1   uint32
	Net    wireRef    `c:"reserved, zero"`
	Decoys wireRef    `c:"reserved, zero"`
	Reply  wireRef    `c:"reserved, zero"`
	SealTo wireRef    `c:"reserved, zero"`
	Spare  [2]wireRef `c:"reserved, zero"`
}

// wireNames finds a base name: by binary search among the literals, one by one among the globs. Names are lower case.
type wireNames struct {
	First    [4]uint64 `c:"bit b: some name may begin with byte b"`
	Literals wireRef   `c:"of tb_name, sorted by bytes, each once"`
	Globs    wireRef   `c:"of tb_name, sorted by rank"`
}

type wireName struct {
	Off  uint32
	Len  uint16
	Rank uint16 `c:"the lowest rank of all that match decides"`
}

// wireGroup is a combination of curated sets that some policy selects; ranks are positions in Sets.
type wireGroup struct {
	Sets       wireRef `c:"of uint16_t: index into the header's sets, in the policy's order"`
	Names      wireNames
	Digests    wireRef `c:"of tb_digest, sorted by digest, each once"`
	Patterns   wireRef `c:"of tb_ref: byte strings of the content signatures"`
	Signatures wireRef `c:"of tb_signature, sorted by rank"`
	Grams      wireRef `c:"of tb_gram, sorted: where a pattern's first bytes lead"`
	Filter     wireRef `c:"of uint64_t: bit tb_gram_hash(g) is set for every gram g"`
	Stride     uint32  `c:"the scan looks at every stride-th position"`
	MaxPattern uint32  `c:"bytes of the longest pattern"`
}

type wireDigest struct {
	SHA256 [32]uint8
	Rank   uint32
	Pad    uint32
}

type wireSignature struct {
	Patterns wireRef `c:"of uint16_t: all of these occur in the file"`
	Rank     uint32
	Pad      uint32
}

type wireGram struct {
	Gram    uint32 `c:"4 bytes, little-endian"`
	Pattern uint16
	Offset  uint8 `c:"of the gram in the pattern"`
	Pad     uint8
}

type wireAllow struct {
	Path        wireRef   `c:"string"`
	From        wireRef   `c:"of tb_ref: strings"`
	Args        wireRef   `c:"of tb_arglist"`
	SHA256      [32]uint8 `c:"valid when has_sha256"`
	HasSHA256   uint8
	AnyFrom     uint8 `c:"any caller"`
	AnyArgs     uint8 `c:"any arguments"`
	Credentials uint8 `c:"enum tb_child_credentials"`
	Pad         uint32
}

type wireArgList struct {
	Args wireRef `c:"of tb_arg"`
	Rest uint32  `c:"index of the argument that stands for zero or more, TB_NO_REST: none"`
	Pad  uint32
}

type wireArg struct {
	Prefix wireRef `c:"string"`
	Suffix wireRef `c:"string"`
	Atoms  wireRef `c:"of tb_atom"`
}

type wireAtom struct {
	Class uint8 `c:"TB_CLASS_*"`
	Byte  uint8 `c:"for TB_CLASS_BYTE"`
	Quant uint8 `c:"enum tb_quant"`
	Pad   uint8
}
