// Package diagnosis checks whether a deployment of Lambda functions is set up for batches and
// partial-failure responses. A reader translates a template, a plan or a running account into
// a [Deployment]; [Examine] applies the rules to it.
package diagnosis

// A Deployment is the part of an application that delivers batches to functions.
type Deployment struct {
	Mappings        []Mapping
	Transformations []Transformation
	Gaps            []Gap
}

// A Gap is a part of the deployment that the reader cannot follow, although it may contain
// mappings or transformations.
type Gap struct {
	Resource
	Reason string // a verb phrase that has the resource as its subject: "is created by Fn::ForEach"
}

// A Resource says where a part of the deployment is defined.
type Resource struct {
	// Name is what a person calls it: the logical ID of a template, the address in Terraform
	// or the name in AWS.
	Name string

	// File and Line are where it is defined; File is "" and Line 0 if it is in no file.
	File string
	Line int

	// Format is the language in which settings are added to it.
	Format Format

	// Address is where settings are added: the path of the properties in a template
	// ("Resources.Mapping.Properties"), the address of the resource in Terraform, or the
	// identifier that the AWS CLI takes (UUID of a mapping, URL of a queue, name of a
	// function). It is "" if the resource is defined elsewhere.
	Address string

	// Generator is the property that generates the resource, if it has no place for the
	// resource's settings: "SqsSubscription".
	Generator string

	// Ignored lists the rules that the resource silences.
	Ignored []Rule
}

// A Format is the language of a deployment.
type Format int

const (
	YAML        Format = iota // a CloudFormation or SAM template
	JSON                      // a CloudFormation or SAM template
	Terraform                 // HCL
	CommandLine               // the AWS CLI, for what is already deployed
)

// A Mapping is an event source mapping: Lambda polls a source and calls a function.
type Mapping struct {
	Resource
	Source   Source
	Function Function

	ResponseTypes     Setting[[]string] // FunctionResponseTypes
	BatchSize         Setting[int]
	BatchWindow       Setting[int]    // MaximumBatchingWindowInSeconds
	ProvisionedPoller Setting[bool]   // Kafka: ProvisionedPollerConfig is present
	BisectOnError     Setting[bool]   // not SQS: BisectBatchOnFunctionError
	RetryAttempts     Setting[int]    // not SQS: MaximumRetryAttempts, -1 means unlimited
	RecordAge         Setting[int]    // not SQS: MaximumRecordAgeInSeconds, -1 means unlimited
	OnFailure         Setting[string] // not SQS: the on-failure destination
	TumblingWindow    Setting[int]    // streams: TumblingWindowInSeconds
}

// A Source is what a mapping polls.
type Source struct {
	Resource
	Kind  Kind
	Queue Queue // of the kind SQS
}

// A Kind is a service that Lambda polls.
type Kind int

const (
	Other    Kind = iota // a service without partial-failure responses, such as Amazon MQ: no rule applies
	SQS                  // a standard or FIFO queue
	Kinesis              // a data stream, or a consumer of one
	DynamoDB             // the stream of a table
	Stream               // Kinesis or DynamoDB, it is unknown which: their rules are the same
	Kafka                // a topic of Amazon MSK or of a self-managed cluster
)

// KindOf returns the kind of a source by the service in its ARN, such as "sqs", and whether
// Lambda is known to poll that service.
func KindOf(service string) (kind Kind, ok bool) {
	switch service {
	case "sqs":
		return SQS, true
	case "kinesis":
		return Kinesis, true
	case "dynamodb":
		return DynamoDB, true
	case "kafka":
		return Kafka, true
	case "mq", "rds":
		return Other, true
	}
	return Other, false
}

// A Queue has the settings of an SQS queue. They are unknown if the queue is defined elsewhere.
type Queue struct {
	FIFO              Setting[bool]
	VisibilityTimeout Setting[int]  // seconds
	MaxReceiveCount   Setting[int]  // of the redrive policy; unset if the queue has no such policy
	DeadLetters       Setting[bool] // another resource names the queue as its dead-letter queue
}

// A Function is a Lambda function. Its settings are unknown if it is defined elsewhere.
type Function struct {
	Resource
	Timeout     Setting[int] // seconds
	Environment Setting[[]Variable]
}

// A Variable is an environment variable of a function.
type Variable struct {
	Name  string
	Value Setting[string] // its origin matters more than its value
}

// A Transformation is a Firehose stream that calls a function to transform its records.
type Transformation struct {
	Resource
	Function   Function
	BufferSize Setting[float64] // BufferSizeInMBs of the Lambda processor
}
