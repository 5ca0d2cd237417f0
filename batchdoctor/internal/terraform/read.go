// Package terraform reads the JSON that terraform show prints of a plan or a state.
//
// Before a stack is deployed, a plan has no ARNs. So the reader follows the references in the
// configuration from a mapping to its source and its function. Of an expression the JSON keeps
// the references only, or the value if it is a constant.
package terraform

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/lambdabatch/batch/batchdoctor/diagnosis"
)

// A document is the JSON of a plan or a state. Its format is described in
// https://developer.hashicorp.com/terraform/internals/json-format.
type document struct {
	Planned *values `json:"planned_values"` // of a plan
	Values  *values `json:"values"`         // of a state
	Errored bool    `json:"errored"`        // the plan lacks what Terraform could not plan

	Prior struct {
		Values values `json:"values"`
	} `json:"prior_state"`
	Changes []struct {
		Address string `json:"address"`
		Deposed string `json:"deposed"` // the key of an object that a new one has replaced
		Change  struct {
			AfterUnknown any `json:"after_unknown"`
		} `json:"change"`
	} `json:"resource_changes"`
	Configuration struct {
		Root *configuration `json:"root_module"`
	} `json:"configuration"`
}

type values struct {
	Root moduleValues `json:"root_module"`
}

type moduleValues struct {
	Address   string         `json:"address"`
	Resources []resource     `json:"resources"`
	Children  []moduleValues `json:"child_modules"`
}

// A configuration is a module as it is written, before for_each and count make instances.
type configuration struct {
	Resources []declaration     `json:"resources"`
	Outputs   map[string]output `json:"outputs"`
	Calls     map[string]call   `json:"module_calls"`
}

type output struct {
	Expression expression `json:"expression"`
}

type declaration struct {
	Mode        string                `json:"mode"`
	Type        string                `json:"type"`
	Name        string                `json:"name"`
	Expressions map[string]expression `json:"expressions"`
	ForEach     expression            `json:"for_each_expression"`
}

type call struct {
	Expressions map[string]expression `json:"expressions"`
	ForEach     expression            `json:"for_each_expression"`
	Module      *configuration        `json:"module"`
}

var (
	errNoPlan  = errors.New("has no planned_values and no values, so terraform show -json did not print it")
	errErrored = errors.New("is a plan that Terraform could not finish")
)

// Read translates the plan or state in content. The name of the file appears in errors only.
func Read(file string, content []byte) (diagnosis.Deployment, error) {
	var d document
	if err := json.Unmarshal(bytes.TrimPrefix(content, []byte("\ufeff")), &d); err != nil {
		return diagnosis.Deployment{}, fmt.Errorf("%s: %w", file, err)
	}
	current := d.Planned
	if current == nil {
		current = d.Values
	}
	if current == nil {
		return diagnosis.Deployment{}, fmt.Errorf("%s %w", file, errNoPlan)
	}
	if d.Errored {
		return diagnosis.Deployment{}, fmt.Errorf("%s %w", file, errErrored)
	}
	p := newPlan(d, current.Root)
	return p.translate(), nil
}

// The types of resources that the reader translates.
const (
	mappingType        = "aws_lambda_event_source_mapping"
	functionType       = "aws_lambda_function"
	aliasType          = "aws_lambda_alias"
	queueType          = "aws_sqs_queue"
	redriveType        = "aws_sqs_queue_redrive_policy"
	deliveryStreamType = "aws_kinesis_firehose_delivery_stream"
)

func (p *plan) translate() diagnosis.Deployment {
	var d diagnosis.Deployment
	for _, r := range p.resources {
		switch {
		case r.Mode == dataMode:
		case r.Type == mappingType:
			d.Mappings = append(d.Mappings, p.mapping(r))
		case r.Type == deliveryStreamType:
			transformations, gaps := p.transformations(r)
			d.Transformations = append(d.Transformations, transformations...)
			d.Gaps = append(d.Gaps, gaps...)
		}
	}
	return d
}
