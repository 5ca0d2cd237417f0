package once_test

import (
	"context"
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"github.com/lambdabatch/batch/once"
	"github.com/matryer/is"
)

func TestBadArgumentsPanicWhereTheyAreGiven(t *testing.T) {
	store := once.Memory()
	for want, f := range map[string]func(){
		"Map: store is nil":                    func() { once.Map(nil, order.key, declining) },
		"Map: key is nil":                      func() { once.Map(store, nil, declining) },
		"Map: f is nil":                        func() { once.Map[order, receipt](store, order.key, nil) },
		"Map: an Option is nil":                func() { once.Map(store, order.key, declining, nil) },
		"Map: WithPayload is for another type": func() { once.Map(store, order.key, declining, once.WithPayload(func(int) any { return 0 })) },
		"Each: store is nil":                   func() { once.Each(nil, order.key, pass) },
		"Each: key is nil":                     func() { once.Each(store, nil, pass) },
		"Each: f is nil":                       func() { once.Each(store, order.key, nil) },
		"WithExpiry: d is not positive":        func() { once.WithExpiry(0) },
		"WithName: name is empty":              func() { once.WithName("") },
		"WithPayload: f is nil":                func() { once.WithPayload[order](nil) },
		"DynamoDB: client is nil":              func() { once.DynamoDB(nil, "t") },
		"DynamoDB: table is empty":             func() { once.DynamoDB(newTable(), "") },
		"DynamoDB: a DynamoDBOption is nil":    func() { once.DynamoDB(newTable(), "t", nil) },
		"WithAttributes: two names are the same": func() {
			once.WithAttributes(once.Attributes{Status: "data"})
		},
	} {
		t.Run(want, func(t *testing.T) {
			defer func() {
				text, _ := recover().(string)
				is.New(t).True(strings.HasSuffix(text, "once: "+want))
			}()
			f()
		})
	}
}

func TestAPayloadThatIsNotJSONFailsItsRecord(t *testing.T) {
	is := is.New(t)
	charge := once.Each(once.Memory(), order.key, func(context.Context, order) error { t.Error("called"); return nil },
		once.WithPayload(func(order) any { return func() {} }))
	is.True(charge(t.Context(), order{ID: "o-1"}) != nil)
}

func TestAPayloadWithADuplicateNameEqualsOnlyItself(t *testing.T) {
	is := is.New(t)
	store := once.Memory()
	charge := func(payload string) error {
		return once.Each(store, order.key, pass, once.WithPayload(func(order) any { return json.RawMessage(payload) }))(t.Context(), order{ID: "o-1"})
	}
	is.NoErr(charge(`{"a":1,"a":2}`))
	is.NoErr(charge(`{"a":1,"a":2}`))
	is.True(errors.Is(charge(`{"a":2,"a":1}`), once.ErrPayload))
}
