package terraform_test

import (
	"testing"

	"github.com/matryer/is"
)

func TestReferencesPassThroughModules(t *testing.T) {
	const inner = ".module.inner.aws_sqs_queue.q"
	for name, c := range map[string]struct {
		consumer string // key of the module with the mapping
		written  object
		forEach  any
		want     string
	}{
		"output with a key":        {"", refer(`module.queues["b"].arn`), nil, `module.queues["b"]` + inner},
		"instance with its key":    {`["b"]`, refer("module.queues", "each.key"), nil, `module.queues["b"]` + inner},
		"the only output":          {"", refer(`module.queues["a"]`), nil, `module.queues["a"]` + inner},
		"any instance":             {"", refer("module.queues", "var.which"), nil, `module.queues["a"]` + inner + ` or module.queues["b"]` + inner},
		"value of for_each":        {"", refer("each.value"), refer(`module.queues["b"].arn`), `module.queues["b"]` + inner},
		"module without resources": {"", refer("module.outputs only.arn"), nil, `module.queues["b"]` + inner},
		"key in an output":         {"", refer(`module.fleet.queues["b"].arn`), nil, `module.fleet.aws_sqs_queue.q["b"]`},
		"own key in an output":     {`["b"]`, refer("module.fleet.queues", "each.key"), nil, `module.fleet.aws_sqs_queue.q["b"]`},
		"unknown output":           {"", refer(`module.queues["b"].name`), nil, "var.source"},
		"unknown module":           {"", refer("module.none.arn"), nil, "var.source"},
	} {
		t.Run(name, func(t *testing.T) {
			d := read(t, modularPlan(t, c.consumer, c.written, c.forEach))
			is.New(t).Equal(d.Mappings[0].Source.Name, c.want)
		})
	}
}

// modularPlan is a plan whose mapping, in the module consumer, has its source from a variable.
func modularPlan(t *testing.T, key string, written object, forEach any) []byte {
	consumer := "module.consumer" + key
	m := instance(consumer+".aws_lambda_event_source_mapping.m", "aws_lambda_event_source_mapping", "m")
	m["values"] = object{}
	configured := instance("", "aws_lambda_event_source_mapping", "m")
	configured["expressions"] = object{"event_source_arn": refer("var.source")}
	return encoded(t, object{
		"planned_values": object{"root_module": object{"child_modules": list(
			object{"address": consumer, "resources": list(m)},
			queueModule(`module.queues["a"]`), queueModule(`module.queues["b"]`),
			object{"address": "module.fleet", "resources": list(
				instance(`module.fleet.aws_sqs_queue.q["a"]`, "aws_sqs_queue", "q"),
				instance(`module.fleet.aws_sqs_queue.q["b"]`, "aws_sqs_queue", "q"),
			)},
		)}},
		"resource_changes": list(object{
			"address": m["address"], "change": object{"after_unknown": object{"event_source_arn": true}},
		}),
		"configuration": object{"root_module": object{"module_calls": object{
			"consumer": object{
				"expressions": object{"source": written}, "for_each_expression": forEach,
				"module": object{"resources": list(configured)},
			},
			"queues": object{"module": object{
				"outputs": object{"arn": object{"expression": refer("module.inner.arn")}},
				"module_calls": object{"inner": object{"module": object{
					"outputs":   object{"arn": object{"expression": refer("aws_sqs_queue.q.arn")}},
					"resources": list(instance("", "aws_sqs_queue", "q")),
				}}},
			}},
			"outputs only": object{
				"expressions": object{"arn": refer(`module.queues["b"].arn`)},
				"module":      object{"outputs": object{"arn": object{"expression": refer("var.arn")}}},
			},
			"fleet": object{"module": object{"outputs": object{"queues": object{"expression": refer("aws_sqs_queue.q")}}}},
		}}},
	})
}

// queueModule is an instance of a module with a queue in a module of its own.
func queueModule(address string) object {
	inner := address + ".module.inner"
	return object{"address": address, "child_modules": list(object{
		"address": inner, "resources": list(instance(inner+".aws_sqs_queue.q", "aws_sqs_queue", "q")),
	})}
}

func instance(address, typ, name string) object {
	return object{"address": address, "mode": "managed", "type": typ, "name": name}
}
