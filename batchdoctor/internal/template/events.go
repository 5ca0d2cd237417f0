package template

import (
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
	properties := t.resolve(body.node.get("Properties"))
	kind, arn := eventKind(textOf(body.node.get("Type")))
	if kind == diagnosis.Other {
		return
	}
	resource := t.resource(id)
	resource.Name = id + event.key // SAM's logical ID of the mapping
	resource.Line = event.line
	resource.Address += ".Events." + event.key + ".Properties"
	m := t.mapping(resource, properties.node)
	m.Source = t.source(properties.node.get(arn), kind)
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
