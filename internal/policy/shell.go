package policy

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"mvdan.cc/sh/v3/syntax"
)

// A template's holes are placed by parsing the command with a word of our own in every hole, and looking where in the
// syntax tree these words end up.

// placeHoles finds where every hole of one list of a program's arguments stands, and refuses those that no text can
// safely fill.
func placeHoles(program string, templates []template) (map[*hole]place, []templateError) {
	p := &placing{places: map[*hole]place{}, refused: map[*hole]string{}}
	ws := []*word{{text: program}}
	for _, t := range templates {
		ws = append(ws, t.word())
		for i, piece := range t.pieces {
			if piece.hole != nil {
				p.places[piece.hole] = place{placeArg, i == 0}
			}
		}
	}
	c := &commands{refuse: p.refuse}
	c.command(ws)
	if c.shell != "" {
		p.shellArgs(c.shellArgs)
	}
	if c.shellCode != nil {
		arg := slices.Index(ws, c.shellCode) - 1
		params := tainted(c.shellArgs[slices.Index(c.shellArgs, c.shellCode)+1:]...)
		p.shellCommand(c.shell, arg, templates[arg], params)
	}
	return p.places, append(p.wrong, p.errors(templates)...)
}

// word is the argument as a command sees it.
func (t template) word() *word {
	w := &word{holes: t.holes()}
	for _, p := range t.pieces {
		if p.hole != nil {
			w.text += holeMark
		}
		w.text += p.text
	}
	return w
}

// placing collects what is known of the holes of one list.
type placing struct {
	places  map[*hole]place
	refused map[*hole]string // the first reason counts
	wrong   []templateError  // what concerns no hole
}

func (p *placing) refuse(h *hole, why string) {
	if p.refused[h] == "" {
		p.refused[h] = why
	}
}

func (p *placing) errors(templates []template) (wrong []templateError) {
	for _, t := range templates {
		for _, h := range t.holes() {
			if why := p.refused[h]; why != "" {
				wrong = append(wrong, templateError{h.arg, h.off, fmt.Sprintf("%s %s", h, why)})
			}
		}
	}
	return wrong
}

// shellArgs gives the arguments of a shell their class: scripts expand them again, often without quotes.
func (p *placing) shellArgs(ws []*word) {
	for _, w := range ws {
		for _, h := range w.holes {
			p.places[h] = place{placeWord, p.places[h].first}
			if h.rest {
				p.refuse(h, "stands for any number of arguments, which a shell does not take: give each a hole of its own")
			}
			if h.narrow == "any" {
				p.refuse(h, "can be anything, which is not safe as an argument of a shell: leave :any out")
			}
		}
	}
}

// dialects are the languages that a shell's command may be read as; sh is dash in one image and bash in another.
func dialects(shell string) []syntax.LangVariant {
	switch shell {
	case "bash", "rbash":
		return []syntax.LangVariant{syntax.LangBash}
	case "zsh":
		return []syntax.LangVariant{syntax.LangZsh, syntax.LangBash}
	case "ksh", "mksh", "lksh", "pdksh", "rksh":
		return []syntax.LangVariant{syntax.LangMirBSDKorn, syntax.LangBash}
	}
	return []syntax.LangVariant{syntax.LangPOSIX, syntax.LangBash}
}

// shellCommand places the holes of the command that a shell is given; params are the holes of its other arguments.
// Every dialect in which the command makes sense must find every hole safe.
func (p *placing) shellCommand(shell string, arg int, t template, params []*hole) {
	s := newShellCode(t, params)
	var failed error
	parsed := false
	for _, lang := range dialects(shell) {
		file, err := parseShell(s.code, lang)
		if err != nil {
			failed = err
			continue
		}
		parsed = true
		s.read(p, file)
	}
	if !parsed {
		p.wrong = append(p.wrong, s.syntaxError(arg, failed))
	}
}

