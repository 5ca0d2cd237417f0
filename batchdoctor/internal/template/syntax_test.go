package template_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/matryer/is"

	"github.com/lambdabatch/batch/batchdoctor/diagnosis"
	"github.com/lambdabatch/batch/batchdoctor/internal/template"
)

const mapping = `
Resources:
  Mapping:
    Type: AWS::Lambda::EventSourceMapping
    Properties: {EventSourceArn: arn:aws:sqs:eu-west-1:123456789012:orders, FunctionName: charge, BatchSize: 7}
`

func TestYAMLIsReadHoweverItIsWritten(t *testing.T) {
	for name, content := range map[string]string{
		"plain":               mapping,
		"Windows lines":       strings.ReplaceAll(mapping, "\n", "\r\n"),
		"byte order mark":     "\ufeff" + mapping,
		"explicit document":   "---" + mapping + "...\n",
		"empty document":      "---\n---" + mapping,
		"second document":     mapping + "---\nResources: {}\n",
		"dash in brackets":    strings.Replace(mapping, "BatchSize: 7", "BatchSize: 7, Tags: [-, a]", 1), // YAML 1.1 allows it
		"repeated key":        strings.Replace(mapping, "BatchSize: 7", "BatchSize: 3, BatchSize: 7", 1),
		"alias":               strings.Replace("Size: &size 7"+mapping, "BatchSize: 7", "BatchSize: *size", 1),
		"merge key":           strings.Replace("Size: &size {BatchSize: 7}"+mapping, "charge, BatchSize: 7", "charge, <<: *size", 1),
		"merge of several":    strings.Replace("A: &a {BatchSize: 7}\nB: &b {BatchSize: 3}"+mapping, "charge, BatchSize: 7", "charge, <<: [*a, *b]", 1),
		"merge after the key": strings.Replace("A: &a {BatchSize: 3}"+mapping, "charge, BatchSize: 7", "charge, BatchSize: 7, <<: *a", 1),
		"JSON with a mark":    "\ufeff" + `{"Resources": {"M": {"Type": "AWS::Lambda::EventSourceMapping", "Properties": {"BatchSize": 7}}}}`,
		"JSON that is YAML":   `{Resources: {Mapping: {Type: AWS::Lambda::EventSourceMapping, Properties: {FunctionName: f, BatchSize: 7}}}}`,
	} {
		t.Run(name, func(t *testing.T) {
			is.New(t).Equal(read(t, content).Mappings[0].BatchSize, diagnosis.Known(7))
		})
	}
}

func TestJSONIsReadWithItsLines(t *testing.T) {
	is := is.New(t)
	mapping := read(t, "{\n\t\"Resources\": {\n\t\t\"Mapping\":\n\t\t\t{\"Type\": \"AWS::Lambda::EventSourceMapping\",\n"+
		"\"Properties\": {\"FunctionName\": \"f\", \"BatchSize\": 7, \"FunctionResponseTypes\": null}}}}").Mappings[0]
	is.Equal(mapping.BatchSize, diagnosis.Known(7))
	is.Equal(mapping.Format, diagnosis.JSON)
	is.Equal(mapping.Line, 3)
	is.True(mapping.ResponseTypes.IsUnset())
}

func TestJSONMayBeginWithAByteOrderMark(t *testing.T) {
	deployment := read(t, "\ufeff"+`{"Resources": {"Mapping": {"Type": "AWS::Lambda::EventSourceMapping"}}}`)
	is.New(t).Equal(deployment.Mappings[0].Format, diagnosis.JSON)
}

// The parser of YAML may name the line before.
func TestASyntaxErrorNamesItsLine(t *testing.T) {
	for content, message := range map[string]string{
		"Resources:\n  A: [\n  B: }\n":                  "template.yaml: yaml: line 2: did not find expected node content",
		"{\n\"Resources\":\n{]\n}":                      "template.yaml: line 3: invalid character ']'",
		"{\n\"Resources\": {\n":                         "template.yaml: line 2: unexpected EOF",
		"{\"a\": \n" + strings.Repeat("[", 20_000) + "": "template.yaml: line 2: nested too deeply",
	} {
		_, err := template.Read("template.yaml", []byte(content))
		is.New(t).True(err != nil)
		is.New(t).Equal(err.Error()[:len(message)], message)
	}
}

