package policy

import "testing"

func TestArgMatches(t *testing.T) {
	star := Atom{Class: ClassWord, Quant: Star}
	first := Atom{Class: ClassWordFirst}
	lit := func(b byte) Atom { return Atom{Byte: b} }
	cases := []struct {
		name string
		arg  Arg
		s    string
		want bool
	}{
		{"literal", Arg{Prefix: "-c"}, "-c", true},
		{"literal, more", Arg{Prefix: "-c"}, "-cx", false},
		{"empty", Arg{}, "", true},
		{"prefix and suffix must not overlap", Arg{Prefix: "ab", Suffix: "ba"}, "aba", false},
		{"hole", Arg{Prefix: "a ", Atoms: []Atom{first, star}, Suffix: " b"}, "a x-y b", true},
		{"hole, empty", Arg{Prefix: "a ", Atoms: []Atom{first, star}, Suffix: " b"}, "a  b", false},
		{"hole, option", Arg{Prefix: "a ", Atoms: []Atom{first, star}, Suffix: " b"}, "a -x b", false},
		{"hole, operator", Arg{Prefix: "a ", Atoms: []Atom{first, star}, Suffix: " b"}, "a x;y b", false},
		{"hole, two words", Arg{Prefix: "a ", Atoms: []Atom{first, star}, Suffix: " b"}, "a x y b", false},
		{"hole that has to give back", Arg{Atoms: []Atom{star, lit('b'), star}}, "abab", true},
		{"optional", Arg{Atoms: []Atom{lit('h'), {Byte: 's', Quant: Opt}, lit(':')}}, "h:", true},
		{"optional, twice", Arg{Atoms: []Atom{lit('h'), {Byte: 's', Quant: Opt}, lit(':')}}, "hss:", false},
		{"NUL", Arg{Atoms: []Atom{{Class: ClassAny, Quant: Star}}}, "a\x00b", false},
		{"any byte", Arg{Atoms: []Atom{{Class: ClassAny, Quant: Star}}}, "-\n\xff", true},
	}
	for _, c := range cases {
		if got := c.arg.Matches(c.s); got != c.want {
			t.Errorf("%s: got %v, want %v", c.name, got, c.want)
		}
	}
}

func TestArgListMatches(t *testing.T) {
	number := Arg{Atoms: []Atom{{Class: ClassInt}, {Class: ClassInt, Quant: Star}}}
	numbers := number
	numbers.Rest = true
	list := ArgList{{Prefix: "add"}, numbers, {Prefix: "--"}}
	cases := []struct {
		list ArgList
		args []string
		want bool
	}{
		{list, []string{"add", "--"}, true},
		{list, []string{"add", "1", "22", "3", "--"}, true},
		{list, []string{"add", "1", "x", "--"}, false},
		{list, []string{"add", "1"}, false},
		{list, []string{"add"}, false},
		{list, nil, false},
		{ArgList{numbers}, nil, true},
		{ArgList{}, nil, true},
		{ArgList{}, []string{""}, false},
		{ArgList{number}, []string{"1", "2"}, false},
	}
	for _, c := range cases {
		if got := c.list.Matches(c.args); got != c.want {
			t.Errorf("%q: got %v, want %v", c.args, got, c.want)
		}
	}
}

func TestMatchGlob(t *testing.T) {
	cases := []struct {
		pattern, s string
		want       bool
	}{
		{"", "", true}, {"", "a", false}, {"*", "", true}, {"*", "abc", true}, {"?", "", false}, {"?", "a", true},
		{"a*c", "abbc", true}, {"a*c", "abcd", false}, {"*a*b*", "xaxbx", true}, {"*a*b*", "xbxax", false},
		{"a**b", "ab", true}, {"[a]", "a", false}, {"a?c", "abc", true}, {"A", "a", false},
	}
	for _, c := range cases {
		if got := matchGlob(c.pattern, c.s); got != c.want {
			t.Errorf("%q on %q: got %v, want %v", c.pattern, c.s, got, c.want)
		}
	}
	if !matchName("XMRig*", "xmRIG-1") {
		t.Error("names are compared with regard to case")
	}
}
