package redeliver_test

import (
	"testing"
	"time"

	"github.com/lambdabatch/batch"
	"github.com/lambdabatch/batch/redeliver"
	"github.com/matryer/is"
)

func TestTheQueueURLIsBuiltFromTheARN(t *testing.T) {
	for arn, url := range map[string]string{
		"arn:aws:sqs:eu-west-1:123456789012:orders":             "https://sqs.eu-west-1.amazonaws.com/123456789012/orders",
		"arn:aws-us-gov:sqs:us-gov-west-1:123456789012:o.fifo":  "https://sqs.us-gov-west-1.amazonaws.com/123456789012/o.fifo",
		"arn:aws-cn:sqs:cn-north-1:123456789012:orders":         "https://sqs.cn-north-1.amazonaws.com.cn/123456789012/orders",
		"arn:aws-eusc:sqs:eusc-de-east-1:123456789012:orders":   "https://sqs.eusc-de-east-1.amazonaws.eu/123456789012/orders",
		"arn:aws-iso:sqs:us-iso-east-1:123456789012:orders":     "https://sqs.us-iso-east-1.c2s.ic.gov/123456789012/orders",
		"arn:aws-iso-b:sqs:us-isob-east-1:123456789012:orders":  "https://sqs.us-isob-east-1.sc2s.sgov.gov/123456789012/orders",
		"arn:aws-iso-e:sqs:eu-isoe-west-1:123456789012:orders":  "https://sqs.eu-isoe-west-1.cloud.adc-e.uk/123456789012/orders",
		"arn:aws-iso-f:sqs:us-isof-south-1:123456789012:orders": "https://sqs.us-isof-south-1.csp.hci.ic.gov/123456789012/orders",
	} {
		is := is.New(t)
		c := new(client)
		invoke(t, t.Context(), batch.SQSHandler(each(work), redeliver.After(c, always(time.Second)), batch.WithLogger(nil)), messages(arn, "fail"))
		is.Equal(len(c.calls), 1)
		is.Equal(*c.calls[0].QueueUrl, url)
	}
}

func TestWithoutAQueueThereIsNoCall(t *testing.T) {
	for arn, why := range map[string]string{
		"":       `"no message tells the ARN of its queue"`,
		"orders": `"no queue URL is known for \"orders\""`,
		"arn:aws:sns:eu-west-1:123456789012:orders":        `"no queue URL is known for \"arn:aws:sns:eu-west-1:123456789012:orders\""`,
		"arn:aws:sqs:eu-west-1::orders":                    `"no queue URL is known for \"arn:aws:sqs:eu-west-1::orders\""`,
		"arn:aws:sqs:eu-west-1:123456789012:orders:1":      `"no queue URL is known for \"arn:aws:sqs:eu-west-1:123456789012:orders:1\""`,
		"arn:aws-moon:sqs:moon-west-1:123456789012:orders": `"no queue URL is known for \"arn:aws-moon:sqs:moon-west-1:123456789012:orders\""`,
	} {
		is := is.New(t)
		c, l := new(client), new(logbook)
		option := redeliver.After(c, always(time.Second), redeliver.WithLogger(l.logger()))
		invoke(t, t.Context(), batch.SQSHandler(each(work), option, batch.WithLogger(nil)), messages(arn, "fail", "fail"))
		is.Equal(len(c.calls), 0)
		is.Equal(l.lines(), []string{`level=WARN msg="visibility not changed" messages=2 error=` + why})
	}
}

func TestAConfiguredQueueURLIsUsed(t *testing.T) {
	is := is.New(t)
	const url = "http://127.0.0.1:4566/000000000000/orders.fifo"
	c := new(client)
	option := redeliver.After(c, always(time.Second), redeliver.WithQueueURL(url))
	event := messages("", "a/fail", "a/fail", "b/fail") // without an ARN, the URL says that it is a FIFO queue
	invoke(t, t.Context(), batch.SQSHandler(each(work), option, batch.WithLogger(nil), batch.WithPolicy(batch.StopGroup)), event)
	is.Equal(*c.calls[0].QueueUrl, url)
	is.Equal(c.waits(), map[string]int32{"m0": 1, "m1": 1, "m2": 1})
}

func TestMessagesOfASecondQueueAreLeftAlone(t *testing.T) {
	is := is.New(t)
	c, l := new(client), new(logbook)
	option := redeliver.After(c, always(time.Second), redeliver.WithLogger(l.logger()))
	event := messages(standard, "fail", "fail", "fail")
	event.Records[1].EventSourceARN = standard + "2"
	invoke(t, t.Context(), batch.SQSHandler(each(work), option, batch.WithLogger(nil)), event)
	is.Equal(c.waits(), map[string]int32{"m0": 1, "m2": 1})
	is.Equal(l.lines(), []string{`level=WARN msg="visibility not changed" record=m1 error="it is from a different queue than the first message"`})
}
