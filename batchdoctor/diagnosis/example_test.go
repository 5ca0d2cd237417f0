package diagnosis_test

import (
	"fmt"

	"github.com/lambdabatch/batch/batchdoctor/diagnosis"
)

func ExampleExamine() {
	orders := diagnosis.Mapping{
		Source: diagnosis.Source{
			Resource: diagnosis.Resource{Name: "orders"},
			Kind:     diagnosis.SQS,
			Queue: diagnosis.Queue{
				VisibilityTimeout: diagnosis.Known(60),
				MaxReceiveCount:   diagnosis.Known(5),
			},
		},
		Function: diagnosis.Function{
			Resource: diagnosis.Resource{Name: "charge"},
			Timeout:  diagnosis.Unknown[int]("comes from parameter Timeout, which has no default"),
		},
	}
	for _, c := range diagnosis.Examine(diagnosis.Deployment{Mappings: []diagnosis.Mapping{orders}}) {
		fmt.Println(c.Source, "→", c.Function, "passes", c.Passed)
	}
	// Output: orders → charge passes [redrive batch-window batch-size]
}

func ExampleFindings() {
	orders := diagnosis.Mapping{
		Source:        diagnosis.Source{Resource: diagnosis.Resource{Name: "orders"}, Kind: diagnosis.Kafka},
		Function:      diagnosis.Function{Timeout: diagnosis.Unknown[int]("comes from parameter Timeout, which has no default")},
		ResponseTypes: diagnosis.Known([]string{"ReportBatchItemFailures"}),
	}
	checkups := diagnosis.Examine(diagnosis.Deployment{Mappings: []diagnosis.Mapping{orders}})
	for _, f := range diagnosis.Findings(checkups) {
		fmt.Printf("%s %s: %s\n", f.Severity, f.Rule, f.Message)
	}
	// Output:
	// error provisioned-kafka: The mapping has no ProvisionedPollerConfig. Lambda supports ReportBatchItemFailures for Kafka in provisioned mode only.
	// hint unresolved: The function's Timeout comes from parameter Timeout, which has no default. Not checked: function-timeout.
}

func ExampleUnset() {
	s := diagnosis.Unset[int]()
	fmt.Println(s.IsUnset())
	fmt.Println(s.Or(30).Value())
	// Output:
	// true
	// 30 true
}

func ExampleKnown() {
	fmt.Println(diagnosis.Known(60).Or(30).Value())
	// Output: 60 true
}

func ExampleUnknown() {
	s := diagnosis.Unknown[int]("comes from parameter Timeout, which has no default").From("parameter Timeout")
	_, known := s.Or(30).Value()
	reason, unread := s.Unread()
	fmt.Println(known, unread, reason)
	fmt.Println(s.Origin())
	// Output:
	// false true comes from parameter Timeout, which has no default
	// parameter Timeout
}

func ExampleKindOf() {
	kind, ok := diagnosis.KindOf("sqs")
	fmt.Println(kind == diagnosis.SQS, ok)
	_, ok = diagnosis.KindOf("s3")
	fmt.Println(ok)
	// Output:
	// true true
	// false
}
