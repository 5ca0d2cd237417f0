package diagnosis

// A Rule is the name of a rule.
type Rule string

// The rules, in the order in which findings are listed.
const (
	ResponseType      Rule = "response-type"
	ProvisionedKafka  Rule = "provisioned-kafka"
	VisibilityTimeout Rule = "visibility-timeout"
	Redrive           Rule = "redrive"
	FIFOMaxReceives   Rule = "fifo-max-receives"
	BatchWindow       Rule = "batch-window"
	BatchSize         Rule = "batch-size"
	Bisect            Rule = "bisect"
	Retries           Rule = "retries"
	Destination       Rule = "destination"
	TumblingWindow    Rule = "tumbling-window"
	FunctionTimeout   Rule = "function-timeout"
	Firehose          Rule = "firehose"
	Unresolved        Rule = "unresolved"
)

// A Severity says how much a finding matters.
type Severity int

const (
	Hint    Severity = iota // may be as intended
	Warning                 // records are lost, blocked or processed twice under some conditions
	Error                   // partial-failure responses do not work, or AWS refuses the setting
)

func (s Severity) String() string {
	switch s {
	case Error:
		return "error"
	case Warning:
		return "warning"
	}
	return "hint"
}

// A Finding is one thing that is wrong, or could not be checked, about a mapping or a
// transformation.
type Finding struct {
	Source   string // names of the source and the function
	Function string
	Rule     Rule
	Severity Severity
	Message  string   // what is wrong, and why it matters
	Resource Resource // the resource that the message is about
	Fix      Fix      // zero if no single setting puts it right
	Page     string   // URL of the AWS documentation
}

// A Fix is a setting that puts a finding right.
type Fix struct {
	Property Property
	Value    string // in words of the property: "ReportBatchItemFailures", "true", "180"
}

// A Property is a setting that a [Fix] changes. It has the same name in every format.
type Property string

const (
	SetResponseTypes     Property = "FunctionResponseTypes"
	SetBatchSize         Property = "BatchSize"
	SetBatchWindow       Property = "MaximumBatchingWindowInSeconds"
	SetProvisionedPoller Property = "ProvisionedPollerConfig" // the value is the least number of pollers
	SetBisect            Property = "BisectBatchOnFunctionError"
	SetRetryAttempts     Property = "MaximumRetryAttempts"
	SetOnFailure         Property = "DestinationConfig" // the value is a placeholder for the ARN
	SetVisibilityTimeout Property = "VisibilityTimeout"
	SetRedrivePolicy     Property = "RedrivePolicy"   // the value is maxReceiveCount
	SetMaxReceiveCount   Property = "maxReceiveCount" // of the redrive policy that the queue has
	SetTimeout           Property = "Timeout"
	SetVariable          Property = "Environment" // the value is the variable's value
	SetFirehoseBuffer    Property = "BufferSizeInMBs"
)
