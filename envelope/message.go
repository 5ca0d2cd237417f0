package envelope

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"

	"github.com/aws/aws-lambda-go/events"
)

// A Message carries an event as text. An SNS notification is a Message, too: an event that travels
// through a topic and a queue is unwrapped in two steps.
type Message interface {
	events.SQSMessage | events.SNSEntity
}

// SNS returns the notification that a topic has sent to a subscribed queue. Its Message is the
// published text.
//
// With raw message delivery there is no envelope, so nothing needs unwrapping and SNS returns an
// error. JSON of the sender's own may look like a notification: if it has no TopicArn, but members
// that no notification has, it is an error. The other messages of a topic, such as a
// SubscriptionConfirmation, are errors too.
func SNS(ctx context.Context, m events.SQSMessage) (events.SNSEntity, error) {
	at, text := content(ctx, m)
	var n events.SNSEntity
	err := json.Unmarshal(text, &n)
	if err == nil && n.Type == "Notification" {
		err = checkNotification(n, text)
	}
	if err != nil || n.Type != "Notification" {
		return events.SNSEntity{}, at.contentError(snsNotification, text, err)
	}
	return n, nil
}

// checkNotification returns an error if the text is JSON of the sender's own, without an envelope. Every notification names its
// topic. Without one, the text may have nothing that would be lost.
func checkNotification(n events.SNSEntity, text []byte) error {
	if n.Message == "" {
		return errNoMessage
	}
	if n.TopicArn != "" {
		return nil
	}
	d := json.NewDecoder(bytes.NewReader(text))
	d.DisallowUnknownFields()
	if d.Decode(new(events.SNSEntity)) != nil {
		return errNoTopic
	}
	return nil
}

// EventBridge returns the event that a rule has sent to the queue, or to the topic before it. Its
// Detail is the JSON that the source has sent.
//
// If the target of the rule has an input path or an input transformer, it receives
// something other than the event. EventBridge returns an error if that has no source, detail-type or
// detail.
func EventBridge[M Message](ctx context.Context, m M) (events.EventBridgeEvent, error) {
	at, text := content(ctx, m)
	var e events.EventBridgeEvent
	err := json.Unmarshal(text, &e)
	isEvent := e.DetailType != "" && e.Source != ""
	if err == nil && isEvent && len(e.Detail) == 0 {
		err = errNoDetail
	}
	if err != nil || !isEvent {
		return events.EventBridgeEvent{}, at.contentError(eventBridgeEvent, text, err)
	}
	return e, nil
}

// S3 returns the objects of a notification from a bucket, at least one. Use URLDecodedKey to fetch an
// object. Key is URL-encoded, with a plus for a space.
//
// When notifications are set up, S3 sends a test event. It has no objects and is not an error: with
// batch.TryFlatMap its message is acknowledged.
func S3[M Message](ctx context.Context, m M) ([]events.S3EventRecord, error) {
	at, text := content(ctx, m)
	var n struct {
		Event   string
		Records boundedList[json.RawMessage] // decoded one by one, because a record takes far more memory than "{}"
	}
	err := json.Unmarshal(text, &n)
	if errors.Is(err, ErrTooLarge) {
		return nil, at.decodeError(err)
	}
	if err == nil && n.Event == s3TestEvent && len(n.Records) == 0 {
		return nil, nil
	}
	if err != nil || len(n.Records) == 0 {
		return nil, at.contentError(s3Notification, text, err)
	}
	var records []events.S3EventRecord
	for _, r := range n.Records {
		record, err := s3Record(r)
		if err != nil {
			return nil, at.contentError(s3Notification, text, err)
		}
		records = append(records, record)
	}
	return records, nil
}

func s3Record(text []byte) (r events.S3EventRecord, err error) {
	err = json.Unmarshal(text, &r)
	if err == nil && (r.S3.Bucket.Name == "" || r.S3.Object.Key == "") {
		err = errNoObject
	}
	return r, err
}

const s3TestEvent = "s3:TestEvent"

var (
	errNoMessage = errors.New("it has no Message")
	errNoTopic   = errors.New("it has no TopicArn, but members that no notification has")
	errNoDetail  = errors.New("it has no detail")
	errNoObject  = errors.New("a record has no bucket or no key")
)

func content[M Message](ctx context.Context, m M) (at location, text []byte) {
	if n, ok := any(m).(events.SNSEntity); ok {
		return locate(ctx, n.MessageID, "Message"), []byte(n.Message)
	}
	q := any(m).(events.SQSMessage)
	return locate(ctx, q.MessageId, "body"), []byte(q.Body)
}
