package policy

import (
	"strings"
	"testing"
)

func TestClassesHoldNoMetacharacter(t *testing.T) {
	cases := []struct {
		class     Class
		forbidden string
	}{
		{ClassWord, shellMeta + " \t\r\n\x00\x7f\x80\xff"},
		{ClassWordFirst, "-" + shellMeta + " \n\x00"},
		{ClassDQ, "\"$`\\\n\r\x00\x1b\x7f"},
		{ClassDQFirst, "-\"$`\\\n\x00"},
		{ClassSQ, "'\n\x00"},
		{ClassSQFirst, "-'\n\x00"},
		{ClassArg, "\x00"},
		{ClassArgFirst, "-\x00"},
		{ClassInt, "-+.a \n\x00"},
		{ClassName, "/ \n\x00$"},
		{ClassNameFirst, "-./ \n\x00$"},
		{ClassPath, shellMeta + " \n\x00"},
		{ClassPathFirst, "-" + shellMeta + " \n\x00"},
		{ClassURL, "|&;<>()$`\\\"'*[]~{}!^ \n\x00\x80"},
		{ClassURLDQ, "\"$`\\ \n\x00\x80"},
		{ClassURLSQ, "' \n\x00\x80"},
		{ClassAny, "\x00"},
	}
	for _, c := range cases {
		for i := range len(c.forbidden) {
			if c.class.Has(c.forbidden[i]) {
				t.Errorf("class %v holds %q", c.class, c.forbidden[i])
			}
		}
	}
}

func TestClassesHoldOrdinaryText(t *testing.T) {
	cases := []struct {
		class   Class
		allowed string
	}{
		{ClassWord, alnum + "-_./:=%+,@"},
		{ClassDQ, alnum + " \t-'();&|<>*?\x80\xff"},
		{ClassSQ, alnum + " \t-\"$`\\\x80\xff"},
		{ClassArg, alnum + " \t\n-'\"\xff"},
		{ClassURL, alnum + "-_./:=%+,@?#"},
		{ClassURLDQ, alnum + "?#&;()'"},
		{ClassURLSQ, alnum + "?#&;()$"},
		{ClassAny, "-\n\xff"},
	}
	for _, c := range cases {
		for i := range len(c.allowed) {
			if !c.class.Has(c.allowed[i]) {
				t.Errorf("class %v does not hold %q", c.class, c.allowed[i])
			}
		}
	}
}

func TestClassNamesAreDistinct(t *testing.T) {
	seen := map[string]Class{}
	for c := range NumClasses {
		if other, ok := seen[c.String()]; ok || strings.TrimSpace(c.String()) == "" {
			t.Errorf("classes %d and %d are both called %q", c, other, c)
		}
		seen[c.String()] = c
	}
}