func parseShell(code string, lang syntax.LangVariant) (*syntax.File, error) {
	return syntax.NewParser(syntax.Variant(lang), syntax.KeepComments(true)).Parse(strings.NewReader(code), "")
}

// shellCode is a shell command with a placeholder in every hole.
type shellCode struct {
	code     string
	template template
	starts   []int // of the template's pieces, in code
	mark     string
	marked   map[string]*hole // by placeholder
	width    int              // of a placeholder
	params   []*hole
}

// newShellCode fills in the placeholders: words of letters that the command does not hold otherwise.
func newShellCode(t template, params []*hole) *shellCode {
	s := &shellCode{template: t, mark: "Hole", marked: map[string]*hole{}, params: params}
	for strings.Contains(t.source, s.mark) {
		s.mark += "Z"
	}
	s.width = len(s.mark) + 3
	for _, piece := range t.pieces {
		s.starts = append(s.starts, len(s.code))
		if piece.hole != nil {
			n := len(s.marked)
			placeholder := s.mark + string([]byte{'a' + byte(n/26), 'a' + byte(n%26), 'x'})
			s.marked[placeholder] = piece.hole
			s.code += placeholder
		}
		s.code += piece.text
	}
	return s
}

// syntaxError says where in the template the shell's parser stopped.
func (s *shellCode) syntaxError(arg int, err error) templateError {
	var perr syntax.ParseError
	var lerr syntax.LangError
	off, msg := 0, err.Error()
	switch {
	case errors.As(err, &perr):
		off, msg = int(perr.Pos.Offset()), perr.Text
	case errors.As(err, &lerr):
		off, msg = int(lerr.Pos.Offset()), lerr.Error()
	}
	for placeholder, h := range s.marked {
		msg = strings.ReplaceAll(msg, placeholder, h.String())
	}
	src := 0
	for i, start := range s.starts {
		if start <= off {
			src = s.template.pieces[i].off + min(off-start, len(s.template.pieces[i].text))
		}
	}
	return templateError{arg, src, "is no shell command: " + msg + " (literal braces are doubled, {{ and }})"}
}

// findHoles returns the holes whose placeholders a string has.
func (s *shellCode) findHoles(text string) (hs []*hole) {
	for {
		i := strings.Index(text, s.mark)
		if i < 0 || i+s.width > len(text) {
			return hs
		}
		if h := s.marked[text[i:i+s.width]]; h != nil {
			hs = append(hs, h)
		}
		text = text[i+s.width:]
	}
}

// read walks the syntax tree of one dialect.
func (s *shellCode) read(p *placing, file *syntax.File) {
	w := &shellWalk{shellCode: s, p: p, placed: map[*hole]place{}, assigned: assignedNames(file)}
	w.commands = &commands{inShell: true, refuse: p.refuse}
	syntax.Walk(file, w.visit)
	for _, h := range s.template.holes() {
		at, ok := w.placed[h]
		if !ok {
			p.refuse(h, "stands where no text is safe: put it in a word of its own")
		}
		if was := p.places[h]; ok && was.kind != placeArg && was.kind != placeWord && was != at {
			p.refuse(h, "stands where shells do not agree on the quoting: use plain quotes")
		}
		p.places[h] = at
	}
}

// assignedNames are the variables that a command sets, one way or another.
func assignedNames(file *syntax.File) map[string]bool {
	names := map[string]bool{}
	syntax.Walk(file, func(n syntax.Node) bool {
		switch n := n.(type) {
		case *syntax.Assign:
			if n.Name != nil {
				names[n.Name.Value] = true
			}
		case *syntax.WordIter:
			names[n.Name.Value] = true
		case *syntax.CallExpr:
			if len(n.Args) > 0 && programs[n.Args[0].Lit()].kind == namingProg {
				for _, a := range n.Args[1:] {
					name, _, _ := strings.Cut(a.Lit(), "=")
					names[name] = true
				}
			}
		}
		return true
	})
	return names
}
