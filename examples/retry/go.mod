module github.com/lambdabatch/batch/examples/retry

go 1.26

require (
	github.com/cenkalti/backoff/v7 v7.0.3
	github.com/lambdabatch/batch v0.0.0
	github.com/matryer/is v1.4.1
)

require (
	github.com/aws/aws-lambda-go v1.55.1 // indirect
	github.com/go-json-experiment/json v1.27.2 // indirect
	github.com/samber/lo v1.53.0 // indirect
	golang.org/x/text v0.22.0 // indirect
)

replace github.com/lambdabatch/batch => ../../
