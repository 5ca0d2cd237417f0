package main

import (
	"bytes"
	"slices"
	"strings"
	"testing"

	"github.com/lambdabatch/batch/batchtest"
	"github.com/matryer/is"

	"github.com/lambdabatch/batch/examples/internal/local"
	"github.com/lambdabatch/batch/once"
)

func TestTheBuiltInEventChargesEachOrderOnce(t *testing.T) {
	is := is.New(t)
	var p payments
	var out, story bytes.Buffer
	status := local.Tell(handler(once.Memory(), &p), builtIn, []string{"once"}, &out, &story)
	is.Equal(status, 0)
	is.Equal(p.charged, []string{"order-1", "order-2"})
	is.Equal(out.String(), `{"batchItemFailures":[`+
		`{"itemIdentifier":"00000004-5d1c-4b5a-9f2e-7c3b6a1d2e4f"},`+ // a refused card
		`{"itemIdentifier":"00000005-5d1c-4b5a-9f2e-7c3b6a1d2e4f"}]}`+"\n") // another price
	is.True(strings.Contains(story.String(), `failed: key "order-2": done for another payload`))
}

func TestARepeatedOrderIsAcknowledgedUnlessItsPriceDiffers(t *testing.T) {
	is := is.New(t)
	var p payments
	queue := batchtest.NewQueue(batchtest.QueueConfig{BatchSize: 10, MaxReceives: 3})
	for id, body := range map[string]string{
		"m-1": `{"id":"order-1","cents":4200}`,
		"m-2": `{"id":"order-1","cents":4200}`,
		"m-3": `{"id":"order-2","cents":900,"customer":"blocked"}`,
	} {
		queue.Send(batchtest.Message{ID: id, Body: body})
	}
	store := once.Memory()
	run := queue.Drain(t.Context(), handler(store, &p))
	is.NoErr(run.Err)
	slices.Sort(run.Deleted)
	is.Equal(run.Deleted, []string{"m-1", "m-2"})
	is.Equal(run.DeadLettered, []string{"m-3"})
	is.Equal(p.charged, []string{"order-1"})

	queue.Send(batchtest.Message{ID: "m-4", Body: `{"id":"order-1","cents":9900}`})
	run = queue.Drain(t.Context(), handler(store, &p))
	is.Equal(run.DeadLettered, []string{"m-4"})
	is.Equal(p.charged, []string{"order-1"})
}
