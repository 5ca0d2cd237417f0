package terraform

import (
	"cmp"
	"slices"
	"strings"

	"github.com/lambdabatch/batch/batchdoctor/diagnosis"
)

func (p *plan) mapping(r *resource) diagnosis.Mapping {
	m := diagnosis.Mapping{
		Resource:          r.described(),
		Source:            p.source(r),
		Function:          p.function(functionReference{r.scope(), r.text("function_name"), r.written("function_name")}),
		ResponseTypes:     texts(r.attribute("function_response_types")),
		BatchSize:         number(r.attribute("batch_size")),
		BatchWindow:       number(r.attribute("maximum_batching_window_in_seconds")),
		ProvisionedPoller: presence(r.nested("provisioned_poller_config")),
		BisectOnError:     boolean(r.attribute("bisect_batch_on_function_error")),
		RetryAttempts:     number(r.attribute("maximum_retry_attempts")),
		RecordAge:         number(r.attribute("maximum_record_age_in_seconds")),
		OnFailure:         onFailure(r.nested("destination_config")),
		TumblingWindow:    number(r.attribute("tumbling_window_in_seconds")),
	}
	m.Source.Name = cmp.Or(m.Source.Name, m.Name)
	return m
}

// onFailure is known even if the ARN of the destination is not: all that matters is that
// there is one.
func onFailure(config value) diagnosis.Setting[string] {
	destination, configured := block(block(config.known)["on_failure"])["destination_arn"]
	arn, _ := destination.(string)
	switch {
	case config.reason != "":
		return diagnosis.Unknown[string](config.reason)
	case arn != "":
		return diagnosis.Known(arn)
	case configured || block(block(config.known)["on_failure"]) == nil:
		return diagnosis.Unset[string]()
	}
	return diagnosis.Known("a resource that is not deployed yet") // unknown values are left out
}

// source returns the source of a mapping.
func (p *plan) source(mapping *resource) diagnosis.Source {
	v := mapping.attribute("event_source_arn")
	arn, _ := v.known.(string)
	if r := p.byARN[arn]; r != nil && isSource(r) {
		return p.sourceAt(r)
	}
	candidates := referred(mapping.scope(), mapping.written("event_source_arn"), func(r *resource) bool {
		return isSource(r) && (arn == "" || mayHaveARN(r, arn))
	})
	if len(candidates) > 1 {
		candidates = fitting(mapping, candidates)
	}
	if len(candidates) == 0 && resourceName(arn) != "" {
		candidates = p.queuesAt(arn)
	}
	switch len(candidates) {
	case 0:
		return sourceElsewhere(mapping, arn, v.reason)
	case 1:
		return p.sourceAt(candidates[0])
	}
	return ambiguousSource(mapping, candidates)
}

func isSource(r *resource) bool {
	_, ok := kindByType(r.Type)
	return ok
}

// mayHaveARN reports whether a source whose ARN is unknown may have this one. The last part of an ARN contains the name: of a
// queue it is the name, of others, for instance, stream/name or cluster/name/id.
func mayHaveARN(r *resource, arn string) bool {
	name := cmp.Or(r.text("name"), r.text("cluster_name"))
	separator := func(r rune) bool { return r == '/' || r == ':' }
	return r.text("arn") == "" && (name == "" || slices.Contains(strings.FieldsFunc(resourceName(arn), separator), name))
}

// fitting returns the candidates of the kind that the mapping's arguments tell. A reference to an
// object may lead to sources of other mappings, and to on-failure destinations.
func fitting(mapping *resource, candidates []*resource) []*resource {
	told := kindByArguments(mapping)
	var all []*resource
	for _, r := range candidates {
		kind, _ := kindByType(r.Type)
		if kind == diagnosis.Kinesis || kind == diagnosis.DynamoDB {
			kind = diagnosis.Stream
		}
		if kind == told {
			all = append(all, r)
		}
	}
	if len(all) == 0 {
		return candidates
	}
	return all
}

// resourceName returns the last part of the ARN: the name of a queue, or a path.
func resourceName(arn string) string {
	if parts := strings.SplitN(arn, ":", 6); len(parts) == 6 {
		return parts[5]
	}
	return ""
}

// kindByType returns the kind of a source in the plan.
func kindByType(resourceType string) (diagnosis.Kind, bool) {
	switch resourceType {
	case queueType:
		return diagnosis.SQS, true
	case "aws_kinesis_stream", "aws_kinesis_stream_consumer":
		return diagnosis.Kinesis, true
	case "aws_dynamodb_table":
		return diagnosis.DynamoDB, true
	case "aws_msk_cluster", "aws_msk_serverless_cluster":
		return diagnosis.Kafka, true
	case "aws_mq_broker", "aws_docdb_cluster":
		return diagnosis.Other, true
	}
	return diagnosis.Other, false
}

// kindByArguments tells the kind of a source whose ARN is unknown: each service but SQS
// requires an argument that others do not have.
func kindByArguments(mapping *resource) diagnosis.Kind {
	has := func(name string) bool {
		items, _ := mapping.Values[name].([]any)
		return len(items) > 0
	}
	switch {
	case has("topics"), has("self_managed_event_source"), has("amazon_managed_kafka_event_source_config"), has("self_managed_kafka_event_source_config"):
		return diagnosis.Kafka
	case has("queues"), has("document_db_event_source_config"):
		return diagnosis.Other
	case mapping.text("starting_position") != "":
		return diagnosis.Stream
	}
	return diagnosis.SQS
}

// kindByARN returns the kind of a source by the service in its ARN.
func kindByARN(arn string) (diagnosis.Kind, bool) {
	var service string
	if parts := strings.SplitN(arn, ":", 4); len(parts) == 4 {
		service = parts[2]
	}
	return diagnosis.KindOf(service)
}
