package once

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
)

// DynamoDBClient is what [DynamoDB] needs of a [dynamodb.Client].
type DynamoDBClient interface {
	PutItem(context.Context, *dynamodb.PutItemInput, ...func(*dynamodb.Options)) (*dynamodb.PutItemOutput, error)
	UpdateItem(context.Context, *dynamodb.UpdateItemInput, ...func(*dynamodb.Options)) (*dynamodb.UpdateItemOutput, error)
	DeleteItem(context.Context, *dynamodb.DeleteItemInput, ...func(*dynamodb.Options)) (*dynamodb.DeleteItemOutput, error)
	GetItem(context.Context, *dynamodb.GetItemInput, ...func(*dynamodb.Options)) (*dynamodb.GetItemOutput, error)
}

// DynamoDB is a store in a table with the string "id" as its partition key, no sort key, and "expiration" as its
// time to live. Work that is done costs two writes, and work that was done before one, which fails. The client's
// policy must allow PutItem, UpdateItem, DeleteItem and GetItem on the table.
//
// The items are those of the idempotency utilities of Powertools for AWS Lambda, with one attribute more, the owner
// of the claim. So functions in other languages may share the table, and the keys, if they agree on
// [WithPrefix] and, for Python, [WithPythonItems]. A result that DynamoDB does not take is [ErrResult]: more than
// 400 KB, nested more than 32 levels deep, or with a number beyond 1e125.
func DynamoDB(client DynamoDBClient, table string, opts ...DynamoDBOption) Store {
	require(client != nil, "DynamoDB", "client is nil")
	require(table != "", "DynamoDB", "table is empty")
	t := &dynamoDB{
		client: client, table: table,
		layout: layout{prefix: os.Getenv("AWS_LAMBDA_FUNCTION_NAME"), names: Attributes{}.orDefault(), dialect: typeScript},
	}
	for _, option := range opts {
		require(option != nil, "DynamoDB", "a DynamoDBOption is nil")
		option(&t.layout)
	}
	return t
}

type dynamoDB struct {
	users
	client DynamoDBClient
	table  string
	layout layout
}

// tries is how often a claim is tried whose key was taken, and is free by the time that the item is read.
const tries = 3

func (t *dynamoDB) Claim(ctx context.Context, c Claim) (*Found, error) {
	for range tries {
		input := t.layout.claim(c, time.Now())
		input.TableName = &t.table
		_, err := t.client.PutItem(ctx, input)
		if err == nil {
			return nil, nil
		}
		item, err := t.existing(ctx, c, err)
		if err != nil {
			return nil, err
		}
		if item == nil || t.layout.free(item, time.Now()) {
			continue
		}
		if t.layout.owner(item) == c.Owner && t.layout.inProgress(item) {
			return nil, nil // an earlier try has succeeded, and its answer was lost
		}
		return t.layout.found(item, c)
	}
	return &Found{}, nil // somebody else is quicker each time
}

func (t *dynamoDB) Save(ctx context.Context, c Claim, result []byte) error {
	input, err := t.layout.save(c, result)
	if err != nil {
		return err
	}
	input.TableName = &t.table
	if _, err = t.client.UpdateItem(ctx, input); err == nil {
		return nil
	}
	if refused(err) {
		return fmt.Errorf("%w: %w", ErrResult, err)
	}
	item, err := t.existing(ctx, c, err)
	if err != nil {
		return err
	}
	if t.layout.owner(item) == c.Owner && !t.layout.inProgress(item) {
		return nil // an earlier try has succeeded, and its answer was lost
	}
	return ErrLate
}

func (t *dynamoDB) Release(ctx context.Context, c Claim) error {
	input := t.layout.release(c)
	input.TableName = &t.table
	_, err := t.client.DeleteItem(ctx, input)
	if _, lost := errors.AsType[*types.ConditionalCheckFailedException](err); lost {
		return nil
	}
	return err
}

// existing is the item that a condition failed for, nil if it has gone since. Another error is returned as it is.
// Not every server sends the item with the failure.
func (t *dynamoDB) existing(ctx context.Context, c Claim, err error) (item, error) {
	failed, ok := errors.AsType[*types.ConditionalCheckFailedException](err)
	if !ok {
		return nil, err
	}
	if len(failed.Item) > 0 {
		return failed.Item, nil
	}
	got, err := t.client.GetItem(ctx, &dynamodb.GetItemInput{
		TableName: &t.table, Key: t.layout.key(c), ConsistentRead: aws.Bool(true),
	})
	if err != nil {
		return nil, err
	}
	return got.Item, nil
}

// refused reports whether DynamoDB would never take the request: its item is too large, or too deep.
func refused(err error) bool {
	var api interface{ ErrorCode() string }
	return errors.As(err, &api) && api.ErrorCode() == "ValidationException"
}

// A DynamoDBOption changes what [DynamoDB] does by default.
type DynamoDBOption func(*layout)

// WithPrefix sets what ids begin with, before the name of [WithName] and the checksum of the key. The default is the
// name of the Lambda function, as AWS_LAMBDA_FUNCTION_NAME has it. Lambda functions that share keys need the same
// prefix.
func WithPrefix(prefix string) DynamoDBOption {
	return func(l *layout) { l.prefix = prefix }
}

// WithPythonItems makes checksums and writes results as Powertools for Python does. The default is Powertools for TypeScript.
// They agree on the attributes, but not on their contents.
func WithPythonItems() DynamoDBOption {
	return func(l *layout) { l.dialect, l.text = python, true }
}

// Attributes are the names of the attributes. An empty name means the default.
type Attributes struct {
	ID                   string // the partition key, "id"
	Status               string // "status": INPROGRESS or COMPLETED
	Expiration           string // "expiration": seconds since 1970, for the table's time to live
	InProgressExpiration string // "in_progress_expiration": milliseconds since 1970
	Data                 string // "data": the result
	Validation           string // "validation": checksum of the payload
	Owner                string // "owner": who holds the claim, which other languages do not know
}

// WithAttributes sets the names of attributes.
func WithAttributes(names Attributes) DynamoDBOption {
	names = names.orDefault()
	require(names.differ(), "WithAttributes", "two names are the same")
	return func(l *layout) { l.names = names }
}
