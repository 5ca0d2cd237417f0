package template_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/matryer/is"

	"github.com/lambdabatch/batch/batchdoctor/diagnosis"
	"github.com/lambdabatch/batch/batchdoctor/internal/template"
)

func read(t *testing.T, content string) diagnosis.Deployment {
	t.Helper()
	deployment, err := template.Read("template.yaml", []byte(content))
	is.New(t).NoErr(err)
	return deployment
}

// timeout returns the function's timeout if it is written as this expression.
func timeout(t *testing.T, expression string) diagnosis.Setting[int] {
	t.Helper()
	return read(t, `
Parameters:
  Seconds: {Type: Number, Default: 20}
  Text: {Type: String, Default: "20"}
  Open: {Type: Number}
  Dynamic: {Type: String, Default: "{{resolve:ssm:/timeout}}"}
  Stage: {Type: String, Default: Prod}
  Stored: {Type: AWS::SSM::Parameter::Value<String>, Default: /timeout}
Mappings:
  Settings: {Prod: {Timeout: 20, Secret: "{{resolve:ssm:/timeout}}"}}
Resources:
  Queue: {Type: AWS::SQS::Queue}
  Function:
    Type: AWS::Lambda::Function
    Properties:
      Timeout: `+expression+`
  Mapping:
    Type: AWS::Lambda::EventSourceMapping
    Properties: {EventSourceArn: !GetAtt Queue.Arn, FunctionName: !Ref Function}
`).Mappings[0].Function.Timeout
}

func TestAFunctionIsEvaluatedIfTheTemplateDeterminesItsValue(t *testing.T) {
	for _, expression := range []string{
		"20", `"20"`, "20.0", `" 20 "`,
		"!Ref Seconds", "{Ref: Seconds}", "!Ref Text",
		`!Sub "20"`, `!Sub "${Seconds}"`, `{"Fn::Sub": "${Text}"}`,
		`!Sub ["${S}", {S: !Ref Seconds}]`, `!Sub ["${A}${B}", {A: "2", B: "0"}]`,
		`!Join ["", ["2", "0"]]`, `{"Fn::Join": ["", [!Ref Seconds]]}`,
		"!FindInMap [Settings, Prod, Timeout]", `{"Fn::FindInMap": [Settings, !Ref Stage, !Sub "Timeout"]}`,
		"!If [Prod, 20, 20]", `{"Fn::If": [Prod, !Ref Seconds, "20"]}`,
	} {
		t.Run(expression, func(t *testing.T) {
			seconds, ok := timeout(t, expression).Value()
			is.New(t).True(ok)
			is.New(t).Equal(seconds, 20)
		})
	}
}