func TestAFileThatIsNoTemplateIsAnError(t *testing.T) {
	for name, content := range map[string]string{
		"empty":              "",
		"text":               "hello",
		"list":               "[1, 2]",
		"no resources":       "Parameters: {}",
		"resources as list":  "Resources: []",
		"bad YAML":           "Resources: {",
		"bad JSON":           `{"Resources": {]}`,
		"alias of itself":    "Resources: &a {B: *a}",
		"unknown alias":      "Resources: {B: *a}",
		"deep YAML":          "Resources: {A: " + strings.Repeat("[", 20_000),
		"deep JSON":          `{"Resources": {"A": ` + strings.Repeat("[", 20_000),
		"deep complete JSON": `{"Resources": {"A": ` + strings.Repeat("[", 20_000) + strings.Repeat("]", 20_000) + "}}",
	} {
		t.Run(name, func(t *testing.T) {
			_, err := template.Read("template.yaml", []byte(content))
			is.New(t).True(err != nil)
			is.New(t).True(strings.HasPrefix(err.Error(), "template.yaml"))
		})
	}
}

// A small file can be a huge template: its aliases multiply.
func TestABombDoesNotExplode(t *testing.T) {
	size := func(value string) string { return strings.Replace(mapping, "BatchSize: 7", value, 1) }
	for name, c := range map[string]struct{ content, err string }{
		"nested lists":    {levels("[%s, %s]") + size("BatchSize: *l40"), ""},
		"nested joins":    {levels(`!Join ["", [%s, %s]]`) + size("BatchSize: *l40"), "is too large"},
		"nested choices":  {levels(`!If [Prod, %s, %s]`) + size("BatchSize: *l40"), "is too large"},
		"nested merges":   {levels(`{<<: [%s, %s]}`) + size("<<: *l40"), "too many merged keys"},
		"nested metadata": {levels("{a: %s, b: %s}") + strings.Replace(mapping, "Properties:", "Metadata: *l40\n    Properties:", 1), ""},
		"loop":            {levels("{a: %s, b: %s}") + mapping + "  Fn::ForEach::Queues: *l40\n", ""},
		"events": {"A: &event {Type: SQS, Properties: {}}\n" +
			"B: &function {Type: AWS::Serverless::Function, Properties: {Events: {" + many("*event") + "}}}\n" +
			"Resources: {" + many("*function") + "}", "is too large"},
		"long references":  {everywhere("!Ref " + long("x")), "is too large"},
		"long attributes":  {everywhere("!GetAtt " + long("x.")), "is too large"},
		"long pattern":     {everywhere("!Sub " + long("x")), "is too large"},
		"many variables":   {everywhere(`!Sub "` + long("${x}") + `"`), "is too large"},
		"nested policies":  {levels(`!If [Prod, %s, %s]`) + "Resources: {Q: {Type: AWS::SQS::Queue, Properties: {RedrivePolicy: *l40}}}", ""},
		"nested targets":   {levels(`!Join ["", [%s, %s]]`) + "Resources: {Q: {Properties: {DeadLetterConfig: *l40}}}", "is too large"},
		"unknown function": {everywhere("!Select [0, " + long("x") + "]"), ""},
		"list parameter": {"Parameters: {P: {Type: CommaDelimitedList, Default: '" + long(",") + "'}}\n" + everywhere("!Ref P"),
			"is too large"},
		"large file": {strings.Repeat("# comment\n", 300_000) + mapping, "is too large"},
	} {
		t.Run(name, func(t *testing.T) {
			begun := time.Now()
			_, err := template.Read("template.yaml", []byte(c.content))
			is.New(t).True(time.Since(begun) < 20*time.Second) // evaluating it all would take minutes to years
			is.New(t).Equal(err != nil, c.err != "")
			is.New(t).True(err == nil || strings.HasSuffix(err.Error(), c.err))
		})
	}
}

// levels defines anchors l0 to l40, each of which uses the one before it twice.
func levels(pattern string) string {
	var w strings.Builder
	w.WriteString("l0: &l0 {x: 1}\n")
	for i := range 40 {
		use := fmt.Sprintf("*l%d", i)
		fmt.Fprintf(&w, "l%d: &l%d %s\n", i+1, i+1, fmt.Sprintf(pattern, use, use))
	}
	return w.String()
}

// everywhere is a template of many mappings all of whose settings are the same value.
func everywhere(value string) string {
	return "V: &v " + value + "\nM: &m {Type: AWS::Lambda::EventSourceMapping, Properties: {EventSourceArn: *v, FunctionName: *v, " +
		"BatchSize: *v, TumblingWindowInSeconds: *v}}\nResources: {" + many("*m") + "}\n"
}

func long(text string) string { return strings.Repeat(text, 1_000_000/len(text)) }

func many(value string) string {
	var fields []string
	for i := range 10_000 {
		fields = append(fields, fmt.Sprintf("E%d: %s", i, value))
	}
	return strings.Join(fields, ", ")
}
