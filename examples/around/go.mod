module github.com/lambdabatch/batch/examples/around

go 1.26

require (
	github.com/cenkalti/backoff/v7 v7.0.3
	github.com/lambdabatch/batch v0.0.0
	github.com/matryer/is v1.4.1
)

require (
	github.com/aws/aws-sdk-go-v2 v1.48.0 // indirect
	github.com/aws/aws-sdk-go-v2/internal/configsources v1.5.12 // indirect
	github.com/aws/aws-sdk-go-v2/internal/endpoints/v2 v2.8.12 // indirect
	github.com/aws/aws-sdk-go-v2/service/dynamodb v1.74.0 // indirect
	github.com/aws/aws-sdk-go-v2/service/internal/accept-encoding v1.13.25 // indirect
	github.com/aws/aws-sdk-go-v2/service/internal/endpoint-discovery v1.13.12 // indirect
	github.com/aws/smithy-go v1.28.9 // indirect
	github.com/sony/gobreaker/v2 v2.4.0
)

require (
	github.com/aws/aws-lambda-go v1.55.1 // indirect
	github.com/go-json-experiment/json v1.27.2 // indirect
	github.com/lambdabatch/batch/once v0.0.0
)

replace github.com/lambdabatch/batch => ../../

replace github.com/lambdabatch/batch/once => ../../once
