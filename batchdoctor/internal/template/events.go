package template

import (
	"cmp"
	"strings"

	"github.com/lambdabatch/batch/batchdoctor/diagnosis"
)

// addEvents translates the events of an AWS::Serverless::Function, of which SAM makes event
// source mappings.
func (t *template) addEvents(id string) {
	events := t.resolve(t.property(id, "Events"))
	if events.reason != "" {
		t.gap(id, t.resources[id].line, "has Events that cannot be read: the property "+events.reason)
		return
	}
	if events.node == nil {
		return
	}
	for _, event := range events.node.fields {
		if t.steps <= 0 {
			return
		}
		t.addEvent(id, event)
	}
}

func (t *template) addEvent(id string, event field) {
	if strings.HasPrefix(event.key, "Fn::") {
		t.gap(id, event.line, "has Events that "+event.key+" creates")
		return
	}
	body := t.resolve(event.value)
	settings := t.resolve(body.node.get("Properties"))
	eventType := t.resolve(body.node.property("Type"))
	if reason := cmp.Or(body.reason, settings.reason, eventType.reason); reason != "" {
		t.gap(id, event.line, "has an event "+event.key+" that "+reason)
		return
	}
	b := block{body.node, settings.node}
	kind, arn := eventKind(eventType.text)
	resource := t.resource(id)
	resource.Name = id + event.key // SAM's logical ID of the mapping
	resource.Line = event.line
	resource.Address += ".Events." + event.key + ".Properties"
	switch {
	case kind != diagnosis.Other:
		m := t.mapping(resource, b)
		m.Source = t.source(b.property(arn), kind)
		m.Function = t.functionAt(id)
		t.add(m)
	case eventType.text == "SNS":
		t.addSubscription(id, resource, t.resolve(b.property("SqsSubscription")))
	}
}

// addSubscription translates SqsSubscription: SAM puts a queue between the topic and the
// function. Unless the queue is given, SAM creates it, with SQS's defaults.
func (t *template) addSubscription(id string, resource diagnosis.Resource, v value) {
	subscription := v.node
	switch {
	case v.reason != "":
		t.gap(id, resource.Line, "has an event whose SqsSubscription "+v.reason)
		return
	case v.isUnset(), strings.EqualFold(v.text, "false"):
		return
	}
	const generator = "SqsSubscription"
	resource.Address, resource.Generator = "", generator
	m := t.mapping(resource, block{properties: subscription})
	m.Source = diagnosis.Source{Resource: t.elsewhere(resource.Name + "Queue"), Kind: diagnosis.SQS}
	m.Source.Generator = generator
	if arn := subscription.property("QueueArn"); arn != nil {
		m.Source = t.source(arn, diagnosis.SQS)
	}
	m.Function = t.functionAt(id)
	t.add(m)
}

// eventKind returns the kind of an event's source, and the property with its ARN.
func eventKind(eventType string) (kind diagnosis.Kind, arn string) {
	switch eventType {
	case "SQS":
		return diagnosis.SQS, "Queue"
	case "Kinesis":
		return diagnosis.Kinesis, "Stream"
	case "DynamoDB":
		return diagnosis.DynamoDB, "Stream"
	case "MSK", "SelfManagedKafka":
		return diagnosis.Kafka, "Stream"
	}
	return diagnosis.Other, ""
}
