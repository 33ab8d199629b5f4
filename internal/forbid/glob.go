package forbid

// MatchName says whether a base name matches a glob of an entry: * stands for any bytes, ? for one, letters of ASCII are
// compared without regard to case.
func MatchName(glob, name string) bool {
	g, n := 0, 0
	star, mark := -1, 0 // where to resume after the last *, which then swallows one byte more
	for n < len(name) {
		switch {
		case g < len(glob) && glob[g] == '*':
			star, mark = g, n
			g++
		case g < len(glob) && (glob[g] == '?' || lower(glob[g]) == lower(name[n])):
			g++
			n++
		case star >= 0:
			mark++
			g, n = star+1, mark
		default:
			return false
		}
	}
	for g < len(glob) && glob[g] == '*' {
		g++
	}
	return g == len(glob)
}

func lower(b byte) byte {
	if 'A' <= b && b <= 'Z' {
		return b + 'a' - 'A'
	}
	return b
}
