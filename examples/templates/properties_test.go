package templates_test

import (
	"strings"
	"testing"

	"github.com/matryer/is"
)

const day = 24 * 60 * 60

func TestTheResponseIsRead(t *testing.T) {
	forEach(t, onMapping, func(is *is.I, tmpl template) {
		is.Equal(tmpl.mapping.FunctionResponseTypes, []string{"ReportBatchItemFailures"})
	})
}

func TestTheMappingJoinsTheSourceAndTheFunction(t *testing.T) {
	forEach(t, onMapping, func(is *is.I, tmpl template) {
		is.Equal(tmpl.mapping.FunctionName, ref(tmpl.functionName))
		is.Equal(tmpl.mapping.EventSourceArn, getAtt(tmpl.sourceName, "Arn"))
		_, isQueue := tmpl.queues[tmpl.sourceName]
		_, isStream := tmpl.streams[tmpl.sourceName]
		is.True(isQueue || isStream)
	})
}

func TestTheFunctionIsAGoBinaryForARM(t *testing.T) {
	forEach(t, all, func(is *is.I, tmpl template) {
		is.Equal(tmpl.function.Runtime, "provided.al2023")
		is.Equal(tmpl.function.Architectures, []string{"arm64"})
		is.Equal(tmpl.function.Handler, "bootstrap")
		is.Equal(tmpl.function.CodeUri, ".")
		is.Equal(tmpl.function.buildMethod, "go1.x")
		is.True(strings.Contains(tmpl.text, "CGO_ENABLED=0 GOFLAGS=-tags=lambda.norpc sam build"))
	})
}

func TestLogsAreJSON(t *testing.T) {
	forEach(t, all, func(is *is.I, tmpl template) {
		is.Equal(tmpl.function.LoggingConfig.LogFormat, "JSON")
	})
}

func TestEventsAreCounted(t *testing.T) {
	forEach(t, onMapping, func(is *is.I, tmpl template) {
		is.Equal(tmpl.mapping.MetricsConfig.Metrics, []string{"EventCount"})
	})
}

func TestTheVisibilityTimeoutIsSixTimesTheFunctionTimeout(t *testing.T) {
	forEach(t, onQueues, func(is *is.I, tmpl template) {
		is.True(tmpl.function.Timeout > 0)
		is.True(tmpl.source().VisibilityTimeout >= 6*tmpl.function.Timeout+tmpl.mapping.MaximumBatchingWindowInSeconds)
		is.True(tmpl.source().VisibilityTimeout <= day/2) // SQS takes no more
	})
}

func TestTheDeadLetterQueueIsOfTheSameKindAndKeepsMessagesLonger(t *testing.T) {
	forEach(t, onQueues, func(is *is.I, tmpl template) {
		target, isARN := strings.CutSuffix(tmpl.source().RedrivePolicy.DeadLetterTargetArn.text, ".Arn")
		is.True(isARN)
		dead, ok := tmpl.queues[target]
		is.True(ok)
		is.True(target != tmpl.sourceName)
		is.Equal(tmpl.source().RedrivePolicy.DeadLetterTargetArn, getAtt(target, "Arn"))
		is.Equal(dead.FifoQueue, tmpl.source().FifoQueue)
		is.Equal(tmpl.source().MessageRetentionPeriod, 0) // 4 days
		is.Equal(dead.MessageRetentionPeriod, 14*day)
	})
}

func TestMessagesAreReceivedAtLeastFiveTimes(t *testing.T) {
	forEach(t, onQueues, func(is *is.I, tmpl template) {
		count := tmpl.source().RedrivePolicy.MaxReceiveCount
		is.Equal(count, ref("MaxReceives"))
		is.Equal(tmpl.parameters["MaxReceives"].Type, "Number")
		is.True(tmpl.parameters["MaxReceives"].MinValue >= 5)
		is.True(tmpl.parameters["MaxReceives"].Default >= tmpl.parameters["MaxReceives"].MinValue)
	})
}

func TestTheHandlerOfAFIFOQueueGetsTheMaxReceiveCount(t *testing.T) {
	forEach(t, onFIFO, func(is *is.I, tmpl template) {
		is.Equal(tmpl.function.Environment.Variables["MAX_RECEIVES"], tmpl.source().RedrivePolicy.MaxReceiveCount)
	})
}

func TestAFIFOQueueHasTheFIFOSuffix(t *testing.T) {
	forEach(t, onFIFO, func(is *is.I, tmpl template) {
		for _, q := range tmpl.queues {
			is.Equal(q.FifoQueue, strings.HasSuffix(q.QueueName.text, ".fifo"))
		}
	})
}

func TestTheBatchSettingsAreValidForTheQueue(t *testing.T) {
	forEach(t, onQueues, func(is *is.I, tmpl template) {
		window := tmpl.mapping.MaximumBatchingWindowInSeconds
		if tmpl.source().FifoQueue {
			is.Equal(window, 0)
		}
		is.True(window >= 0 && window <= 300)
		most := 10
		if window > 0 {
			most = 10_000
		}
		is.True(tmpl.mapping.BatchSize >= 1 && tmpl.mapping.BatchSize <= most)
		is.True(tmpl.mapping.ScalingConfig.MaximumConcurrency >= 2 && tmpl.mapping.ScalingConfig.MaximumConcurrency <= 1000)
	})
}

