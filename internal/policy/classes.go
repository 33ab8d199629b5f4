package policy

// The classes of template holes. A hole becomes atoms: usually one byte of the …First class, then Star of the plain one,
// so that an option (a leading '-') cannot be smuggled in. The numbers are part of the blob's format.
const (
	ClassWord      Class = iota + 1 // in a shell command, outside quotes
	ClassWordFirst                  // … as the first byte of a word
	ClassDQ                         // in a shell command, inside "…"
	ClassDQFirst                    // … as the first byte of a word
	ClassSQ                         // in a shell command, inside '…'
	ClassSQFirst                    // … as the first byte of a word
	ClassArg                        // in an argument of a program that is no shell
	ClassArgFirst                   // … as its first byte
	ClassInt                        // {x:int}
	ClassName                       // {x:name}
	ClassNameFirst                  // … as the first byte of a word
	ClassPath                       // {x:path}
	ClassPathFirst                  // … as the first byte of a word
	ClassURL                        // {x:url} after http(s)://, outside quotes
	ClassURLDQ                      // {x:url} inside "…"
	ClassURLSQ                      // {x:url} inside '…', and as an argument of a program that is no shell
	ClassAny                        // {x:any}
	NumClasses                      // how many there are, ClassByte included
)

var classNames = [NumClasses]string{
	"byte", "word", "wordfirst", "dq", "dqfirst", "sq", "sqfirst", "arg", "argfirst", "int",
	"name", "namefirst", "path", "pathfirst", "url", "urldq", "urlsq", "any",
}

// String returns the class's name as the documentation and abi.h write it.
func (c Class) String() string {
	if c < NumClasses {
		return classNames[c]
	}
	return "invalid"
}

// Has reports whether the class holds the byte b. ClassByte holds none: its byte is the atom's own.
func (c Class) Has(b byte) bool {
	return c < NumClasses && classTables[c][b/64]>>(b%64)&1 != 0
}

// Table returns the class as 256 bits: byte b is bit b%64 of word b/64.
func (c Class) Table() [4]uint64 {
	if c < NumClasses {
		return classTables[c]
	}
	return [4]uint64{}
}

const (
	digits = "0123456789"
	alnum  = digits + "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
	// What a shell acts upon in an unquoted word: operators, expansions, quotes, globs, braces, history, comments, tildes.
	shellMeta = "|&;<>()$`\\\"'*?[]#~{}!^"
)

var classTables = buildClasses()

func buildClasses() (t [NumClasses][4]uint64) {
	word := without(span('!', '~'), shellMeta)
	dq := without(span(0x20, 0xff), "\"$`\\\x7f")
	dq = unionOf(dq, bytesOf("\t"))
	sq := without(span(1, 0xff), "'\n")
	arg := span(1, 0xff)
	name, path := bytesOf(alnum+"._-"), bytesOf(alnum+"._/+,:@=%-")

	t[ClassWord], t[ClassWordFirst] = word, without(word, "-")
	t[ClassDQ], t[ClassDQFirst] = dq, without(dq, "-")
	t[ClassSQ], t[ClassSQFirst] = sq, without(sq, "-")
	t[ClassArg], t[ClassArgFirst] = arg, without(arg, "-")
	t[ClassInt] = bytesOf(digits)
	t[ClassName], t[ClassNameFirst] = name, without(name, "-.")
	t[ClassPath], t[ClassPathFirst] = path, without(path, "-")
	t[ClassURL] = unionOf(word, bytesOf("?#"))
	t[ClassURLDQ] = without(span('!', '~'), "\"$`\\")
	t[ClassURLSQ] = without(span('!', '~'), "'")
	t[ClassAny] = arg
	return t
}

func span(lo, hi int) (t [4]uint64) {
	for b := lo; b <= hi; b++ {
		t[b/64] |= 1 << (b % 64)
	}
	return t
}

func bytesOf(bytes string) (t [4]uint64) {
	for i := range len(bytes) {
		t[bytes[i]/64] |= 1 << (bytes[i] % 64)
	}
	return t
}

func unionOf(a, b [4]uint64) [4]uint64 {
	for i := range a {
		a[i] |= b[i]
	}
	return a
}

func without(a [4]uint64, bytes string) [4]uint64 {
	b := bytesOf(bytes)
	for i := range a {
		a[i] &^= b[i]
	}
	return a
}
