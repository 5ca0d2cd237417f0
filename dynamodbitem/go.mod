module github.com/lambdabatch/batch/dynamodbitem

go 1.26

require (
	github.com/aws/aws-lambda-go v1.55.1
	github.com/aws/aws-sdk-go-v2/feature/dynamodb/attributevalue v1.21.19
	github.com/aws/aws-sdk-go-v2/service/dynamodb v1.73.1
	github.com/lambdabatch/batch v0.0.0
	github.com/matryer/is v1.4.1
	pgregory.net/rapid v1.3.0
)

require (
	github.com/aws/aws-sdk-go-v2/service/dynamodbstreams v1.46.6 // indirect
	github.com/aws/smithy-go v1.28.8 // indirect
	github.com/go-json-experiment/json v1.27.2 // indirect
	github.com/samber/lo v1.53.0 // indirect
	golang.org/x/text v0.22.0 // indirect
)

replace github.com/lambdabatch/batch => ../
