package policy

import (
	"fmt"
	"path"
	"slices"
	"strings"
)

// In a word's text these stand for what is not literal.
const (
	holeMark = "\x00"
	expMark  = "\x01" // an expansion, of which nothing is known
)

// word is one word of a command line, as the command sees it: quotes are gone.
type word struct {
	text  string
	holes []*hole
	taint []*hole // holes whose text can get here through a variable
	multi bool    // nothing but an expansion that can become no word or several
}

// commands finds the holes that stand where a command line runs code: as the name of a command, as a script, as the code
// of an interpreter, behind a wrapper such as env or xargs.
type commands struct {
	inShell bool // the command line stands in a shell string, and not in an argument list
	refuse  func(h *hole, why string)

	shell     string  // the shell that the argument list starts, if it does
	shellCode *word   // its command
	shellArgs []*word // all of its arguments
}

// refuseWords refuses every hole in, or behind, the words.
func (c *commands) refuseWords(why string, ws ...*word) {
	for _, w := range ws {
		for _, h := range w.holes {
			c.refuse(h, why)
		}
		for _, h := range w.taint {
			c.refuse(h, why+", by way of a variable")
		}
	}
}

// refuseCode refuses the holes in an interpreter's code. Digits in the middle of somebody else's code are a number or the
// end of a name, whatever the language, and multiprocessing passes its descriptors so.
func (c *commands) refuseCode(why string, w *word) {
	for _, h := range w.holes {
		if h.narrow != "int" || h.rest {
			c.refuse(h, why)
		}
	}
	c.refuseWords(why, &word{taint: w.taint})
}

// command examines one command line, and reports whether the command would take code from its standard input.
func (c *commands) command(ws []*word) (readsCode bool) {
	if len(ws) == 0 {
		return false
	}
	name := ws[0].text
	c.refuseWords("names the command that runs: write its name out", ws[0])
	if strings.Contains(path.Base(name), expMark) {
		c.refuseWords("is an argument of a command whose name is only known when it runs: write the name out", ws[1:]...)
		return false
	}
	p, known := lookup(name)
	switch {
	case strings.Contains(name, holeMark) || !known:
		return false
	case p.kind == shellProg:
		return c.shellProgram(path.Base(name), ws[1:])
	}
	a := arguments{c: c, p: p, name: path.Base(name), ws: ws[1:]}
	return a.examine()
}

// shellProgram examines the arguments of a POSIX shell.
func (c *commands) shellProgram(name string, ws []*word) (readsCode bool) {
	if !c.inShell {
		c.shell, c.shellArgs = name, ws
	}
	i, command, stdin := 0, false, false
	for ; i < len(ws) && len(ws[i].text) > 0 && (ws[i].text[0] == '-' || ws[i].text[0] == '+'); i++ {
		opt := ws[i].text
		c.refuseWords("stands among the options of "+name, ws[i])
		if opt == "--" || opt == "-" {
			i++
			break
		}
		value := opt == "--rcfile" || opt == "--init-file"
		if !strings.HasPrefix(opt, "--") {
			command = command || opt[0] == '-' && strings.Contains(opt, "c")
			stdin = stdin || strings.Contains(opt, "s")
			value = strings.ContainsAny(opt, "oO")
		}
		if value && i+1 < len(ws) {
			i++
			c.refuseWords("stands among the options of "+name, ws[i])
		}
	}
	switch {
	case i >= len(ws):
		return true
	case command && c.inShell:
		c.refuseWords("is part of a shell command inside a shell command: make the inner one the template", ws[i:]...)
	case command:
		c.shellCode = ws[i]
	case !stdin:
		c.script(name, ws[i], ws[i+1:])
		stdin = slices.Contains(standardInput, ws[i].text)
	}
	return stdin && !command
}

// script examines the word that names an interpreter's script.
func (c *commands) script(name string, w *word, rest []*word) {
	if w.multi {
		c.refuseWords("stands behind an expansion that may be the script of "+name+" or not: write the script out", rest...)
	}
	if dir, _, _ := strings.Cut(w.text, holeMark); len(w.holes) == 1 && w.holes[0].narrow == "name" && !w.holes[0].rest && len(w.taint) == 0 &&
		strings.HasPrefix(dir, "/") && strings.Contains(dir[1:], "/") && !strings.Contains(dir, expMark) {
		return // one of the scripts in one folder
	}
	c.refuseWords(fmt.Sprintf("names the script that %s runs: write it out, or confine it to a folder, /folder/{x:name}", name), w)
}

