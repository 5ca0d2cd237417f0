// Package template reads the templates of CloudFormation and SAM, in YAML or JSON.
//
// Reading has three layers. The parsers turn the text into nodes that keep their lines. The
// evaluator resolves intrinsic functions: a value is then unset, known, or unknown for a reason.
// On top of it, each resource type is translated into the model of package diagnosis.
package template

import (
	"bytes"
	"errors"
	"fmt"
	"strings"

	"github.com/lambdabatch/batch/batchdoctor/diagnosis"
)

// A template is a parsed template. It also counts the steps of evaluating it, because aliases
// can make a small file a very large template.
type template struct {
	file       string
	format     diagnosis.Format
	parameters map[string]*node
	tables     *node // Mappings, which are tables of constants
	globals    *node // Globals.Function
	ids        []string
	resources  map[string]field
	names      map[string][]string           // of the queues and functions that have one, to their logical IDs
	dead       map[string]bool               // logical IDs of dead-letter queues
	functions  map[string]diagnosis.Function // by logical ID, once they are read
	steps      int                           // that are left

	deployment diagnosis.Deployment
}

const (
	maxSize  = 2 << 20 // bytes; CloudFormation takes half as many
	maxSteps = 100_000
)

var (
	errNoTemplate = errors.New("has no Resources, so it is not a CloudFormation template")
	errTooLarge   = errors.New("is too large")
)

// Read translates the template in content. The name of the file appears in the resources only.
// The error is one of the syntax, or says that content is no template.
func Read(file string, content []byte) (diagnosis.Deployment, error) {
	if len(content) > maxSize {
		return diagnosis.Deployment{}, fmt.Errorf("%s %w", file, errTooLarge)
	}
	root, format, err := parse(content)
	if err != nil {
		return diagnosis.Deployment{}, fmt.Errorf("%s: %w", file, err)
	}
	if resources := root.get("Resources"); resources == nil || resources.kind != object {
		return diagnosis.Deployment{}, fmt.Errorf("%s %w", file, errNoTemplate)
	}
	t := &template{
		file: file, format: format, steps: maxSteps,
		parameters: make(map[string]*node),
		tables:     root.get("Mappings"),
		globals:    root.get("Globals").property("Function"),
		resources:  make(map[string]field),
		names:      make(map[string][]string),
		dead:       make(map[string]bool),
		functions:  make(map[string]diagnosis.Function),
	}
	t.index(root)
	t.translate()
	if t.steps <= 0 {
		return diagnosis.Deployment{}, fmt.Errorf("%s %w", file, errTooLarge)
	}
	return t.deployment, nil
}

// parse reads JSON if content is JSON, and YAML otherwise.
func parse(content []byte) (*node, diagnosis.Format, error) {
	var jsonErr error
	content = bytes.TrimPrefix(content, []byte("\ufeff")) // the byte order mark
	if trimmed := bytes.TrimLeft(content, " \t\r\n"); len(trimmed) > 0 && trimmed[0] == '{' {
		root, err := parseJSON(content)
		if err == nil {
			return root, diagnosis.JSON, nil
		}
		jsonErr = err
	}
	root, err := parseYAML(content)
	if err != nil && jsonErr != nil {
		return nil, diagnosis.JSON, jsonErr
	}
	return root, diagnosis.YAML, err
}

func (t *template) index(root *node) {
	if parameters := root.get("Parameters"); parameters != nil {
		for _, f := range parameters.fields {
			t.parameters[f.key] = f.value
		}
	}
	for _, f := range root.get("Resources").fields {
		if _, repeated := t.resources[f.key]; !repeated {
			t.ids = append(t.ids, f.key)
		}
		t.resources[f.key] = f
	}
	for _, id := range t.ids {
		if name := t.nameOf(id); name != "" {
			t.names[name] = append(t.names[name], id)
		}
	}
	steps := maxSteps
	t.findDeadLetters(t.globals, false, &steps)
	for _, id := range t.ids {
		t.findDeadLetters(t.resources[id].value, false, &steps)
	}
}

// nameOf returns the name that the template gives to a queue or a function, references
// marked, or "".
func (t *template) nameOf(id string) string {
	switch t.typeOf(id) {
	case queueType:
		return "queue " + t.resolve(t.property(id, "QueueName")).text
	case functionType, serverlessType:
		return "function " + t.resolve(t.property(id, "FunctionName")).text
	}
	return ""
}

func (t *template) translate() {
	for _, id := range t.ids {
		if t.steps <= 0 {
			return
		}
		switch t.typeOf(id) {
		case mappingType:
			t.addMapping(id)
		case serverlessType:
			t.addEvents(id)
		case deliveryStreamType:
			t.addTransformations(id)
		case "":
			t.addGap(id)
		}
	}
}

// The types of resources that the reader translates.
const (
	queueType          = "AWS::SQS::Queue"
	functionType       = "AWS::Lambda::Function"
	aliasType          = "AWS::Lambda::Alias"
	versionType        = "AWS::Lambda::Version"
	mappingType        = "AWS::Lambda::EventSourceMapping"
	serverlessType     = "AWS::Serverless::Function"
	deliveryStreamType = "AWS::KinesisFirehose::DeliveryStream"
)

// addGap records a loop or macro that creates resources of interest.
func (t *template) addGap(id string) {
	steps := 10_000
	interesting := map[string]bool{mappingType: true, serverlessType: true, deliveryStreamType: true}
	switch resource := t.resources[id].value; {
	case resource.isOpen():
		t.gap(id, t.resources[id].line, "has a Type that "+maySet)
	case id == transform, strings.HasPrefix(id, "Fn::") && resource.mentions(interesting, &steps):
		t.gap(id, t.resources[id].line, "is not evaluated")
	}
}

// gap records a part of the resource with the logical ID.
func (t *template) gap(id string, line int, reason string) {
	t.deployment.Gaps = append(t.deployment.Gaps, diagnosis.Gap{
		Resource: diagnosis.Resource{Name: id, File: t.file, Line: line, Format: t.format, Ignored: t.ignored(id)},
		Reason:   reason,
	})
}

func (t *template) typeOf(id string) string {
	if typ := t.resources[id].value.get("Type"); typ != nil {
		return typ.text
	}
	return ""
}

func (t *template) property(id, name string) *node {
	return newBlock(t.resources[id].value).property(name)
}

// resource describes the resource with the logical ID.
func (t *template) resource(id string) diagnosis.Resource {
	return diagnosis.Resource{
		Name:    id,
		File:    t.file,
		Line:    t.resources[id].line,
		Format:  t.format,
		Address: "Resources." + id + ".Properties",
		Ignored: t.ignored(id),
	}
}

// elsewhere describes a resource that the template does not define.
func (t *template) elsewhere(name string) diagnosis.Resource {
	return diagnosis.Resource{Name: name, Format: t.format}
}

// ignored reads Metadata: {batchdoctor: {ignore: [...]}}.
func (t *template) ignored(id string) []diagnosis.Rule {
	var rules []diagnosis.Rule
	names, _ := t.texts(t.resources[id].value.get("Metadata").get("batchdoctor").get("ignore")).Value()
	for _, name := range names {
		rules = append(rules, diagnosis.Rule(name))
	}
	return rules
}
