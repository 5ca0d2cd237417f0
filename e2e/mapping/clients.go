package mapping

import (
	"context"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/kinesis"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
)

const region = "us-east-1"

// NewSQS returns a client of the SQS server at a URL.
func NewSQS(url string) *sqs.Client {
	return sqs.New(sqs.Options{BaseEndpoint: &url, Region: region, Credentials: anyone()})
}

// NewKinesis returns a client of the Kinesis server at a URL.
func NewKinesis(url string) *kinesis.Client {
	return kinesis.New(kinesis.Options{BaseEndpoint: &url, Region: region, Credentials: anyone()})
}

// NewDynamoDB returns a client of the DynamoDB server at a URL.
func NewDynamoDB(url string) *dynamodb.Client {
	return dynamodb.New(dynamodb.Options{BaseEndpoint: &url, Region: region, Credentials: anyone()})
}

// anyone is a made-up identity: the servers ask for one and believe every one.
func anyone() aws.CredentialsProvider {
	return aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
		return aws.Credentials{AccessKeyID: "e2e", SecretAccessKey: "e2e"}, nil
	})
}
