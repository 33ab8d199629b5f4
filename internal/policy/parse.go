package policy

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"regexp"
	"sort"
	"strconv"
	"strings"
	"unicode/utf8"

	"go.yaml.in/yaml/v3"
)

// The limits on one policy file, far above what any function needs.
const (
	maxFile  = 1 << 20
	maxDepth = 32
)

// Problem is one finding about a policy file.
type Problem struct {
	File    string `json:"file"`
	Line    int    `json:"line"`
	Column  int    `json:"column"`
	Message string `json:"message"`
}

func (p Problem) Error() string {
	return fmt.Sprintf("%s:%d:%d: %s", p.File, p.Line, p.Column, p.Message)
}

// Problems are all the findings about some policy files; as an error, one a line.
type Problems []Problem

func (ps Problems) Error() string {
	lines := make([]string, len(ps))
	for i, p := range ps {
		lines[i] = p.Error()
	}
	return strings.Join(lines, "\n")
}

// Document is one policy together with where it was read.
type Document struct {
	Policy *Policy
	File   string
	Line   int       // where the document starts
	Notes  []Problem // what is legal but probably not meant

	at map[string]position // of every key that was given, by its path, e.g. "exec.allow[0].path"
}

type position struct{ line, col int }

// Parse reads every policy of one YAML file; name is what errors call the file. When anything is wrong it returns no
// document and Problems with everything that is.
func Parse(name string, data []byte) ([]Document, error) {
	docs, problems := parseFile(name, data)
	problems = append(problems, conflicts(docs)...)
	if len(problems) > 0 {
		return nil, sorted(problems)
	}
	return docs, nil
}

// sorted orders problems by place; those of one file stay together, in the order in which the files were given.
func sorted(ps Problems) Problems {
	order := map[string]int{}
	for _, p := range ps {
		if _, seen := order[p.File]; !seen {
			order[p.File] = len(order)
		}
	}
	sort.SliceStable(ps, func(i, j int) bool {
		a, b := ps[i], ps[j]
		if a.File != b.File {
			return order[a.File] < order[b.File]
		}
		return a.Line < b.Line || a.Line == b.Line && a.Column < b.Column
	})
	return ps
}

// parseFile returns the documents that are without fault, and the faults of the others.
func parseFile(name string, data []byte) (docs []Document, problems Problems) {
	data = bytes.TrimPrefix(data, []byte("\xef\xbb\xbf"))
	if p := checkBytes(name, data); p != nil {
		return nil, Problems{*p}
	}
	lines := strings.Split(string(data), "\n")
	nodes, problem := documents(name, data)
	if problem != nil {
		problems = append(problems, *problem)
	}
	for _, node := range nodes {
		r := &reader{file: name, lines: lines, at: map[string]position{}}
		p := r.document(node)
		if len(r.problems) > 0 {
			problems = append(problems, r.problems...)
			continue
		}
		docs = append(docs, Document{Policy: p, File: name, Line: node.Line, Notes: r.notes, at: r.at})
	}
	if len(nodes) == 0 && len(problems) == 0 {
		problems = append(problems, Problem{name, 1, 1, "is empty: a policy needs at least \"version: 1\""})
	}
	return docs, problems
}

// checkBytes refuses what no YAML parser should see.
func checkBytes(name string, data []byte) *Problem {
	if len(data) > maxFile {
		return &Problem{name, 1, 1, fmt.Sprintf("is larger than %d bytes, the limit for a policy file", maxFile)}
	}
	bad, what := bytes.IndexByte(data, 0), "a NUL byte: a policy is text"
	if bad < 0 && !utf8.Valid(data) {
		bad, what = firstInvalid(data), "invalid UTF-8: save the file as UTF-8"
	}
	if bad < 0 {
		return nil
	}
	before := data[:bad]
	col := bad - bytes.LastIndexByte(before, '\n')
	return &Problem{name, 1 + bytes.Count(before, []byte("\n")), col, "has " + what}
}

func firstInvalid(data []byte) int {
	for i := 0; i < len(data); {
		r, n := utf8.DecodeRune(data[i:])
		if r == utf8.RuneError && n == 1 {
			return i
		}
		i += n
	}
	return -1
}

// documents splits a file into YAML documents; those before a syntax error are returned with it.
func documents(name string, data []byte) (nodes []*yaml.Node, problem *Problem) {
	dec := yaml.NewDecoder(bytes.NewReader(data))
	for {
		var doc yaml.Node
		err := dec.Decode(&doc)
		if errors.Is(err, io.EOF) {
			return nodes, nil
		}
		if err != nil {
			return nodes, syntaxProblem(name, err)
		}
		nodes = append(nodes, doc.Content[0])
	}
}

var yamlLine = regexp.MustCompile(`^yaml: (?:line (\d+): )?`)

// syntaxProblem takes the line out of the YAML parser's message; it knows no column.
func syntaxProblem(name string, err error) *Problem {
	line, msg := 1, err.Error()
	if m := yamlLine.FindStringSubmatch(msg); m != nil {
		if n, err := strconv.Atoi(m[1]); err == nil {
			line = n
		}
		msg = msg[len(m[0]):]
	}
	hint := ""
	if strings.Contains(msg, "mapping values are not allowed") || strings.Contains(msg, "flow") {
		hint = "; quote values that hold ':', '{', '}' or '#'"
	}
	return &Problem{name, line, 1, "is not YAML: " + msg + hint}
}

