package main

import (
	"encoding/json"
	"fmt"
	"os/exec"
	"testing"

	"github.com/matryer/is"
	"github.com/samber/lo"
)

// wantResponse returns the response that lists the refused records.
func wantResponse(payload []byte, s size) (response string, err error) {
	var event struct {
		Records []struct {
			MessageID string                          `json:"messageId"`
			Kinesis   struct{ SequenceNumber string } `json:"kinesis"`
			DynamoDB  struct{ SequenceNumber string } `json:"dynamodb"`
		}
	}
	if err := json.Unmarshal(payload, &event); err != nil {
		return "", err
	}
	items := []string{}
	for i, r := range event.Records {
		if s.orderAt(i).Total < 0 {
			id := lo.CoalesceOrEmpty(r.MessageID, r.Kinesis.SequenceNumber, r.DynamoDB.SequenceNumber)
			items = append(items, fmt.Sprintf(`{"itemIdentifier":%q}`, id))
		}
	}
	list, _ := json.Marshal(lo.Map(items, func(item string, _ int) json.RawMessage { return json.RawMessage(item) }))
	return fmt.Sprintf(`{"batchItemFailures":%s}`, list), nil
}

func TestAllRivalsGiveTheSameResponse(t *testing.T) {
	is := is.New(t)
	is.NoErr(installPowertools())
	discardLog()
	for _, s := range sources() {
		for _, size := range []size{{n: 1, noneRefused: true}, {n: 10}, {n: 1_000}} {
			payload := s.payload(size)
			want, err := wantResponse(payload, size)
			is.NoErr(err)
			for _, r := range s.rivals {
				response, err := invoke(r.handler, payload)
				is.NoErr(err)
				is.Equal(string(response), want) // a Go handler
			}
			c := s.contest(size)
			file, err := c.writePayload(t.TempDir())
			is.NoErr(err)
			for _, r := range c.rivals {
				if r.node == nil {
					continue
				}
				program := exec.Command("node", append(r.node(file), "once")...)
				program.Dir = powertoolsDir
				response, err := program.Output()
				is.NoErr(err)
				is.Equal(string(response), want) // a Node program
			}
		}
	}
}

func TestOneRecordInAHundredIsRefusedAndOneInASmallerBatch(t *testing.T) {
	is := is.New(t)
	for n, want := range map[int]int{10: 1, 100: 1, 1_000: 10, 10_000: 100} {
		is.Equal(lo.CountBy(lo.Range(n), func(i int) bool { return size{n: n}.orderAt(i).Total < 0 }), want)
	}
}

func TestTenThousandMessagesFitIntoAPayload(t *testing.T) {
	is.New(t).True(len(sqsPayload(size{n: 10_000})) <= 6<<20)
}

func TestEveryRivalDoesItsWork(t *testing.T) {
	is := is.New(t)
	for _, c := range contests() {
		for _, r := range c.rivals {
			if r.prepare != nil && c.records <= 1_000 {
				is.NoErr(r.prepare(t.Context())())
			}
		}
	}
}
