package main

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"
	"go.opentelemetry.io/otel/trace"
)

// picture draws spans as trees, with one line per span.
func picture(spans tracetest.SpanStubs) string {
	slices.SortFunc(spans, func(a, b tracetest.SpanStub) int { return a.StartTime.Compare(b.StartTime) })
	children := make(map[trace.SpanID][]tracetest.SpanStub)
	for _, span := range spans {
		children[span.Parent.SpanID()] = append(children[span.Parent.SpanID()], span)
	}
	var out strings.Builder
	var draw func(parent trace.SpanID, indent string)
	draw = func(parent trace.SpanID, indent string) {
		all := children[parent]
		for i, span := range all {
			branch, below := "├─ ", "│  "
			if i == len(all)-1 {
				branch, below = "└─ ", "   "
			}
			if !parent.IsValid() {
				branch, below = "", ""
			}
			out.WriteString(line(indent+branch+span.Name, span))
			draw(span.SpanContext.SpanID(), indent+below)
		}
	}
	draw(trace.SpanID{}, "")
	return out.String()
}

// line describes a span: its name, its duration, the message, the error, and the span that sent the message.
func line(name string, span tracetest.SpanStub) string {
	took := span.EndTime.Sub(span.StartTime).Round(100 * time.Microsecond)
	text := fmt.Sprintf("%-16s %8v", name, took)
	if id := valueOf(span, "messaging.message.id"); id != "" {
		text += "  message " + id
	}
	if span.Status.Code == codes.Error {
		text += "  ERROR " + span.Status.Description
	}
	for _, link := range span.Links {
		text += "  sent by span " + link.SpanContext.SpanID().String()
	}
	return text + "\n"
}

func valueOf(span tracetest.SpanStub, key attribute.Key) string {
	for _, a := range span.Attributes {
		if a.Key == key {
			return a.Value.String()
		}
	}
	return ""
}