// arguments walks the arguments of one program.
type arguments struct {
	c        *commands
	p        program
	name     string
	ws       []*word
	i        int
	codeSeen bool // an option gave the code, so the first operand is none
	unsure   int  // operands that may be the values of unknown options
	operands int
	done     bool // what is left is data
	replace  bool // xargs puts what it reads anywhere into the command line
	reads    bool // it would take code from standard input, unless an option gives some
	stdin    bool // it takes code from standard input whatever else it is given
}

// examine reports whether the program would take code from its standard input.
func (a *arguments) examine() bool {
	a.reads = a.p.kind == scriptProg || a.p.kind == commandProg && a.name != "xargs" || a.p.stdin
	ended := false
	for ; a.i < len(a.ws) && !a.done; a.i++ {
		w := a.ws[a.i]
		switch {
		case !ended && w.text == "--":
			ended = true
		case !ended && len(w.text) > 1 && w.text[0] == '-':
			a.option(w)
		default:
			a.operand(w)
		}
	}
	if a.name == "ssh" && a.operands > 1 {
		a.reads = false // the remote command reads, not the remote shell
	}
	return a.reads && !a.codeSeen || a.stdin
}

// standardInput are names of standard input, where a script or a file of code is asked for.
var standardInput = []string{"-", "/dev/stdin", "/dev/fd/0", "/proc/self/fd/0"}

func (a *arguments) operand(w *word) {
	c := a.c
	if strings.HasPrefix(w.text, holeMark) && w.holes[0].narrow == "any" {
		c.refuseWords(fmt.Sprintf("could be an option of %s, which can run code: use a class without a leading '-'", a.name), w)
	}
	before := a.operands < a.p.skip
	a.operands++
	if before {
		a.single(w)
		return
	}
	switch a.p.kind {
	case scriptProg:
		if !a.codeSeen {
			c.script(a.name, w, a.ws[a.i+1:])
			a.stdin = slices.Contains(standardInput, w.text)
		}
		a.reads, a.done = false, a.codeSeen || a.unsure == 0
		a.unsure--
	case codeProg:
		a.code(w)
	case commandProg:
		a.commandLine(w)
	case evalProg:
		c.refuseWords("is code for "+a.name, w)
	case namingProg:
		c.refuseWords(fmt.Sprintf("becomes a variable by %s, and variables are expanded once more: put the hole where its text is used", a.name), w)
	}
}

// single refuses what could stand for no word or several, after which nothing is where it seems to be.
func (a *arguments) single(w *word) {
	if w.multi {
		a.c.refuseWords(fmt.Sprintf("stands behind an expansion that may move the arguments of %s: write it out", a.name), a.ws[a.i+1:]...)
	}
	for _, h := range w.holes {
		if h.rest {
			a.c.refuse(h, fmt.Sprintf("stands for any number of arguments before the command that %s runs", a.name))
		}
	}
}

func (a *arguments) code(w *word) {
	a.single(w)
	if !a.codeSeen {
		a.c.refuseCode("is part of the code that "+a.name+" runs", w)
	}
	if a.unsure == 0 {
		a.codeSeen = true
	}
	a.unsure--
}

func (a *arguments) commandLine(w *word) {
	name, _, assign := strings.Cut(w.text, "=")
	if a.p.assigns && assign && isName(name) {
		a.single(w)
		if loaderVariable(name) {
			a.c.refuseWords(fmt.Sprintf("sets %s, with which a program can be made to run other code", name), w)
		}
		return
	}
	a.single(w)
	a.reads = a.c.command(a.ws[a.i:])
	if p, known := lookup(w.text); a.replace && known && p.kind != plainProg {
		a.reads = true
	}
	a.done = true
}

