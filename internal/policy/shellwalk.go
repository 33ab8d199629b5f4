package policy

import (
	"fmt"
	"path"
	"slices"
	"strings"

	"mvdan.cc/sh/v3/syntax"
)

// shellWalk visits a shell command's syntax tree, knowing at each node what it stands in.
type shellWalk struct {
	*shellCode
	p        *placing
	commands *commands
	assigned map[string]bool
	placed   map[*hole]place
	stack    []syntax.Node
}

func (w *shellWalk) visit(n syntax.Node) bool {
	if n == nil {
		w.stack = w.stack[:len(w.stack)-1]
		return true
	}
	w.stack = append(w.stack, n)
	switch n := n.(type) {
	case *syntax.CallExpr:
		w.call(n)
	case *syntax.Stmt:
		w.statement(n)
	case *syntax.BinaryCmd:
		if n.Op == syntax.Pipe || n.Op == syntax.PipeAll {
			w.pipe(n)
		}
	case *syntax.CaseClause:
		w.place(n.Word)
	case *syntax.Redirect:
		w.redirect(n)
	case *syntax.FuncDecl:
		w.refuseIn(n, "stands in a function: call the commands directly")
		for _, h := range w.template.holes() {
			w.p.refuse(h, "stands in a command that defines functions, which may use it in any way: call the commands directly")
		}
	case *syntax.Lit:
		w.leaf(n.Value)
	case *syntax.SglQuoted:
		w.leaf(n.Value)
	case *syntax.Comment:
		w.leaf(n.Text)
	}
	return true
}

// leaf refuses the holes that none of the nodes around the text has found a place for.
func (w *shellWalk) leaf(text string) {
	for _, h := range w.findHoles(text) {
		if _, ok := w.placed[h]; !ok {
			w.p.refuse(h, w.reason())
		}
	}
}

// reason says what makes the place at the top of the stack unsafe.
func (w *shellWalk) reason() string {
	for i := len(w.stack) - 1; i >= 0; i-- {
		if why := unsafe(w.stack[i]); why != "" {
			return why
		}
	}
	return "stands where no text is safe: put it in a word of its own"
}

// unsafe says why no hole can stand in a node, or nothing when one may.
func unsafe(n syntax.Node) string {
	switch n := n.(type) {
	case *syntax.CmdSubst:
		if n.Backquotes {
			return "stands inside `...`, which is a command of its own with quoting of its own: give its result as an argument instead"
		}
		return "stands inside $(...), whose output the shell expands again: run that command outside the template"
	case *syntax.ProcSubst:
		return "stands inside <(...) or >(...): use a pipe"
	case *syntax.ArithmExp, *syntax.ArithmCmd, *syntax.LetClause, *syntax.CStyleLoop:
		return "stands in arithmetic, which expands variables and array subscripts: compute the number before"
	case *syntax.ParamExp:
		return "stands in a parameter expansion; a literal ${x} is written ${{x}}"
	case *syntax.Comment:
		return "stands in a comment: remove the comment"
	case *syntax.TestClause:
		return "stands in [[ ]], which evaluates its operands: use [ ] and quotes"
	case *syntax.FuncDecl:
		return "stands in a function: call the commands directly"
	case *syntax.CaseItem:
		return "stands in a case pattern"
	case *syntax.ForClause:
		return "becomes a variable of a loop, and variables are expanded once more: put the hole where its text is used"
	case *syntax.DeclClause, *syntax.Assign, *syntax.ArrayExpr:
		return "becomes a variable, and variables are expanded once more: put the hole where its text is used"
	case *syntax.Redirect:
		return "stands in a here-document or names a file descriptor: use a pipe or a file"
	case *syntax.ExtGlob, *syntax.BraceExp:
		return "stands in a pattern"
	case *syntax.CoprocClause:
		return "stands in a coprocess"
	case *syntax.SglQuoted:
		if n.Dollar {
			return "stands inside $'...', in which a backslash can end the quote: use '...'"
		}
	case *syntax.DblQuoted:
		if n.Dollar {
			return "stands inside $\"...\", which is translated before it is used: use \"...\""
		}
	}
	return ""
}

// enclosed reports whether a node on the stack, other than the innermost, lets no hole stand in it.
func (w *shellWalk) enclosed() bool {
	for _, n := range w.stack[:len(w.stack)-1] {
		if _, loop := n.(*syntax.ForClause); loop {
			continue // its body is as good as any; its items are placed by nobody
		}
		if _, item := n.(*syntax.CaseItem); item {
			continue
		}
		if unsafe(n) != "" {
			return true
		}
	}
	return false
}

