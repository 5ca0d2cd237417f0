package local

import (
	"bytes"
	"encoding/json"
	"strings"
)

// A service is where an event is from. It decides what a response means.
type service int

const (
	sqs service = iota
	stream
	firehose
)

// A delivery is an event as far as the story needs it.
type delivery struct {
	service service
	records []arrival
	state   json.RawMessage // of a tumbling window
	final   bool            // the last invocation of a window
	failed  bool            // the invocation, so there is no response
}

// read takes what it can from an event: a record that cannot be read has a line with an empty ID in the story.
func read(event []byte) delivery {
	var e struct {
		DeliveryStreamARN      string
		State                  json.RawMessage
		IsFinalInvokeForWindow bool
		Records                []struct {
			EventSource     string
			MessageID, Body string // of SQS
			RecordID        string // of Firehose
			Data            []byte
			Kinesis         struct {
				SequenceNumber string
				Data           []byte
			}
		}
	}
	_ = json.Unmarshal(event, &e)
	d := delivery{state: e.State, final: e.IsFinalInvokeForWindow}
	for _, r := range e.Records {
		switch {
		case e.DeliveryStreamARN != "":
			d.service = firehose
			d.records = append(d.records, arrival{r.RecordID, string(r.Data)})
		case r.EventSource == "aws:kinesis" || r.Kinesis.SequenceNumber != "":
			d.service = stream
			d.records = append(d.records, arrival{r.Kinesis.SequenceNumber, string(r.Kinesis.Data)})
		default:
			d.records = append(d.records, arrival{r.MessageID, r.Body})
		}
	}
	if d.state != nil {
		d.service = stream
	}
	return d
}

// circumstances ends the line that says how many records arrived.
func (d delivery) circumstances() string {
	switch {
	case d.state == nil:
		return ":"
	case d.final:
		return ". The window is over, and its state is " + string(d.state) + ":"
	}
	return "; the window's state is " + string(d.state) + ":"
}

// shortened has the IDs in text as the table has them.
func (d delivery) shortened(text string) string {
	for _, a := range d.records {
		if a.id != "" {
			text = strings.ReplaceAll(text, a.id, a.shortID())
		}
	}
	return text
}

// An arrival is a record of the event.
type arrival struct{ id, text string }

// shortID is the part of the ID in which records differ: the first letters of a message's ID, the last
// digits of a sequence number.
func (a arrival) shortID() string {
	const letters = 8
	switch {
	case len(a.id) <= letters:
		return a.id
	case strings.Trim(a.id, "0123456789") == "":
		return "…" + a.id[len(a.id)-letters:]
	}
	return a.id[:letters] + "…"
}

// clipped is the record's text on one line, without the middle if it is long.
func (a arrival) clipped() string {
	text := a.text
	var compact bytes.Buffer
	if json.Compact(&compact, []byte(text)) == nil {
		text = compact.String()
	}
	const most = 60
	letters := []rune(strings.Join(strings.Fields(text), " "))
	if len(letters) <= most {
		return string(letters)
	}
	half := (most - 1) / 2
	return string(letters[:half]) + "…" + string(letters[len(letters)-half:])
}
