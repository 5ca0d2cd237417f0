package mapping

import (
	"context"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/kinesis"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
)

const region = "us-east-1"

// NewSQS returns a client for the SQS server at url.
func NewSQS(url string) *sqs.Client {
	return sqs.New(sqs.Options{BaseEndpoint: &url, Region: region, Credentials: fakeCredentials()})
}

// NewKinesis returns a client for the Kinesis server at url.
func NewKinesis(url string) *kinesis.Client {
	return kinesis.New(kinesis.Options{BaseEndpoint: &url, Region: region, Credentials: fakeCredentials()})
}

// NewDynamoDB returns a client for the DynamoDB server at url.
func NewDynamoDB(url string) *dynamodb.Client {
	return dynamodb.New(dynamodb.Options{BaseEndpoint: &url, Region: region, Credentials: fakeCredentials()})
}

// fakeCredentials returns made-up credentials. The servers require some and accept any.
func fakeCredentials() aws.CredentialsProvider {
	return aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
		return aws.Credentials{AccessKeyID: "e2e", SecretAccessKey: "e2e"}, nil
	})
}
