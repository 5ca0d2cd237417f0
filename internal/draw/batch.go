// Package draw draws batches and pipelines for property tests. [Case.Play] runs a drawn case on package
// batch. [Case.Model] computes with a small interpreter what the result must be.
//
// The value of every Result is a text. It begins with the index of the record, and each stage appends
// to it. So a list of calls, each with the value or the error that the function received, describes
// everything that a pipeline did.
package draw

import (
	"cmp"
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"

	"github.com/aws/aws-lambda-go/events"
	"github.com/lambdabatch/batch"
	"github.com/samber/lo"
	"pgregory.net/rapid"
)

// The sources of batches.
const (
	From     = "From"
	Of       = "Of"
	SQS      = "SQS"
	FIFO     = "FIFO"
	Kinesis  = "Kinesis"
	DynamoDB = "DynamoDB"
	Kafka    = "Kafka"
)

// Record is one record of a drawn batch.
type Record struct {
	ID      string
	Group   string
	Attempt int
	Bad     bool // the payload does not decode; only in events
}

// Batch is a drawn batch and the options of its source.
type Batch struct {
	Source      string
	Records     []Record
	Policy      int // -1: the source's own
	MaxReceives int // 0: not set
	AllFailedOK bool
}

var oddIDs = []string{"a", "b", "a \"<&>\x7f"}

// Batches draws batches of the sources. In most of them each record has its own identifier.
func Batches(sources ...string) *rapid.Generator[Batch] {
	return rapid.Custom(func(t *rapid.T) Batch {
		b := Batch{
			Source: rapid.SampledFrom(sources).Draw(t, "source"),
			Policy: rapid.IntRange(-1, int(batch.StopBatch)).Draw(t, "policy"),
		}
		odd := rapid.IntRange(0, 5).Draw(t, "odd identifiers")
		for i := range rapid.IntRange(0, 7).Draw(t, "records") {
			r := Record{
				ID:      "r" + strconv.Itoa(i),
				Group:   rapid.SampledFrom([]string{"", "g", "g", "h"}).Draw(t, "group"),
				Attempt: rapid.IntRange(0, 3).Draw(t, "attempt"),
			}
			if odd > 3 {
				r.ID = rapid.SampledFrom(oddIDs).Draw(t, "identifier")
			}
			if odd == 5 && i%2 == 0 {
				r.ID = ""
			}
			b.Records = append(b.Records, r)
		}
		if rapid.Bool().Draw(t, "receives known") {
			b.MaxReceives = rapid.IntRange(1, 3).Draw(t, "maxReceives")
		}
		b.AllFailedOK = rapid.Bool().Draw(t, "all failed is fine")
		return b.sendable()
	})
}

// sendable changes the batch into one that its source can send.
func (b Batch) sendable() Batch {
	if b.Source == Of {
		b.Policy, b.MaxReceives, b.AllFailedOK = -1, 0, false // it takes no options
	}
	if b.Source == Kafka {
		for i := range b.Records {
			b.Records[i].Group = "t" + b.Records[i].Group + "-1"
		}
		slices.SortStableFunc(b.Records, func(a, b Record) int { return cmp.Compare(a.Group, b.Group) })
	}
	for i := range b.Records {
		r := &b.Records[i]
		switch b.Source {
		case Of:
			*r = Record{ID: strconv.Itoa(i)}
		case Kinesis, DynamoDB:
			r.Attempt = 0
		case Kafka:
			r.Attempt, r.ID = 0, r.Group+"/"+strconv.Itoa(b.offset(i))
		}
	}
	return b
}

// offset returns some offsets twice, because identifiers need not be unique.
func (b Batch) offset(i int) int { return i - i%2*len(b.Records)%2 }

// policy is the policy in force.
func (b Batch) policy() batch.Policy {
	if b.Policy >= 0 {
		return batch.Policy(b.Policy)
	}
	switch b.Source {
	case FIFO, Kafka:
		return batch.StopGroup
	case Kinesis, DynamoDB:
		return batch.StopBatch
	}
	return batch.Continue
}

func (b Batch) options() []batch.Option {
	var opts []batch.Option
	if b.Policy >= 0 {
		opts = append(opts, batch.WithPolicy(batch.Policy(b.Policy)))
	}
	if b.MaxReceives > 0 {
		opts = append(opts, batch.WithMaxReceives(b.MaxReceives))
	}
	if b.AllFailedOK {
		opts = append(opts, batch.WithoutAllFailedError())
	}
	return opts
}

// stream is the source, with a stage that makes texts of events.
func (b Batch) stream(ctx context.Context, p *Play, opts []batch.Option) batch.Stream[string] {
	switch b.Source {
	case From:
		return batch.From(ctx, lo.Times(len(b.Records), strconv.Itoa), b.describe, opts...)
	case Of:
		return batch.Of(lo.Times(len(b.Records), strconv.Itoa)...)
	case SQS, FIFO:
		return p.fromSQS(batch.SQS(ctx, decoded[events.SQSEvent](b), opts...))
	case Kinesis:
		return p.fromKinesis(batch.Kinesis(ctx, decoded[events.KinesisEvent](b), opts...))
	case DynamoDB:
		return p.fromDynamoDB(batch.DynamoDB(ctx, decoded[events.DynamoDBEvent](b), opts...))
	case Kafka:
		return p.fromKafka(batch.Kafka(ctx, decoded[events.KafkaEvent](b), opts...))
	}
	panic("draw: no source " + b.Source)
}