// call places the holes of a simple command.
func (w *shellWalk) call(n *syntax.CallExpr) {
	for _, a := range n.Args {
		w.place(a)
	}
	w.commands.command(w.words(n.Args))
	for _, a := range n.Assigns {
		if len(n.Args) == 0 || a.Value == nil || a.Index != nil || a.Name == nil || len(w.findHoles(a.Name.Value)) > 0 {
			continue
		}
		value := w.word(a.Value)
		if loaderVariable(a.Name.Value) {
			w.commands.refuseWords(fmt.Sprintf("sets %s, with which a program can be made to run other code", a.Name.Value), value)
		}
		w.place(a.Value)
	}
}

// statement looks after what a command reads.
func (w *shellWalk) statement(n *syntax.Stmt) {
	for _, r := range n.Redirs {
		if w.readsCode(n) {
			w.refuseIn(r, "ends up as code: the command runs what it reads")
		}
	}
}

// pipe looks after what a command writes for the next one to read.
func (w *shellWalk) pipe(n *syntax.BinaryCmd) {
	if w.readsCode(n.Y) {
		w.refuseIn(n.X, "ends up as code: the command behind the pipe runs what it reads")
	}
	if !w.calls(n.Y, "xargs") || !w.calls(n.X, "echo", "printf") {
		return
	}
	syntax.Walk(n.X, func(n syntax.Node) bool {
		switch n.(type) {
		case *syntax.SglQuoted, *syntax.DblQuoted:
			w.refuseIn(n, "is split at spaces by xargs, into options too: take it out of the quotes")
		}
		return true
	})
}

// calls reports whether any simple command in a statement has one of the names.
func (w *shellWalk) calls(n *syntax.Stmt, names ...string) (found bool) {
	syntax.Walk(n, func(n syntax.Node) bool {
		if call, ok := n.(*syntax.CallExpr); ok && len(call.Args) > 0 && slices.Contains(names, baseName(w.word(call.Args[0]).text)) {
			found = true
		}
		return true
	})
	return found
}

// readsCode reports whether any simple command in a statement takes code from its standard input.
func (w *shellWalk) readsCode(n *syntax.Stmt) (reads bool) {
	quiet := &commands{inShell: true, refuse: func(*hole, string) {}}
	syntax.Walk(n, func(n syntax.Node) bool {
		if call, ok := n.(*syntax.CallExpr); ok && quiet.command(w.words(call.Args)) {
			reads = true
		}
		return true
	})
	return reads
}

// refuseIn refuses every hole in a node, and those of the parameters that it expands.
func (w *shellWalk) refuseIn(n syntax.Node, why string) {
	syntax.Walk(n, func(n syntax.Node) bool {
		switch n := n.(type) {
		case *syntax.Lit:
			w.refuseAll(w.findHoles(n.Value), why)
		case *syntax.SglQuoted:
			w.refuseAll(w.findHoles(n.Value), why)
		case *syntax.ParamExp:
			w.refuseAll(w.carried(n), why)
		}
		return true
	})
}

func (w *shellWalk) refuseAll(hs []*hole, why string) {
	for _, h := range hs {
		w.p.refuse(h, why)
	}
}

// redirect places the hole of a file name, which must not become /dev/tcp/host/port: bash would connect to it.
func (w *shellWalk) redirect(r *syntax.Redirect) {
	switch r.Op {
	case syntax.Hdoc, syntax.DashHdoc, syntax.DplIn, syntax.DplOut:
		return
	}
	target := w.word(r.Word)
	if r.Op != syntax.WordHdoc && len(target.holes) > 0 && device(target) {
		w.refuseAll(target.holes, "decides a redirection's file name, which can be /dev/tcp/host/port: begin with a folder, /tmp/{x}, or narrow it, {x:name}")
	}
	w.place(r.Word)
}

// device reports whether a file name can be one in /dev.
func device(target *word) bool {
	lead, _, _ := strings.Cut(target.text, holeMark)
	if lead == "" {
		return target.holes[0].narrow != "name" && target.holes[0].narrow != "int"
	}
	return strings.HasPrefix("/dev/", lead) || strings.HasPrefix(path.Clean(lead)+"/", "/dev/")
}

// words are a command's words as the command sees them.
func (w *shellWalk) words(args []*syntax.Word) []*word {
	ws := make([]*word, len(args))
	for i, a := range args {
		ws[i] = w.word(a)
	}
	return ws
}

func (w *shellWalk) word(n *syntax.Word) *word {
	out := &word{}
	w.parts(out, n.Parts, false)
	out.multi = out.multi && strings.Trim(out.text, expMark) == ""
	return out
}

func (w *shellWalk) parts(out *word, parts []syntax.WordPart, quoted bool) {
	for _, part := range parts {
		switch part := part.(type) {
		case *syntax.Lit:
			w.static(out, unescape(w.raw(part), quoted))
		case *syntax.SglQuoted:
			w.static(out, part.Value)
		case *syntax.DblQuoted:
			w.parts(out, part.Parts, true)
		default:
			out.text += expMark
			out.multi = out.multi || !quoted || expandsToMany(part)
			syntax.Walk(part, func(n syntax.Node) bool {
				if p, ok := n.(*syntax.ParamExp); ok {
					out.taint = append(out.taint, w.carried(p)...)
				}
				return true
			})
		}
	}
}

