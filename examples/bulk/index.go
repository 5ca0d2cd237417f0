package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/aws/aws-lambda-go/events"
	"github.com/samber/lo"

	"github.com/lambdabatch/batch"
)

// A Change is the body of a message: products whose documents must be written again.
type Change struct {
	SKUs []string `json:"skus"`
}

func (c Change) skus() []string { return c.SKUs }

const (
	lanes    = 8 // messages at a time
	bulkSize = 4 // documents per bulk write; small, so that the example shows two of them
)

// process is the whole job. A message is acknowledged once all its documents are written. If one is
// rejected, the message is redelivered, and all its documents are written again.
func (x *Index) process(messages batch.Stream[events.SQSMessage]) batch.Stream[Document] {
	documents := batch.Parallel(messages, lanes, lookUpAll)
	return batch.TryEachChunk(documents, bulkSize, x.write)
}

// lookUpAll runs in each lane. A product that a message names twice is looked up once.
func lookUpAll(messages batch.Stream[events.SQSMessage]) batch.Stream[Document] {
	changes := batch.Decode[Change](messages, json.Unmarshal)
	skus := batch.FlatMap(batch.Map(changes, Change.skus), lo.Uniq)
	return batch.TryMap(skus, lookUp)
}

// A Document is what the index has about a product.
type Document struct {
	SKU   string
	Cents int
}

var errNoProduct = errors.New("no such product")

// latency is how long the catalogue takes to find a product.
const latency = 50 * time.Millisecond

// lookUp stands in for a slow catalogue service.
func lookUp(ctx context.Context, sku string) (Document, error) {
	select {
	case <-time.After(latency):
	case <-ctx.Done():
		return Document{}, ctx.Err()
	}
	prices := map[string]int{"pen": 250, "ink": 900, "desk": 19900, "lamp": 4900, "chair": 8900, "rug": 0}
	cents, ok := prices[sku]
	if !ok {
		return Document{}, fmt.Errorf("%s: %w", sku, errNoProduct)
	}
	slog.InfoContext(ctx, "looked up", "sku", sku)
	return Document{SKU: sku, Cents: cents}, nil
}

// An Index stands in for a search index with a bulk API.
type Index struct {
	mu        sync.Mutex
	documents map[string]Document // by SKU: written twice, a document is still one
	writes    int
}

var errNoPrice = errors.New("rejected: no price")

// write puts documents into the index. It may reject some and write the rest: the error has the
// position of each rejected one, and only their messages are redelivered.
func (x *Index) write(ctx context.Context, documents []Document) error {
	x.mu.Lock()
	defer x.mu.Unlock()
	x.writes++
	if x.documents == nil {
		x.documents = make(map[string]Document)
	}
	rejected := batch.ItemErrors{}
	for position, document := range documents {
		if document.Cents == 0 {
			rejected[position] = fmt.Errorf("%s: %w", document.SKU, errNoPrice)
			continue
		}
		x.documents[document.SKU] = document
	}
	slog.InfoContext(ctx, "bulk write", "documents", len(documents), "rejected", len(rejected))
	return rejected.Err()
}
