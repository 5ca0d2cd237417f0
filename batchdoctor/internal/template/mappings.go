package template

import (
	"cmp"
	"strings"

	"github.com/lambdabatch/batch/batchdoctor/diagnosis"
)

// addMapping translates an AWS::Lambda::EventSourceMapping.
func (t *template) addMapping(id string) {
	b := newBlock(t.resources[id].value)
	m := t.mapping(t.resource(id), b)
	m.Source = t.source(b.property("EventSourceArn"), kindByProperties(b.properties))
	m.Function = t.function(b.property("FunctionName"))
	t.add(m)
}

func (t *template) add(m diagnosis.Mapping) {
	if m.Source.Name == "" {
		m.Source.Name = m.Name
	}
	t.deployment.Mappings = append(t.deployment.Mappings, m)
}

// mapping translates the properties that event source mappings and SAM's events share.
func (t *template) mapping(resource diagnosis.Resource, b block) diagnosis.Mapping {
	return diagnosis.Mapping{
		Resource:          resource,
		ResponseTypes:     t.texts(b.property("FunctionResponseTypes")),
		BatchSize:         t.number(b.property("BatchSize")),
		BatchWindow:       t.number(b.property("MaximumBatchingWindowInSeconds")),
		ProvisionedPoller: t.presence(b.property("ProvisionedPollerConfig")),
		BisectOnError:     t.boolean(b.property("BisectBatchOnFunctionError")),
		RetryAttempts:     t.number(b.property("MaximumRetryAttempts")),
		RecordAge:         t.number(b.property("MaximumRecordAgeInSeconds")),
		OnFailure:         t.onFailure(b.property("DestinationConfig")),
		TumblingWindow:    t.number(b.property("TumblingWindowInSeconds")),
	}
}

// onFailure is known even if the destination is another resource or a parameter, or one of two
// under a condition: all that matters is that there is one.
func (t *template) onFailure(config *node) diagnosis.Setting[string] {
	destination, outer := t.inside(config, "OnFailure", "Destination")
	if outer.reason != "" {
		return diagnosis.Unknown[string](outer.reason)
	}
	if text := t.textOfEachChoice(destination); text != "" {
		return diagnosis.Known(readable(text))
	}
	v := t.resolve(destination)
	if v.isUnset() {
		return diagnosis.Unset[string]()
	}
	return diagnosis.Unknown[string](cmp.Or(v.reason, "has a destination that is not a text"))
}

// textOfEachChoice returns the text of the first value that a node may have, or "" if one of the
// values has none.
func (t *template) textOfEachChoice(n *node) (first string) {
	all := true
	t.eachChoice(n, func(v value) {
		first = cmp.Or(first, v.text)
		all = all && v.text != ""
	})
	if !all {
		return ""
	}
	return first
}

// kindByProperties returns the kind of a source whose ARN is unknown. Each service except SQS
// requires a property that the others do not have.
func kindByProperties(properties *node) diagnosis.Kind {
	has := func(name string) bool { return properties.get(name) != nil }
	switch {
	case has("Topics"), has("SelfManagedEventSource"), has("AmazonManagedKafkaEventSourceConfig"), has("SelfManagedKafkaEventSourceConfig"):
		return diagnosis.Kafka
	case has("Queues"), has("DocumentDBEventSourceConfig"):
		return diagnosis.Other
	case has("StartingPosition"):
		return diagnosis.Stream
	}
	return diagnosis.SQS
}

// kindByType returns the kind of a source in the template.
func kindByType(resourceType string) (diagnosis.Kind, bool) {
	switch resourceType {
	case queueType:
		return diagnosis.SQS, true
	case "AWS::Kinesis::Stream", "AWS::Kinesis::StreamConsumer":
		return diagnosis.Kinesis, true
	case "AWS::DynamoDB::Table", "AWS::DynamoDB::GlobalTable", "AWS::Serverless::SimpleTable":
		return diagnosis.DynamoDB, true
	case "AWS::MSK::Cluster", "AWS::MSK::ServerlessCluster":
		return diagnosis.Kafka, true
	case "AWS::AmazonMQ::Broker", "AWS::DocDB::DBCluster":
		return diagnosis.Other, true
	}
	return diagnosis.Other, false
}

