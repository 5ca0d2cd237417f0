package e2e_test

import (
	"encoding/hex"
	"io"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"

	collect "go.opentelemetry.io/proto/otlp/collector/trace/v1"
	otlp "go.opentelemetry.io/proto/otlp/trace/v1"
	"google.golang.org/protobuf/proto"
)

// A collector receives spans by OTLP over HTTP.
type collector struct {
	url string

	mu    sync.Mutex
	spans []*otlp.Span
}

func openCollector(t *testing.T) *collector {
	t.Helper()
	c := new(collector)
	server := httptest.NewServer(http.HandlerFunc(c.take))
	t.Cleanup(server.Close)
	c.url = server.URL
	return c
}

func (c *collector) take(w http.ResponseWriter, r *http.Request) {
	var request collect.ExportTraceServiceRequest
	body, err := io.ReadAll(r.Body)
	if err == nil {
		err = proto.Unmarshal(body, &request)
	}
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, resource := range request.ResourceSpans {
		for _, scope := range resource.ScopeSpans {
			c.spans = append(c.spans, scope.Spans...)
		}
	}
}

// A messageSpan describes the span of a message, and how many children it has.
type messageSpan struct {
	name, parent, status, errorType string
	links                           []string
	children                        int
	event                           string
}

// byMessage returns the spans received so far, by message ID.
func (c *collector) byMessage() map[string]messageSpan {
	c.mu.Lock()
	defer c.mu.Unlock()
	found, children := make(map[string]messageSpan), make(map[string]int)
	for _, span := range c.spans {
		children[hex.EncodeToString(span.ParentSpanId)]++
	}
	for _, span := range c.spans {
		id := stringAttribute(span, "messaging.message.id")
		if id == "" || span.Kind != otlp.Span_SPAN_KIND_CONSUMER {
			continue
		}
		one := messageSpan{
			name: span.Name, parent: hex.EncodeToString(span.ParentSpanId), status: span.GetStatus().GetMessage(),
			errorType: stringAttribute(span, "error.type"), children: children[hex.EncodeToString(span.SpanId)],
		}
		for _, link := range span.Links {
			one.links = append(one.links, hex.EncodeToString(link.SpanId))
		}
		for _, event := range span.Events {
			one.event += event.Name
		}
		found[id] = one
	}
	return found
}

func stringAttribute(span *otlp.Span, key string) string {
	for _, a := range span.Attributes {
		if a.Key == key {
			return a.Value.GetStringValue()
		}
	}
	return ""
}
