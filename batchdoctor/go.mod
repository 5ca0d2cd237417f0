module github.com/lambdabatch/batch/batchdoctor

go 1.26.0

require (
	github.com/matryer/is v1.4.1
	go.yaml.in/yaml/v4 v4.0.0
)

require pgregory.net/rapid v1.3.0