// reader turns one document's nodes into a Policy and collects what is wrong with them.
type reader struct {
	file     string
	lines    []string // the file, to find places inside a scalar
	at       map[string]position
	problems []Problem
	notes    []Problem
}

func (r *reader) failAt(p position, format string, a ...any) {
	r.problems = append(r.problems, Problem{r.file, p.line, p.col, fmt.Sprintf(format, a...)})
}

func (r *reader) fail(n *yaml.Node, format string, a ...any) {
	r.failAt(position{n.Line, n.Column}, format, a...)
}

func (r *reader) document(n *yaml.Node) *Policy {
	p := Default()
	p.Name = ""
	if bad := unsupported(n, 0); bad != nil {
		r.fail(bad, "%s", unsupportedReason(bad))
		return nil
	}
	r.at[""] = position{n.Line, n.Column}
	if n.Kind != yaml.MappingNode {
		r.fail(n, "want a policy, got %s: a policy needs at least \"version: 1\"", describe(n))
		return nil
	}
	object(policyKeys(p)).read(r, "", n)
	if r.at["version"] == (position{}) {
		r.fail(n, "version is missing: begin the policy with \"version: 1\"")
	}
	r.validate(p)
	return p
}

// unsupported finds the first node that a policy may not hold: an alias, a tag of one's own, or nesting beyond reason.
// Without aliases a file means what it says where it says it, and no file can expand into more than it is.
func unsupported(n *yaml.Node, depth int) *yaml.Node {
	if depth > maxDepth || n.Kind == yaml.AliasNode || n.Anchor != "" || strings.HasPrefix(n.Tag, "!") && !strings.HasPrefix(n.Tag, "!!") {
		return n
	}
	for _, c := range n.Content {
		if bad := unsupported(c, depth+1); bad != nil {
			return bad
		}
	}
	return nil
}

func unsupportedReason(n *yaml.Node) string {
	switch {
	case n.Kind == yaml.AliasNode:
		return fmt.Sprintf("aliases are not supported: write the value of *%s out", n.Value)
	case n.Anchor != "":
		return fmt.Sprintf("anchors are not supported: remove &%s", n.Anchor)
	case strings.HasPrefix(n.Tag, "!") && !strings.HasPrefix(n.Tag, "!!"):
		return fmt.Sprintf("the tag %s is not supported", n.Tag)
	}
	return fmt.Sprintf("is nested more than %d levels deep", maxDepth)
}

// describe names what a node is, for messages that say what was wanted instead.
func describe(n *yaml.Node) string {
	switch {
	case n.Kind == yaml.MappingNode:
		return "a mapping"
	case n.Kind == yaml.SequenceNode:
		return "a list"
	case n.Tag == "!!null":
		return "nothing"
	case n.Tag == "!!bool":
		return "the boolean " + n.Value
	case n.Tag == "!!int" || n.Tag == "!!float":
		return "the number " + shorten(n.Value)
	}
	return strconv.Quote(shorten(n.Value))
}

func shorten(s string) string {
	if len(s) <= 60 {
		return s
	}
	cut := 57
	for cut > 0 && !utf8.RuneStart(s[cut]) {
		cut--
	}
	return s[:cut] + "..."
}

// inside returns the place of the byte at off of a scalar's value; the scalar's own place when the value spans lines.
func (r *reader) inside(n *yaml.Node, off int) position {
	at := position{n.Line, n.Column}
	if n.Line < 1 || n.Line > len(r.lines) {
		return at
	}
	src := []rune(r.lines[n.Line-1])
	if n.Column-1 > len(src) {
		return at
	}
	cols, ok := columns(string(src[n.Column-1:]), n, off)
	if !ok {
		return at
	}
	return position{n.Line, n.Column + cols}
}

// columns counts the characters of src, where the scalar n begins, that come before the byte at off of n's value.
func columns(src string, n *yaml.Node, off int) (int, bool) {
	switch n.Style {
	case 0:
		return utf8.RuneCountInString(n.Value[:off]), strings.HasPrefix(src, n.Value)
	case yaml.SingleQuotedStyle:
		return quotedColumns(src, off, '\'')
	case yaml.DoubleQuotedStyle:
		return quotedColumns(src, off, '\\')
	}
	return 0, false
}

// quotedColumns walks a quoted scalar, in which esc begins an escape, until off bytes of its value have been seen.
func quotedColumns(src string, off int, esc byte) (int, bool) {
	i := 1
	for range off {
		if i+1 < len(src) && src[i] == esc {
			if esc == '\\' && strings.IndexByte("xuU", src[i+1]) >= 0 {
				return 0, false // rare, and as long in the value as nobody knows without decoding it
			}
			i++
		}
		i++
	}
	if i > len(src) {
		return 0, false
	}
	return utf8.RuneCountInString(src[:i]), true
}