func TestAnUnknownValueHasAReason(t *testing.T) {
	for expression, reason := range map[string]string{
		"!Ref Open":                          "comes from parameter Open, which has no default",
		"!Ref Stored":                        "comes from parameter Stored, which is read from SSM",
		"!Ref Queue":                         "refers to Queue",
		"!Ref Nothing":                       "refers to Nothing, which the template does not define",
		"!Ref AWS::AccountId":                "depends on AWS::AccountId",
		"!GetAtt Queue.Arn":                  "is an attribute of Queue",
		"!GetAtt [Nothing, Arn]":             "refers to Nothing, which the template does not define",
		`!Sub "${Open}0"`:                    "comes from parameter Open, which has no default",
		`!Sub ["${S}0", {S: !Ref Open}]`:     "comes from parameter Open, which has no default",
		`!Sub "${!Literal}"`:                 `is not a whole number ("${Literal}")`,
		`!Join ["", ["2", !Ref Open]]`:       "comes from parameter Open, which has no default",
		`!Join ["", !Ref List]`:              "is computed by Fn::Join",
		"!If [Prod, 20, 30]":                 "depends on condition Prod",
		"!If [Prod, 20, !Ref AWS::NoValue]":  "depends on condition Prod",
		"!If [Prod]":                         "is computed by Fn::If",
		"!FindInMap [A, B, C]":               "is looked up in a mapping (Fn::FindInMap)",
		"!ImportValue timeout":               "is imported from another stack (Fn::ImportValue)",
		"!Select [0, [20]]":                  "is computed by Fn::Select",
		"{Fn::Transform: {Name: Macro}}":     "is computed by Fn::Transform",
		"{Fn::Length: [1]}":                  "is computed by Fn::Length",
		`"{{resolve:ssm:/timeout}}"`:         "is a dynamic reference, which is resolved on deployment",
		`!Sub "{{resolve:ssm:/${Seconds}}}"`: "is a dynamic reference, which is resolved on deployment",
		"soon":                               `is not a whole number ("soon")`,
		"1.5":                                `is not a whole number ("1.5")`,
		"99999999999":                        `is not a whole number ("99999999999")`,
		"[20]":                               "is not a whole number",
		"{Seconds: 20}":                      "is not a whole number",
		"!Ref Dynamic":                       "is a dynamic reference, which is resolved on deployment",
		"!If [Prod, !Ref Open, !Ref Open]":   "comes from parameter Open, which has no default",
		"!If [Prod, !Ref Open, !Ref Stored]": "depends on condition Prod",
		"!FindInMap [Settings, Prod]":        "is computed by Fn::FindInMap",
		"!FindInMap [Settings, !Ref AWS::Region, Timeout]":          "is looked up in a mapping (Fn::FindInMap)",
		"!FindInMap [Settings, Prod, Secret]":                       "is a dynamic reference, which is resolved on deployment",
		"!Ref [Seconds]":                                            "refers to , which the template does not define",
		"!Sub {A: 1}":                                               "is computed by Fn::Sub",
		"!Sub " + strings.Repeat("x", 5000):                         "is a very long text",
		`!Join ["` + strings.Repeat("y", 3000) + `", [a, b, c, d]]`: "is a very long text",
	} {
		t.Run(expression[:min(len(expression), 40)], func(t *testing.T) {
			got, ok := timeout(t, expression).Unread()
			is.New(t).True(ok)
			is.New(t).Equal(got, reason)
		})
	}
}

func TestAValueMayBeUnset(t *testing.T) {
	for _, expression := range []string{"", "null", "~", "!Ref AWS::NoValue", "!If [Prod, !Ref AWS::NoValue, !Ref AWS::NoValue]"} {
		t.Run(expression, func(t *testing.T) {
			is.New(t).True(timeout(t, expression).IsUnset())
		})
	}
}

func TestASettingNamesItsExpression(t *testing.T) {
	for expression, origin := range map[string]string{
		"20":                    "",
		"!Ref Seconds":          "parameter Seconds",
		"!Ref Open":             "parameter Open",
		`!Sub "${Open}"`:        "parameter Open",
		"!FindInMap [A, B, C]":  "{Fn::FindInMap: [A, B, C]}",
		"!If [Prod, 5, 3]":      "{Fn::If: [Prod, 5, 3]}",
		"!Select [0, [20, 30]]": "{Fn::Select: [0, [20, 30]]}",
	} {
		t.Run(expression, func(t *testing.T) {
			is.New(t).Equal(timeout(t, expression).Origin(), origin)
		})
	}
}

