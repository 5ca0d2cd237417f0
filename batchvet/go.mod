module github.com/lambdabatch/batch/batchvet

go 1.26.0

replace github.com/lambdabatch/batch => ../

require (
	github.com/aws/aws-lambda-go v1.55.1
	github.com/lambdabatch/batch v0.0.0-00010101000000-000000000000
	github.com/matryer/is v1.4.1
	github.com/samber/lo v1.53.0
	golang.org/x/tools v0.52.0
)

require (
	github.com/go-json-experiment/json v1.27.2 // indirect
	golang.org/x/mod v0.42.0 // indirect
	golang.org/x/sync v0.24.0 // indirect
	golang.org/x/text v0.22.0 // indirect
)
