module github.com/lambdabatch/batch/kpl

go 1.26

replace github.com/lambdabatch/batch => ../

require (
	github.com/aws/aws-lambda-go v1.55.1
	github.com/lambdabatch/batch v0.0.0
	github.com/matryer/is v1.4.1
	google.golang.org/protobuf v1.36.12
	pgregory.net/rapid v1.3.0
)

require github.com/go-json-experiment/json v1.27.2 // indirect