// A mapping's function may be written in all these ways.
func TestAMappingFindsItsFunction(t *testing.T) {
	for _, name := range []string{
		"!Ref Function", "!GetAtt Function.Arn", "!GetAtt [Function, Arn]", "charge", "charge:live",
		"!Sub ${Function}", `!Sub "${Function.Arn}:live"`, `!Join [":", [!GetAtt Function.Arn, live]]`,
		"!Ref Live", "!Ref Numbered", "arn:aws:lambda:eu-west-1:123456789012:function:charge",
		"arn:aws:lambda:eu-west-1:123456789012:function:charge:live", "123456789012:function:charge",
		`!Sub "arn:${AWS::Partition}:lambda:${AWS::Region}:${AWS::AccountId}:function:charge"`,
		`!Sub "arn:aws:lambda:${AWS::Region}:${AWS::AccountId}:function:${Function}"`,
		`!Sub "arn:aws:lambda:${AWS::Region}:${AWS::AccountId}:function:${Function}:live"`,
	} {
		t.Run(name, func(t *testing.T) {
			is := is.New(t)
			function := read(t, `
Resources:
  Function:
    Type: AWS::Lambda::Function
    Properties: {Timeout: 20, FunctionName: charge}
  Live:
    Type: AWS::Lambda::Alias
    Properties: {FunctionName: !GetAtt Function.Arn}
  Numbered:
    Type: AWS::Lambda::Version
    Properties: {FunctionName: !Ref Live}
  Mapping:
    Type: AWS::Lambda::EventSourceMapping
    Properties:
      EventSourceArn: arn:aws:sqs:eu-west-1:123456789012:orders
      FunctionName: `+name).Mappings[0].Function
			is.Equal(function.Name, "Function")
			is.Equal(function.Timeout, diagnosis.Known(20))
		})
	}
}

func TestAFunctionWhoseNameIsTakenTwiceIsUnknown(t *testing.T) {
	const content = `
Resources:
  Old: {Type: AWS::Lambda::Function, Condition: Prod, Properties: {FunctionName: charge, Timeout: 20}}
  New: {Type: AWS::Serverless::Function, Condition: Test, Properties: {FunctionName: charge, Timeout: 30}}
  Live: {Type: AWS::Lambda::Alias, Properties: {FunctionName: charge}}
  Mapping: {Type: AWS::Lambda::EventSourceMapping, Properties: {EventSourceArn: a, FunctionName: %s}}
`
	for _, written := range []string{"charge", "arn:aws:lambda:eu-west-1:123456789012:function:charge:live", "!Ref Live"} {
		t.Run(written, func(t *testing.T) {
			is := is.New(t)
			function := read(t, fmt.Sprintf(content, written)).Mappings[0].Function
			is.Equal(function.Name, "charge")
			is.Equal(reasonOf(function.Timeout), "is unknown, because the function may be Old or New")
			is.Equal(reasonOf(function.Environment), "is unknown, because the function may be Old or New")
		})
	}
	is.New(t).Equal(read(t, fmt.Sprintf(content, "!Ref Old")).Mappings[0].Function.Timeout, diagnosis.Known(20))
}

func TestAFunctionElsewhereIsUnknown(t *testing.T) {
	for written, name := range map[string]string{
		"charge":                     "charge",
		"!Ref Charge":                "Charge",
		"!Ref Mapping":               "Mapping",
		"!ImportValue f":             "f",
		"!Select [0, a]":             "function",
		"":                           "function",
		"!Ref SelfAlias":             "SelfAlias",
		`!Sub "${SelfAlias}-canary"`: "${SelfAlias}-canary",
		`!Sub "${Charge}-canary"`:    "${Charge}-canary",
		`!Sub "${Ship}-canary"`:      "${Ship}-canary",
		"arn:aws:lambda:eu-west-1:123456789012:function:ship:live": "ship",
	} {
		t.Run(written, func(t *testing.T) {
			is := is.New(t)
			function := read(t, fmt.Sprintf(`
Resources:
  SelfAlias: {Type: AWS::Lambda::Alias, Properties: {FunctionName: !Ref SelfAlias}}
  Ship: {Type: AWS::Lambda::Function, Properties: {Timeout: 20}}
  Mapping:
    Type: AWS::Lambda::EventSourceMapping
    Properties: {EventSourceArn: "arn:aws:sqs:eu-west-1:123456789012:orders", FunctionName: %s}
`, written)).Mappings[0].Function
			is.Equal(function.Name, name)
			reason, unread := function.Timeout.Unread()
			is.True(unread)
			is.True(strings.HasPrefix(reason, "is unknown, because the ") && !strings.HasSuffix(reason, " ")) // has a cause
			_, unread = function.Environment.Unread()
			is.True(unread)
		})
	}
}
