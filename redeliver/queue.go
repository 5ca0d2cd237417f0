package redeliver

import (
	"errors"
	"fmt"
	"slices"
	"strings"
)

// A queue is what the messages of a batch have in common.
type queue struct {
	url  string
	arn  string // "": the URL was given, and holds for every message
	fifo bool
}

var errNoARN = errors.New("no message tells the ARN of its queue")

// queueOf is the given queue, or that of the first message that names one.
func (c config) queueOf(messages []message) (queue, error) {
	fifo := slices.ContainsFunc(messages, func(m message) bool { return isFIFO(m.arn) })
	if c.url != "" {
		return queue{url: c.url, fifo: fifo || isFIFO(c.url)}, nil
	}
	named := slices.IndexFunc(messages, func(m message) bool { return m.arn != "" })
	if named < 0 {
		return queue{}, errNoARN
	}
	arn := messages[named].arn
	url := urlOf(arn)
	if url == "" {
		return queue{}, fmt.Errorf("no queue URL is known for %q", arn)
	}
	return queue{url: url, arn: arn, fifo: fifo}, nil
}

// isFIFO tells FIFO queues by their name, as package batch does. Messages of other queues may have groups, too.
func isFIFO(name string) bool { return strings.HasSuffix(name, ".fifo") }

// has reports whether the message is of this queue, as far as it says.
func (q queue) has(m *message) bool { return q.arn == "" || m.arn == "" || m.arn == q.arn }

// urlOf makes the URL of arn:PARTITION:sqs:REGION:ACCOUNT:NAME, "" if it is another ARN or the
// partition is not known.
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

// domainOf has the partitions that the SDK's endpoint rules know.
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
