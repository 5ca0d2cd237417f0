package template

import (
	"strings"

	"github.com/lambdabatch/batch/batchdoctor/diagnosis"
)

// addTransformations translates the Lambda processors of a Firehose stream. Each kind of
// destination has its own property, and only one of them is set.
func (t *template) addTransformations(id string) {
	b := newBlock(t.resources[id].value)
	if b.isOpen() {
		t.gap(id, t.resources[id].line, "has a destination that "+maySet)
	}
	if b.properties == nil {
		return
	}
	for _, destination := range b.properties.fields {
		if !strings.HasSuffix(destination.key, "DestinationConfiguration") {
			continue
		}
		processing := t.resolve(t.resolve(destination.value).node.property("ProcessingConfiguration"))
		if enabled, ok := t.boolean(processing.node.get("Enabled")).Value(); ok && !enabled {
			continue
		}
		processors := t.resolve(processing.node.property("Processors"))
		switch {
		case processing.reason != "":
			t.gap(id, destination.line, "has a ProcessingConfiguration that "+processing.reason)
		case processors.reason != "":
			t.gap(id, destination.line, "has Processors that cannot be read: the property "+processors.reason)
		case processors.node != nil:
			t.addProcessors(id, destination.key, processors.node.items)
		}
	}
}

func (t *template) addProcessors(id, destination string, processors []*node) {
	for _, processor := range processors {
		v := t.resolve(processor)
		if v.reason != "" {
			t.gap(id, processor.line, "has a processor that "+v.reason)
		}
		body := v.node
		if textOf(body.get("Type")) != "Lambda" {
			continue
		}
		parameters := make(map[string]*node)
		if list := t.resolve(body.get("Parameters")).node; list != nil {
			for _, item := range list.items {
				parameter := t.resolve(item).node
				parameters[textOf(parameter.get("ParameterName"))] = parameter.get("ParameterValue")
			}
		}
		resource := t.resource(id)
		resource.Address += "." + destination + ".ProcessingConfiguration.Processors"
		t.deployment.Transformations = append(t.deployment.Transformations, diagnosis.Transformation{
			Resource:   resource,
			Function:   t.function(parameters["LambdaArn"]),
			BufferSize: t.decimal(parameters["BufferSizeInMBs"]),
		})
	}
}