func expandsToMany(part syntax.WordPart) bool {
	p, ok := part.(*syntax.ParamExp)
	return ok && p.Param != nil && (p.Param.Value == "@" || p.Index != nil || p.Excl)
}

// static adds literal text, in which placeholders may stand.
func (w *shellWalk) static(out *word, text string) {
	out.holes = append(out.holes, w.findHoles(text)...)
	for placeholder := range w.marked {
		text = strings.ReplaceAll(text, placeholder, holeMark)
	}
	out.text += text
}

// carried returns the holes whose text a parameter may hold: the shell's other arguments, and whatever the command
// itself puts into variables.
func (w *shellWalk) carried(p *syntax.ParamExp) []*hole {
	if p.Param == nil {
		return nil
	}
	name := p.Param.Value
	if w.assigned[name] || p.Excl {
		return append(w.template.holes(), w.params...)
	}
	if strings.Trim(name, "0123456789@*") == "" {
		return w.params
	}
	return nil
}

// raw is a literal as it was written, with its backslashes.
func (w *shellWalk) raw(l *syntax.Lit) string {
	from, to := int(l.Pos().Offset()), int(l.End().Offset())
	if from < 0 || to > len(w.code) || from > to {
		return l.Value
	}
	return w.code[from:to]
}

// unescape takes the backslashes out of a literal as a shell does, outside and inside double quotes.
func unescape(s string, quoted bool) string {
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		if s[i] != '\\' || i+1 == len(s) {
			b.WriteByte(s[i])
			continue
		}
		i++
		if s[i] == '\n' {
			continue
		}
		if quoted && !strings.ContainsRune("$`\"\\", rune(s[i])) {
			b.WriteByte('\\')
		}
		b.WriteByte(s[i])
	}
	return b.String()
}

// place finds the class of every hole in a word that is expanded once and then only data.
func (w *shellWalk) place(n *syntax.Word) {
	if w.enclosed() {
		return
	}
	before, braces := "", false
	for _, part := range n.Parts {
		switch part := part.(type) {
		case *syntax.Lit:
			raw := w.raw(part)
			braces = braces || strings.ContainsAny(raw, "{}")
			w.placeIn(raw, int(part.Pos().Offset()), placeWord, &before)
		case *syntax.SglQuoted:
			if !part.Dollar {
				w.placeIn(part.Value, -1, placeSQ, &before)
			}
		case *syntax.DblQuoted:
			w.placeQuoted(part, &before)
		}
	}
	if braces {
		w.commands.refuseWords("stands in a word with unquoted braces, which expand to several words: quote them", w.word(n))
	}
	if lead, _, found := strings.Cut(w.word(n).text, holeMark); found && tilde(n) && !strings.Contains(lead, "/") {
		w.commands.refuseWords("stands behind a tilde: write the folder out", w.word(n))
	}
}

func tilde(n *syntax.Word) bool {
	lit, ok := n.Parts[0].(*syntax.Lit)
	return ok && strings.HasPrefix(lit.Value, "~")
}

func (w *shellWalk) placeQuoted(q *syntax.DblQuoted, before *string) {
	for _, part := range q.Parts {
		if lit, ok := part.(*syntax.Lit); ok && !q.Dollar {
			w.placeIn(w.raw(lit), -1, placeDQ, before)
		}
	}
}

// placeIn places the holes of one literal. before is the text of the word so far: a hole that has none before it begins
// the word. at is where an unquoted literal stands in the command.
func (w *shellWalk) placeIn(raw string, at int, kind placeKind, before *string) {
	for off := 0; ; {
		i := strings.Index(raw[off:], w.mark)
		if i < 0 {
			*before += unescaped(raw[off:], kind)
			return
		}
		lead := raw[off : off+i]
		*before += unescaped(lead, kind)
		off += i
		h := w.marked[raw[off:off+w.width]]
		w.placed[h] = place{kind, *before == ""}
		if kind != placeSQ && (len(lead)-len(strings.TrimRight(lead, `\`)))%2 == 1 {
			w.p.refuse(h, "stands behind a backslash: remove it, or double it")
		}
		off += w.width
		if next := at + off; at >= 0 && next < len(w.code) && strings.IndexByte("<>(", w.code[next]) >= 0 {
			w.p.refuse(h, fmt.Sprintf("stands right before %q, which a number would make a file descriptor: put a space between", w.code[next]))
		}
		*before += holeMark
	}
}

func unescaped(s string, kind placeKind) string {
	if kind == placeSQ {
		return s
	}
	return unescape(s, kind == placeDQ)
}