func (b Batch) describe(text string) batch.Record {
	i, _ := strconv.Atoi(text)
	r := b.Records[i]
	return batch.Record{ID: r.ID, Group: r.Group, Attempt: r.Attempt, Index: -1, Source: "ignored"}
}

// handler is the handler of the source.
func (b Batch) handler(p *Play, opts []batch.Option) *batch.Handler {
	switch b.Source {
	case SQS, FIFO:
		return batch.SQSHandler(func(s batch.Stream[events.SQSMessage]) batch.Stream[string] {
			return p.Pipeline(p.fromSQS(s))
		}, opts...)
	case Kinesis:
		return batch.KinesisHandler(func(s batch.Stream[events.KinesisEventRecord]) batch.Stream[string] {
			return p.Pipeline(p.fromKinesis(s))
		}, opts...)
	case DynamoDB:
		return batch.DynamoDBHandler(func(s batch.Stream[events.DynamoDBEventRecord]) batch.Stream[string] {
			return p.Pipeline(p.fromDynamoDB(s))
		}, opts...)
	case Kafka:
		return batch.KafkaHandler(func(s batch.Stream[events.KafkaRecord]) batch.Stream[string] {
			return p.Pipeline(p.fromKafka(s))
		}, opts...)
	}
	panic("draw: no handler for " + b.Source)
}

func (p *Play) fromSQS(s batch.Stream[events.SQSMessage]) batch.Stream[string] {
	return batch.Decode[string](s, p.enter)
}

func (p *Play) fromKinesis(s batch.Stream[events.KinesisEventRecord]) batch.Stream[string] {
	return batch.Decode[string](s, p.enter)
}

func (p *Play) fromKafka(s batch.Stream[events.KafkaRecord]) batch.Stream[string] {
	return batch.Decode[string](s, p.enter)
}

func (p *Play) fromDynamoDB(s batch.Stream[events.DynamoDBEventRecord]) batch.Stream[string] {
	return batch.TryMap(s, func(_ context.Context, r events.DynamoDBEventRecord) (text string, err error) {
		err = p.enter([]byte(r.Change.NewImage["text"].String()), &text)
		return text, err
	})
}

// hasEntry reports whether a stage makes texts of the events of the source.
func (b Batch) hasEntry() bool { return b.Source != From && b.Source != Of }

// enter is the function of that stage.
func (p *Play) enter(text []byte, value any) error {
	if p.scopes != nil {
		p.scopes.Call(indexOf(string(text)))
	}
	p.call(entry, string(text))
	*value.(*string) = string(text)
	return nil
}

type object = map[string]any

// Payload is the event as Lambda sends it.
func (b Batch) Payload() []byte {
	var event object
	if b.Source == Kafka {
		partitions := lo.GroupByMap(lo.Range(len(b.Records)), func(i int) (string, object) {
			return b.Records[i].Group, b.encoded(i)
		})
		event = object{"eventSource": "aws:kafka", "records": partitions}
	} else {
		event = object{"Records": lo.Times(len(b.Records), b.encoded)}
	}
	return lo.Must(json.Marshal(event))
}

// encoded is a record as the event contains it.
func (b Batch) encoded(i int) object {
	r := b.Records[i]
	text := strconv.Itoa(i)
	data := base64.StdEncoding.EncodeToString([]byte(text))
	switch b.Source {
	case SQS, FIFO:
		arn := "arn:aws:sqs:eu-west-1:123456789012:orders"
		if b.Source == FIFO {
			arn += ".fifo"
		}
		attributes := object{"ApproximateReceiveCount": strconv.Itoa(r.Attempt)}
		if r.Group != "" {
			attributes["MessageGroupId"] = r.Group
		}
		return object{"eventSource": "aws:sqs", "eventSourceARN": arn, "messageId": r.ID, "attributes": attributes,
			"body": lo.Ternary[any](r.Bad, 5, text)}
	case Kinesis:
		return object{"eventSource": "aws:kinesis", "eventID": "not this", "kinesis": object{
			"sequenceNumber": r.ID, "partitionKey": r.Group, "data": lo.Ternary(r.Bad, "%", data),
		}}
	case DynamoDB:
		var keys any
		if r.Group != "" {
			keys = object{"id": object{"S": r.Group}}
		}
		return object{"eventSource": "aws:dynamodb", "eventID": "not this", "dynamodb": object{
			"SequenceNumber": r.ID, "Keys": keys, "NewImage": object{"text": object{lo.Ternary(r.Bad, "X", "S"): text}},
		}}
	case Kafka:
		return object{"topic": r.Group[:len(r.Group)-2], "partition": 1, "offset": b.offset(i),
			"value": lo.Ternary[any](r.Bad, 5, data)}
	}
	panic("draw: no event of " + b.Source)
}

func decoded[E any](b Batch) (event E) {
	if err := json.Unmarshal(b.Payload(), &event); err != nil {
		panic(fmt.Sprintf("draw: %v", err))
	}
	return event
}