// option examines one option and the value that belongs to it.
func (a *arguments) option(w *word) {
	body, _, hasValue := strings.Cut(w.text, "=")
	name := strings.TrimPrefix(strings.TrimPrefix(body, "-"), "-")
	long := strings.HasPrefix(body, "--")
	switch {
	case strings.ContainsAny(name, holeMark+expMark) && long:
		a.c.refuseWords(fmt.Sprintf("chooses an option of %s, which can run code", a.name), w)
	case long && a.name == "xargs" && name == "replace":
		a.replace = true
	case a.known(name):
		a.value(w, hasValue, a.categoryOf(func(o options) bool { return o.word(name) }))
	case !long:
		a.cluster(w)
	case !hasValue && a.p.kind == commandProg:
		a.unknown("--" + name)
	case !hasValue && !harmlessFlag(name):
		a.unsure++
	case a.p.kind == scriptProg || a.p.kind == evalProg:
		a.value(w, true, valueOption)
	}
}

type category uint8

const (
	flagOption category = iota
	valueOption
	riskyOption
	codeOption
)

func (a *arguments) known(word string) bool {
	return a.p.code.word(word) || a.p.risky.word(word) || a.p.values.word(word)
}

func (a *arguments) categoryOf(has func(options) bool) category {
	switch {
	case has(a.p.code):
		return codeOption
	case has(a.p.risky):
		return riskyOption
	case has(a.p.values):
		return valueOption
	}
	return flagOption
}

// cluster examines short options, the last of which may have a value.
func (a *arguments) cluster(w *word) {
	for i := 1; i < len(w.text); i++ {
		b := w.text[i]
		if b == holeMark[0] || b == expMark[0] {
			a.c.refuseWords(fmt.Sprintf("chooses an option of %s, which can run code", a.name), w)
			return
		}
		a.replace = a.replace || a.name == "xargs" && (b == 'I' || b == 'i')
		if cat := a.categoryOf(func(o options) bool { return o.letter(b) }); cat != flagOption {
			a.value(w, i+1 < len(w.text), cat)
			return
		}
		if strings.IndexByte(a.p.glued, b) >= 0 {
			a.value(w, true, valueOption)
			return
		}
		if a.p.kind == commandProg && strings.IndexByte(a.p.flags, b) < 0 {
			a.unknown("-" + string(rune(b)))
			return
		}
	}
}

// value examines the value of an option: w itself when it holds it, else the next argument.
func (a *arguments) value(w *word, attached bool, cat category) {
	if !attached {
		if a.i+1 >= len(a.ws) {
			return
		}
		a.i++
		w = a.ws[a.i]
		a.single(w)
	}
	a.codeSeen = a.codeSeen || cat == codeOption
	a.stdin = a.stdin || cat == codeOption && slices.Contains(standardInput, w.text)
	strict := a.p.kind == scriptProg || a.p.kind == evalProg && a.p.values == ""
	switch {
	case a.findsCommand(cat):
		a.toSemicolon()
	case cat == codeOption && strings.ContainsAny(w.text, " (;{"): // it is code, and not the name of a file or module
		a.c.refuseCode(fmt.Sprintf("is code for %s: give it as an argument instead", a.name), w)
	case cat >= riskyOption:
		a.c.refuseWords(fmt.Sprintf("is code for %s, or names some: give it as an argument instead", a.name), w)
	case strict:
		a.c.refuseWords("stands among the options of "+a.name, w)
	}
}

// findsCommand: find's -exec has a whole command line for a value.
func (a *arguments) findsCommand(cat category) bool {
	return cat == riskyOption && (a.name == "find" || a.name == "gfind")
}

func (a *arguments) toSemicolon() {
	for ; a.i < len(a.ws) && a.ws[a.i].text != ";" && a.ws[a.i].text != "+"; a.i++ {
		a.c.refuseWords("is part of the command line that find runs", a.ws[a.i])
	}
}

func (a *arguments) unknown(option string) {
	a.c.refuseWords(fmt.Sprintf("stands behind %s's option %s, which thimble does not know, so that it cannot tell where the command begins", a.name, option), a.ws[a.i:]...)
	a.done = true
}

// tainted returns the holes that reach any of the words.
func tainted(ws ...*word) (hs []*hole) {
	for _, w := range ws {
		hs = append(append(hs, w.holes...), w.taint...)
	}
	return slices.Compact(hs)
}
