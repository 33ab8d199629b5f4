package abi

// Rule is one way in which a verdict names what decided it. In Text '#' stands for the index and '$' for the name of
// the curated set with that index.
type Rule struct {
	Name string // of the C constant
	Text string
}

// Rules lists them in the order of their numbers.
var Rules = []Rule{
	{"NONE", "none"},
	{"FORBID_NAMES", "forbid.names[#]"},
	{"FORBID_SETS", "forbid.sets.$"},
	{"FORBID_SHA256", "forbid.sha256[#]"},
	{"MEMORY_MEMFD", "memory.memfd"},
	{"MEMORY_SETUID", "memory.setuid"},
	{"MEMORY_PTRACE", "memory.ptrace"},
	{"MEMORY_VM_READV", "memory.process_vm_readv"},
	{"MEMORY_VM_WRITEV", "memory.process_vm_writev"},
	{"MEMORY_PROC_MEM", "memory.proc_mem"},
	{"MEMORY_OFF", "memory.off"},
	{"TMP_EXEC", "tmp.exec"},
	{"TMP_LOAD", "tmp.load"},
	{"TMP_WRITE", "tmp.write"},
	{"TMP_OFF", "tmp.off"},
	{"EXEC_OFF", "exec.off"},
	{"EXEC_ALLOW", "exec.allow[#]"},
	{"EXEC_ALLOW_ARGS", "exec.allow[#].args"},
	{"EXEC_ALLOW_FROM", "exec.allow[#].from"},
	{"EXEC_ALLOW_SHA256", "exec.allow[#].sha256"},
	{"EXEC_INTERPRETER", "exec.interpreter"},
	{"EXEC_IMAGE", "exec.image"},
	{"EXEC_CHILDREN", "exec.children"},
	{"IMAGE", "image"},
	{"CREDENTIALS_ENVIRON", "credentials.environ"},
	{"CREDENTIALS_OFF", "credentials.off"},
	{"MEMORY_LIBC", "memory.libc"},
	{"MEMORY_LOADER", "memory.loader"},
}

// Problem is why a blob is refused: the codes of tb_blob_check.
type Problem uint8

// The problems, in the order of their numbers.
const (
	ProblemNone Problem = iota
	ProblemSize
	ProblemMagic
	ProblemVersion
	ProblemChecksum
	ProblemRange
	ProblemString
	ProblemValue
)

var problems = []struct{ name, text string }{
	{"OK", "no problem"},
	{"SIZE", "the size is not what the header says"},
	{"MAGIC", "this is no policy blob"},
	{"VERSION", "the blob has another version"},
	{"CHECKSUM", "the blob is damaged: its checksum is wrong"},
	{"RANGE", "an offset leads outside the blob"},
	{"STRING", "a string does not end inside the blob"},
	{"VALUE", "a field has a value that means nothing"},
}

// Error returns the problem in words.
func (p Problem) Error() string {
	if int(p) < len(problems) {
		return problems[p].text
	}
	return "unknown problem"
}
