module github.com/lambdabatch/batch/examples/templates

go 1.26

require (
	github.com/lambdabatch/batch v0.0.0-00010101000000-000000000000
	github.com/matryer/is v1.4.1
	go.yaml.in/yaml/v4 v4.0.0
)

replace github.com/lambdabatch/batch => ../../
