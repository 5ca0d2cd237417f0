package envelope

// What arrives in an SQS message, or in an SNS notification taken out of one.

import (
	"context"
	"encoding/json"
	"errors"

	"github.com/aws/aws-lambda-go/events"
)

// A Message carries an event as text. An SNS notification is one too, so that
// what travels through a topic and a queue is unwrapped in two steps.
type Message interface {
	events.SQSMessage | events.SNSEntity
}

func content[M Message](m M) (at place, text []byte) {
	if n, ok := any(m).(events.SNSEntity); ok {
		return place{n.MessageID, "Message"}, []byte(n.Message)
	}
	q := any(m).(events.SQSMessage)
	return place{q.MessageId, "body"}, []byte(q.Body)
}

// SNS returns the notification of a queue that is subscribed to a topic. What
// was published is its Message, a string.
//
// A subscription with raw message delivery has no envelope and needs no
// unwrapping; its messages fail here, as does anything else that a topic sends,
// such as a SubscriptionConfirmation.
func SNS(_ context.Context, m events.SQSMessage) (events.SNSEntity, error) {
	at, text := content(m)
	var n events.SNSEntity
	if err := json.Unmarshal(text, &n); err != nil || n.Type != "Notification" {
		return events.SNSEntity{}, at.contentError(snsNotification, text, err)
	}
	return n, nil
}

// EventBridge returns the event of a rule whose target is the queue, or the
// topic before it. What the source sent is its Detail, as JSON.
//
// A target with an input path or transformer sends no envelope but what that
// makes of it; such messages fail here.
func EventBridge[M Message](_ context.Context, m M) (events.EventBridgeEvent, error) {
	at, text := content(m)
	var e events.EventBridgeEvent
	if err := json.Unmarshal(text, &e); err != nil || e.DetailType == "" || e.Source == "" {
		return events.EventBridgeEvent{}, at.contentError(eventBridgeEvent, text, err)
	}
	return e, nil
}

const s3TestEvent = "s3:TestEvent"

var errNoObject = errors.New("no bucket or no key in one of its records")

// S3 returns the objects of a bucket's notification, at least one. The key to
// fetch an object with is its URLDecodedKey; Key is as the service wrote it,
// with a plus for a space.
//
// The test event that S3 sends when notifications are set up has none and is no
// error: under batch.TryFlatMap its message is acknowledged.
func S3[M Message](_ context.Context, m M) ([]events.S3EventRecord, error) {
	at, text := content(m)
	var n struct {
		Event   string
		Records []events.S3EventRecord
	}
	err := json.Unmarshal(text, &n)
	if err == nil && n.Event == s3TestEvent && len(n.Records) == 0 {
		return nil, nil
	}
	if err != nil || len(n.Records) == 0 {
		return nil, at.contentError(s3Notification, text, err)
	}
	for _, r := range n.Records {
		if r.S3.Bucket.Name == "" || r.S3.Object.Key == "" {
			return nil, at.contentError(s3Notification, text, errNoObject)
		}
	}
	return n.Records, nil
}
