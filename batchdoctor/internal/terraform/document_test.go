package terraform_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"strings"
	"testing"

	"github.com/matryer/is"

	"github.com/lambdabatch/batch/batchdoctor/diagnosis"
	"github.com/lambdabatch/batch/batchdoctor/internal/terraform"
)

// An object is one of JSON.
type object = map[string]any

// A part is a resource of the root module as a plan shows it: its values, what is known only
// after apply, and its expressions.
type part struct {
	address string // of an instance, such as aws_sqs_queue.q[0]
	values  object
	unknown any
	written object
	forEach any
	hidden  bool   // from the configuration
	deposed string // the key of a deposed object, of which a plan shows the change only
}

// plan writes the JSON of a plan. modules are the calls of the configuration.
func plan(t *testing.T, parts []part, modules object) []byte {
	t.Helper()
	var resources, changes, declarations []any
	for _, p := range parts {
		changes = append(changes, object{"address": p.address, "deposed": p.deposed, "change": object{"after_unknown": p.unknown}})
		if p.deposed != "" {
			continue
		}
		path, _, _ := strings.Cut(p.address, "[")
		mode, path := "managed", path
		if rest, ok := strings.CutPrefix(path, "data."); ok {
			mode, path = "data", rest
		}
		typ, name, _ := strings.Cut(path, ".")
		resource := object{"address": p.address, "mode": mode, "type": typ, "name": name}
		declaration := maps.Clone(resource)
		declaration["expressions"], declaration["for_each_expression"] = p.written, p.forEach
		resource["values"] = p.values
		resources = append(resources, resource)
		if !p.hidden {
			declarations = append(declarations, declaration)
		}
	}
	return encoded(t, object{
		"planned_values":   object{"root_module": object{"resources": resources}},
		"resource_changes": changes,
		"configuration":    object{"root_module": object{"resources": declarations, "module_calls": modules}},
	})
}

func encoded(t *testing.T, document object) []byte {
	t.Helper()
	content, err := json.Marshal(document)
	is.New(t).NoErr(err)
	return content
}

func read(t *testing.T, content []byte) diagnosis.Deployment {
	t.Helper()
	d, err := terraform.Read("plan.json", content)
	is.New(t).NoErr(err)
	return d
}

// refer is an expression with references, which the JSON repeats without their ends.
func refer(references ...string) object {
	var all []any
	for _, reference := range references {
		all = append(all, reference)
		for i := len(reference) - 1; i > 0; i-- {
			if reference[i] == '.' && strings.Count(reference[:i], ".") > 0 || reference[i] == '[' {
				all = append(all, reference[:i])
			}
		}
	}
	return object{"references": all}
}

func constant(v any) object { return object{"constant_value": v} }

func list(items ...any) []any { return append([]any{}, items...) }

// queue, function and mapping are resources of a deployment that does not exist yet.
func queue(name string) part {
	return part{
		address: "aws_sqs_queue." + name,
		values:  object{"name": name, "fifo_queue": false, "visibility_timeout_seconds": 180},
		unknown: object{"arn": true, "id": true, "redrive_policy": true},
		written: object{"name": constant(name), "visibility_timeout_seconds": constant(180)},
	}
}

func function(name string) part {
	return part{
		address: "aws_lambda_function." + name,
		values:  object{"function_name": name, "timeout": 30, "environment": list()},
		unknown: object{"arn": true, "environment": list()},
		written: object{"function_name": constant(name), "timeout": constant(30)},
	}
}

func mapping(source object) part {
	return part{
		address: "aws_lambda_event_source_mapping.m",
		values:  object{"batch_size": 10, "function_response_types": list("ReportBatchItemFailures")},
		unknown: object{
			"event_source_arn": true, "function_name": true, "maximum_retry_attempts": true, "maximum_record_age_in_seconds": true,
		},
		written: object{
			"event_source_arn": source, "function_name": refer("aws_lambda_function.f.arn"), "batch_size": constant(10),
			"function_response_types": constant(list("ReportBatchItemFailures")),
		},
	}
}

// with returns a copy of p with one attribute of a known value.
func (p part) with(name string, known any) part {
	p.values, p.unknown = maps.Clone(p.values), maps.Clone(p.unknown.(object))
	p.values[name] = known
	delete(p.unknown.(object), name)
	return p
}

// withUnknown returns a copy of p with one attribute that is known only after apply.
func (p part) withUnknown(name string, written any) part {
	p.values, p.unknown, p.written = maps.Clone(p.values), maps.Clone(p.unknown.(object)), maps.Clone(p.written)
	delete(p.values, name)
	p.unknown.(object)[name], p.written[name] = true, written
	return p
}

func (p part) at(address string) part {
	p.address = address
	return p
}

func (p part) each(forEach object) part {
	p.forEach = forEach
	return p
}

// described is a resource of a file.
func described(address string) diagnosis.Resource {
	return diagnosis.Resource{Name: address, Address: address, Format: diagnosis.Terraform}
}

func reasonOf[T any](s diagnosis.Setting[T]) string {
	reason, _ := s.Unread()
	return reason
}

func show[T any](s diagnosis.Setting[T]) string {
	if s.IsUnset() {
		return "unset"
	}
	if reason, ok := s.Unread(); ok {
		return reason
	}
	v, _ := s.Value()
	return fmt.Sprint(v)
}
