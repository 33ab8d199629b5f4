package demo

import (
	"context"
	"fmt"
	"strings"
)

// good is a request that an honest visitor makes.
type good struct {
	name    string
	query   func(s *arsenal) map[string]string
	expects string
}

// goodTwins are what must keep working: each is near to what some attack does.
var goodTwins = []good{
	{"document", func(s *arsenal) map[string]string {
		return map[string]string{"document_url": s.document()}
	}, documentText},
	{"document-with-query", func(s *arsenal) map[string]string {
		return map[string]string{"document_url": s.document() + "?version=2"}
	}, documentText},
	{"redirected-document", func(s *arsenal) map[string]string {
		return map[string]string{"document_url": s.world.Documents + "/moved"}
	}, documentText},
	{"template", func(s *arsenal) map[string]string {
		return map[string]string{"document_url": s.document(), "template": upperTemplate(s.host.Runtime)}
	}, "> " + strings.ToUpper(documentText)},
	{"helper", func(*arsenal) map[string]string {
		return map[string]string{"about": "1"}
	}, "converter 1.0"},
}

func upperTemplate(runtime string) string {
	if runtime == "python" {
		return "> {text.upper()}"
	}
	return "> ${text.toUpperCase()}"
}

// goodRequests makes all of them, at the start and at the end.
func (s *session) goodRequests(ctx context.Context, when string) error {
	for i := range goodTwins {
		if err := s.goodRequest(ctx, i, when); err != nil {
			return err
		}
	}
	return nil
}

// goodRequest makes one of them and counts it.
func (s *session) goodRequest(ctx context.Context, i int, when string) error {
	g := goodTwins[i%len(goodTwins)]
	event, err := requestEvent(g.query(s.arsenal))
	if err != nil {
		return err
	}
	p, answer, err := s.invoke(ctx, event)
	if err != nil {
		return fmt.Errorf("good request %q (%s): %w", g.name, when, err)
	}
	tally := &s.report.GoodWithout
	if s.protected {
		tally = &s.report.GoodWith
	}
	tally.Made++
	if answer.Failure == "" && p.StatusCode == 200 && strings.Contains(p.Body, g.expects) {
		return nil
	}
	broken := Broken{Request: g.name, When: when, Status: p.StatusCode, Answer: shorten(answer.Failure + p.Body)}
	broken.Events = answer.Events
	tally.Broken = append(tally.Broken, broken)
	return nil
}

func shorten(text string) string {
	if len(text) > 300 {
		return text[:300] + "…"
	}
	return text
}
