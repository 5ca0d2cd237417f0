package redeliver

import (
	"errors"
	"fmt"
	"slices"
	"strings"
)

// A queue is the one that the messages of a batch came from.
type queue struct {
	url  string
	arn  string // "" if WithQueueURL set the URL, which then applies to every message
	fifo bool
}

var errNoARN = errors.New("no message tells the ARN of its queue")

// queueOf returns the queue that WithQueueURL names, or else that of the first message with an ARN.
func (c config) queueOf(messages []message) (queue, error) {
	fifo := slices.ContainsFunc(messages, func(m message) bool { return isFIFO(m.arn) })
	if c.url != "" {
		return queue{url: c.url, fifo: fifo || isFIFO(c.url)}, nil
	}
	first := slices.IndexFunc(messages, func(m message) bool { return m.arn != "" })
	if first < 0 {
		return queue{}, errNoARN
	}
	arn := messages[first].arn
	url := urlOf(arn)
	if url == "" {
		return queue{}, fmt.Errorf("no queue URL is known for %q", arn)
	}
	return queue{url: url, arn: arn, fifo: fifo}, nil
}

// isFIFO decides by the name or ARN of the queue, as package batch does. Groups prove nothing, because messages
// of standard queues may have them, too.
func isFIFO(name string) bool { return strings.HasSuffix(name, ".fifo") }

// has reports whether the message is from this queue. A message without an ARN is assumed to be.
func (q queue) has(m *message) bool { return q.arn == "" || m.arn == "" || m.arn == q.arn }

// urlOf returns the URL of arn:PARTITION:sqs:REGION:ACCOUNT:NAME. It returns "" for any other ARN and for
// unknown partitions.
func urlOf(arn string) string {
	parts := strings.Split(arn, ":")
	if len(parts) != 6 || parts[0] != "arn" || parts[2] != "sqs" || slices.Contains(parts, "") {
		return ""
	}
	domain := domainOf(parts[1])
	if domain == "" {
		return ""
	}
	return "https://sqs." + parts[3] + "." + domain + "/" + parts[4] + "/" + parts[5]
}

// domainOf covers the partitions in the SDK's endpoint rules.
func domainOf(partition string) string {
	switch partition {
	case "aws", "aws-us-gov":
		return "amazonaws.com"
	case "aws-cn":
		return "amazonaws.com.cn"
	case "aws-eusc":
		return "amazonaws.eu"
	case "aws-iso":
		return "c2s.ic.gov"
	case "aws-iso-b":
		return "sc2s.sgov.gov"
	case "aws-iso-e":
		return "cloud.adc-e.uk"
	case "aws-iso-f":
		return "csp.hci.ic.gov"
	}
	return ""
}