// source returns the source that an ARN or a reference names. If neither shows its kind, the
// kind is otherwise.
func (t *template) source(n *node, otherwise diagnosis.Kind) diagnosis.Source {
	v := t.resolve(n)
	kind, name, told := otherwise, v.text, false
	if parts, ok := splitARN(v.text); ok {
		name = parts[5]
		if byService, ok := diagnosis.KindOf(parts[2]); ok {
			kind, told = byService, true
		}
	}
	id := referredBy(withoutType(name), '/')
	if byType, ok := kindByType(t.typeOf(id)); ok && (byType == kind || !told) {
		return t.sourceAt(id, byType)
	}
	ids := t.queueIDs(v.text)
	switch {
	case kind != diagnosis.SQS || len(ids) == 0:
		return t.sourceElsewhere(kind, name, whyElsewhere(v))
	case len(ids) > 1:
		return t.sourceElsewhere(kind, name, "is unknown, because the queue may be "+oneOf(ids))
	}
	return t.sourceAt(ids[0], kind)
}

// withoutType returns the name in the last part of an ARN, which may begin with the type of the
// resource: of stream/orders it returns orders.
func withoutType(resource string) string {
	if typ, name, ok := strings.Cut(resource, "/"); ok && !strings.Contains(typ, mark) {
		return name
	}
	return resource
}

// queueIDs returns the logical ID of the queue that an ARN or a reference names. Under different
// conditions, several queues may have the name.
func (t *template) queueIDs(text string) []string {
	name := text
	if parts, ok := splitARN(text); ok {
		if service := parts[2]; service != "sqs" && !strings.HasPrefix(service, mark) {
			return nil
		}
		name = parts[5]
	}
	if id := referredBy(name, 0); t.typeOf(id) == queueType {
		return []string{id}
	}
	if name == "" {
		return nil
	}
	return t.names["queue "+name]
}

func oneOf(ids []string) string {
	last := len(ids) - 1
	return strings.Join(ids[:last], ", ") + " or " + ids[last]
}

func (t *template) sourceAt(id string, kind diagnosis.Kind) diagnosis.Source {
	s := diagnosis.Source{Resource: t.resource(id), Kind: kind}
	if kind == diagnosis.SQS {
		s.Queue = diagnosis.Queue{
			FIFO:              t.fifo(id),
			VisibilityTimeout: t.number(t.property(id, "VisibilityTimeout")),
			MaxReceiveCount:   t.maxReceiveCount(t.property(id, "RedrivePolicy")),
			DeadLetters:       t.deadLetters(id),
		}
	}
	return s
}

func (t *template) fifo(id string) diagnosis.Setting[bool] {
	if strings.HasSuffix(t.resolve(t.property(id, "QueueName")).text, ".fifo") {
		return diagnosis.Known(true)
	}
	return t.boolean(t.property(id, "FifoQueue"))
}

const maxReceiveCountDefault = 10

func (t *template) maxReceiveCount(policy *node) diagnosis.Setting[int] {
	v := t.resolve(policy)
	switch {
	case v.isUnset():
		return diagnosis.Unset[int]()
	case v.reason != "":
		return diagnosis.Unknown[int](v.reason)
	case v.node.kind != object:
		return diagnosis.Unknown[int]("is in a redrive policy that is not an object")
	}
	return t.number(v.node.property("maxReceiveCount")).Or(maxReceiveCountDefault)
}

// whyElsewhere returns the reason why the settings of a queue with the ARN are unknown.
func whyElsewhere(v value) string {
	if arn, ok := splitARN(v.text); v.reason == "" || ok && !strings.HasPrefix(arn[5], mark) {
		return "is unknown, because the template does not define the queue"
	}
	return "is unknown, because the queue's ARN " + v.reason
}

func (t *template) sourceElsewhere(kind diagnosis.Kind, name, reason string) diagnosis.Source {
	fifo := diagnosis.Unknown[bool](reason)
	switch {
	case strings.HasSuffix(name, ".fifo"):
		fifo = diagnosis.Known(true)
	case name != "" && !strings.HasSuffix(name, mark) && !strings.HasSuffix(name, "}}"): // a dynamic reference
		fifo = diagnosis.Known(false)
	}
	s := diagnosis.Source{Resource: t.elsewhere(readable(name)), Kind: kind}
	if kind == diagnosis.SQS {
		s.Queue = diagnosis.Queue{
			FIFO:              fifo,
			VisibilityTimeout: diagnosis.Unknown[int](reason),
			MaxReceiveCount:   diagnosis.Unknown[int](reason),
		}
	}
	return s
}
