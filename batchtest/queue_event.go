package batchtest

import (
	"crypto/md5"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"hash"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/aws/aws-lambda-go/events"
	"github.com/samber/lo"
)

type sqsEvent struct {
	Records []json.RawMessage `json:"Records"`
}

// sqsMessage is events.SQSMessage as the service writes it: a message without attributes has no
// digest of them.
type sqsMessage struct {
	events.SQSMessage
	Md5OfMessageAttributes string `json:"md5OfMessageAttributes,omitempty"`
}

// record returns the message as an event contains it if it is received now.
func (q *Queue) record(m *message, now time.Time) json.RawMessage {
	first := m.first
	if m.received == 0 {
		first = now
	}
	attributes := map[string]string{
		"ApproximateReceiveCount":          strconv.Itoa(m.received + 1),
		"SentTimestamp":                    milliseconds(m.sent),
		"SenderId":                         "AIDAEXAMPLESENDER0001",
		"ApproximateFirstReceiveTimestamp": milliseconds(first),
	}
	if m.Group != "" {
		attributes["MessageGroupId"] = m.Group
	}
	arn := "arn:aws:sqs:" + region + ":" + account + ":queue"
	if q.config.FIFO {
		arn += ".fifo"
		attributes["SequenceNumber"] = fmt.Sprintf("188%017d", m.number)
		attributes["MessageDeduplicationId"] = strconv.Itoa(m.number)
	}
	return marshal(sqsMessage{
		SQSMessage: events.SQSMessage{
			MessageId:         m.ID,
			ReceiptHandle:     receiptHandle(m.number, q.receives),
			Body:              m.Body,
			Md5OfBody:         digest([]byte(m.Body)),
			Attributes:        attributes,
			MessageAttributes: messageAttributes(m.Attributes),
			EventSourceARN:    arn,
			EventSource:       "aws:sqs",
			AWSRegion:         region,
		},
		Md5OfMessageAttributes: attributesDigest(m.Attributes),
	})
}

// messageAttributes makes nil lists empty. The service sends empty lists, where nil would become
// null.
func messageAttributes(attributes map[string]events.SQSMessageAttribute) map[string]events.SQSMessageAttribute {
	return lo.MapValues(attributes, func(a events.SQSMessageAttribute, _ string) events.SQSMessageAttribute {
		a.StringListValues = append([]string{}, a.StringListValues...)
		a.BinaryListValues = append([][]byte{}, a.BinaryListValues...)
		return a
	})
}

// attributesDigest follows "Calculating the MD5 message digest for message attributes" in the SQS
// developer guide.
func attributesDigest(attributes map[string]events.SQSMessageAttribute) string {
	if len(attributes) == 0 {
		return ""
	}
	sum := md5.New()
	for _, name := range slices.Sorted(maps.Keys(attributes)) {
		attribute := attributes[name]
		writePart(sum, []byte(name))
		writePart(sum, []byte(attribute.DataType))
		if strings.HasPrefix(attribute.DataType, "Binary") {
			sum.Write([]byte{2})
			writePart(sum, attribute.BinaryValue)
			continue
		}
		sum.Write([]byte{1})
		if attribute.StringValue != nil {
			writePart(sum, []byte(*attribute.StringValue))
		}
	}
	return hex.EncodeToString(sum.Sum(nil))
}

func writePart(sum hash.Hash, part []byte) {
	sum.Write(binary.BigEndian.AppendUint32(nil, uint32(len(part))))
	sum.Write(part)
}

func digest(content []byte) string {
	sum := md5.Sum(content)
	return hex.EncodeToString(sum[:])
}

func milliseconds(t time.Time) string { return strconv.FormatInt(t.UnixMilli(), 10) }
