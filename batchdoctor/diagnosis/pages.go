package diagnosis

// The pages of the AWS documentation that state what the rules check.
const (
	guide = "https://docs.aws.amazon.com/lambda/latest/dg/"

	kafkaPage         = guide + "kafka-retry-configurations.html"
	sqsConfigurePage  = guide + "services-sqs-configure.html"
	sqsParametersPage = guide + "services-sqs-parameters.html"
	timeoutPage       = guide + "configuration-timeout.html"
	fifoPage          = "https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-dead-letter-queues.html"
	firehosePage      = "https://docs.aws.amazon.com/firehose/latest/dev/data-transformation.html"
)

func responsePage(kind Kind) string {
	switch kind {
	case SQS:
		return guide + "services-sqs-errorhandling.html"
	case Kafka:
		return kafkaPage
	}
	return guide + streamPages(kind).response
}

func parametersPage(kind Kind) string {
	switch kind {
	case SQS:
		return sqsParametersPage
	case Kafka:
		return "https://docs.aws.amazon.com/lambda/latest/api/API_CreateEventSourceMapping.html"
	}
	return guide + streamPages(kind).parameters
}

func retriesPage(kind Kind) string {
	if kind == Kafka {
		return kafkaPage
	}
	return parametersPage(kind)
}

func onFailurePage(kind Kind) string {
	if kind == Kafka {
		return guide + "kafka-on-failure-destination.html"
	}
	return guide + streamPages(kind).onFailure
}

func windowPage(kind Kind) string { return guide + streamPages(kind).windows }

type streamDocumentation struct{ response, parameters, onFailure, windows string }

func streamPages(kind Kind) streamDocumentation {
	if kind == DynamoDB {
		return streamDocumentation{
			response:   "services-ddb-batchfailurereporting.html",
			parameters: "services-ddb-params.html",
			onFailure:  "services-dynamodb-errors.html",
			windows:    "services-ddb-windows.html",
		}
	}
	return streamDocumentation{
		response:   "services-kinesis-batchfailurereporting.html",
		parameters: "services-kinesis-parameters.html",
		onFailure:  "kinesis-on-failure-destination.html",
		windows:    "services-kinesis-windows.html",
	}
}
