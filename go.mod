module github.com/lambdabatch/batch

go 1.26

require (
	github.com/aws/aws-lambda-go v1.55.1
	github.com/go-json-experiment/json v1.27.2
	github.com/matryer/is v1.4.1
	github.com/samber/lo v1.53.0
	pgregory.net/rapid v1.3.0
)

require golang.org/x/text v0.22.0 // indirect