func TestAPoisonRecordOfAStreamIsIsolatedAndGivenUp(t *testing.T) {
	forEach(t, onStreams, func(is *is.I, tmpl template) {
		is.True(tmpl.mapping.BisectBatchOnFunctionError)
		is.True(tmpl.mapping.MaximumRetryAttempts != nil)
		is.True(*tmpl.mapping.MaximumRetryAttempts >= 1 && *tmpl.mapping.MaximumRetryAttempts <= 10_000)
		is.True(tmpl.mapping.MaximumRecordAgeInSeconds >= 60 && tmpl.mapping.MaximumRecordAgeInSeconds <= 7*day)
	})
}

func TestDiscardedRecordsCanStillBeRead(t *testing.T) {
	forEach(t, onStreams, func(is *is.I, tmpl template) {
		target, isARN := strings.CutSuffix(tmpl.mapping.DestinationConfig.OnFailure.Destination.text, ".Arn")
		is.True(isARN)
		is.Equal(tmpl.mapping.DestinationConfig.OnFailure.Destination, getAtt(target, "Arn"))
		_, isQueue := tmpl.queues[target]
		is.True(isQueue)
		is.Equal(tmpl.queues[target].MessageRetentionPeriod, 14*day)
		retention := tmpl.streams[tmpl.sourceName].RetentionPeriodHours * 60 * 60
		is.True(tmpl.mapping.MaximumRecordAgeInSeconds < retention)
	})
}

func TestTheBatchSettingsAreValidForTheStream(t *testing.T) {
	forEach(t, onStreams, func(is *is.I, tmpl template) {
		is.True(tmpl.mapping.BatchSize >= 1 && tmpl.mapping.BatchSize <= 10_000)
		is.True(tmpl.mapping.MaximumBatchingWindowInSeconds <= 300)
		is.True(tmpl.mapping.ParallelizationFactor >= 1 && tmpl.mapping.ParallelizationFactor <= 10)
		is.Equal(tmpl.mapping.StartingPosition, "TRIM_HORIZON")
	})
}

func TestAWindowHasOneInvocationAtATime(t *testing.T) {
	forEach(t, withWindows, func(is *is.I, tmpl template) {
		is.True(tmpl.mapping.TumblingWindowInSeconds <= 900)
		is.Equal(tmpl.mapping.ParallelizationFactor, 1)
	})
}

func TestTheFunctionMayReadItsQueueUseItsTableAndNothingElse(t *testing.T) {
	forEach(t, onQueues, func(is *is.I, tmpl template) {
		want := []policy{{SQSPollerPolicy: queuePolicy{getAtt(tmpl.sourceName, "QueueName")}}}
		for name := range tmpl.tables {
			want = append(want, policy{Version: "2012-10-17", Statement: []statement{{"Allow",
				actions{"dynamodb:PutItem", "dynamodb:UpdateItem", "dynamodb:DeleteItem", "dynamodb:GetItem"}, getAtt(name, "Arn")}}})
		}
		if deadLetters, ok := tmpl.function.Environment.Variables["DEAD_ORDERS"]; ok {
			want = append(want, policy{SQSSendMessagePolicy: queuePolicy{getAtt(deadLetters.text, "QueueName")}})
		}
		if len(tmpl.function.Layers) > 0 { // a collector
			want = append(want, policy{Version: "2012-10-17", Statement: []statement{{"Allow",
				actions{"xray:PutTraceSegments", "xray:PutTelemetryRecords"}, value{"!!str", "*"}}}})
		}
		is.Equal(tmpl.function.Policies, want)
	})
}

func TestTheTableIsOneForKeysThatExpire(t *testing.T) {
	forEach(t, withTable, func(is *is.I, tmpl template) {
		for name, keys := range tmpl.tables {
			is.Equal(tmpl.function.Environment.Variables["TABLE"], ref(name))
			is.Equal(len(keys.KeySchema), 1)
			is.Equal(keys.KeySchema[0].AttributeName, "id")
			is.Equal(keys.KeySchema[0].KeyType, "HASH")
			is.Equal(len(keys.AttributeDefinitions), 1)
			is.Equal(keys.AttributeDefinitions[0].AttributeName, "id")
			is.Equal(keys.AttributeDefinitions[0].AttributeType, "S")
			is.Equal(keys.TimeToLiveSpecification.AttributeName, "expiration")
			is.True(keys.TimeToLiveSpecification.Enabled)
			is.Equal(keys.BillingMode, "PAY_PER_REQUEST")
		}
	})
}

func TestTheFunctionMayOnlyReadItsStreamAndSendToTheDestination(t *testing.T) {
	forEach(t, onStreams, func(is *is.I, tmpl template) {
		destination := strings.TrimSuffix(tmpl.mapping.DestinationConfig.OnFailure.Destination.text, ".Arn")
		is.Equal(tmpl.function.Policies, []policy{
			{KinesisStreamReadPolicy: streamPolicy{ref(tmpl.sourceName)}},
			{Version: "2012-10-17", Statement: []statement{{"Allow", actions{"kinesis:ListShards"}, getAtt(tmpl.sourceName, "Arn")}}},
			{SQSSendMessagePolicy: queuePolicy{getAtt(destination, "QueueName")}},
		})
	})
}
