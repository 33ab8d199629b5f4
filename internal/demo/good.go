package demo

import (
	"context"
	"errors"
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
	body, status, err := s.invoke(ctx, event)
	var down errFunction
	if err != nil && !errors.As(err, &down) {
		return fmt.Errorf("good request %q (%s): %w", g.name, when, err)
	}
	tally := &s.report.GoodWithout
	if s.protected {
		tally = &s.report.GoodWith
	}
	tally.Made++
	if err == nil && status == 200 && strings.Contains(body, g.expects) {
		return nil
	}
	tally.Broken = append(tally.Broken, Broken{Request: g.name, When: when, Status: status, Answer: answer(body, err)})
	if err != nil {
		s.stop()
	}
	return nil
}

func answer(body string, err error) string {
	if err != nil {
		body = err.Error()
	}
	if len(body) > 300 {
		body = body[:300] + "…"
	}
	return body
}
