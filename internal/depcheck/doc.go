// Package depcheck holds the rules that the whole tree keeps, as tests: which package may import which (the arrows of
// docs/architecture.md point inward), that every package opens with a doc comment, and that nothing committed names the
// machine that it was written on.
//
// There is no code here but tests. A failure says what to change.
package depcheck
