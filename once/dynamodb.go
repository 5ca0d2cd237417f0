package once

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
)

// DynamoDBClient is the part of [*dynamodb.Client] that [DynamoDB] uses.
type DynamoDBClient interface {
	PutItem(context.Context, *dynamodb.PutItemInput, ...func(*dynamodb.Options)) (*dynamodb.PutItemOutput, error)
	UpdateItem(context.Context, *dynamodb.UpdateItemInput, ...func(*dynamodb.Options)) (*dynamodb.UpdateItemOutput, error)
	DeleteItem(context.Context, *dynamodb.DeleteItemInput, ...func(*dynamodb.Options)) (*dynamodb.DeleteItemOutput, error)
	GetItem(context.Context, *dynamodb.GetItemInput, ...func(*dynamodb.Options)) (*dynamodb.GetItemOutput, error)
}

// DynamoDB returns a store in a table. The table's partition key is the string "id", it has no sort key, and
// its time-to-live attribute is "expiration". The function's role must allow PutItem, UpdateItem, DeleteItem
// and GetItem on the table.
//
// A new key costs two writes. A key that is already done costs one write, which fails and is billed.
//
// The items are those of the idempotency utilities of Powertools for AWS Lambda, plus an attribute for the
// owner of the claim. So functions in other languages can share the table and its keys. They must agree on
// [WithPrefix] and, for Python, on [WithPythonItems].
//
// The record fails with [ErrResult] if DynamoDB does not accept the result: if it has more than 400 KB, is
// more than 32 levels deep, or has a number beyond 1e125, nearer to zero than 1e-130, or of more than 38 digits.
//
// DynamoDB panics if the client or an option is nil, or if table is empty.
func DynamoDB(client DynamoDBClient, table string, opts ...DynamoDBOption) Store {
	require(client != nil, "DynamoDB", "client is nil")
	require(table != "", "DynamoDB", "table is empty")
	t := &dynamoDB{
		client: client, table: table,
		layout: layout{prefix: os.Getenv("AWS_LAMBDA_FUNCTION_NAME"), names: Attributes{}.withDefaults(), dialect: typeScript},
	}
	for _, option := range opts {
		require(option != nil, "DynamoDB", "a DynamoDBOption is nil")
		option(&t.layout)
	}
	return t
}

type dynamoDB struct {
	recentUses
	client DynamoDBClient
	table  string
	layout layout
}

// maxClaimAttempts limits the attempts to claim a key that was taken at the write and free again at the read.
const maxClaimAttempts = 3

func (t *dynamoDB) Claim(ctx context.Context, c Claim) (*Found, error) {
	for range maxClaimAttempts {
		input := t.layout.claim(c, time.Now())
		input.TableName = &t.table
		_, err := t.client.PutItem(ctx, input)
		if err == nil {
			return nil, nil
		}
		item, err := t.conflicting(ctx, c, err)
		if err != nil {
			return nil, err
		}
		if item == nil || t.layout.free(item, time.Now()) {
			continue
		}
		if t.layout.owner(item) == c.Owner && t.layout.inProgress(item) {
			return nil, nil // an earlier attempt succeeded, and its response was lost
		}
		return t.layout.found(item, c)
	}
	return &Found{}, nil // another call was faster each time
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
	if isValidationError(err) {
		return fmt.Errorf("%w: %w", ErrResult, err)
	}
	item, err := t.conflicting(ctx, c, err)
	if err != nil {
		return err
	}
	if t.layout.owner(item) == saved(c.Owner) {
		return nil // an earlier attempt succeeded, and its response was lost
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

// conflicting returns the item for which a condition failed, or nil if it has been deleted since. It returns
// any other error unchanged. Some servers do not send the item with the failure, so it may have to be read.
func (t *dynamoDB) conflicting(ctx context.Context, c Claim, err error) (item, error) {
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

// isValidationError reports whether DynamoDB will never accept the request, because its item is too large or
// too deep.
func isValidationError(err error) bool {
	var api interface{ ErrorCode() string }
	return errors.As(err, &api) && api.ErrorCode() == "ValidationException"
}

// A DynamoDBOption changes a default of [DynamoDB].
type DynamoDBOption func(*layout)

// WithPrefix sets the prefix of all ids. It is followed by the name from [WithName] and the checksum of the
// key. The default is the name of the Lambda function, from AWS_LAMBDA_FUNCTION_NAME: if the function gets
// another name, its keys are forgotten. Lambda functions that share keys need the same prefix.
func WithPrefix(prefix string) DynamoDBOption {
	return func(l *layout) { l.prefix = prefix }
}

// WithPythonItems makes the store compute checksums and write results as Powertools for Python does. By
// default, it does so as Powertools for TypeScript does. The two use the same attributes with different
// contents.
func WithPythonItems() DynamoDBOption {
	return func(l *layout) { l.dialect, l.jsonText = python, true }
}

// Attributes are the names of an item's attributes. An empty name means the default, which is given in quotes.
type Attributes struct {
	ID                   string // "id": the partition key
	Status               string // "status": INPROGRESS or COMPLETED
	Expiration           string // "expiration": seconds since 1970, for the table's time-to-live
	InProgressExpiration string // "in_progress_expiration": milliseconds since 1970
	Data                 string // "data": the result
	Validation           string // "validation": checksum of the payload
	Owner                string // "owner": which call holds the claim or saved the result; unknown to Powertools
}

func (n Attributes) withDefaults() Attributes {
	return Attributes{
		ID:                   cmp.Or(n.ID, "id"),
		Status:               cmp.Or(n.Status, "status"),
		Expiration:           cmp.Or(n.Expiration, "expiration"),
		InProgressExpiration: cmp.Or(n.InProgressExpiration, "in_progress_expiration"),
		Data:                 cmp.Or(n.Data, "data"),
		Validation:           cmp.Or(n.Validation, "validation"),
		Owner:                cmp.Or(n.Owner, "owner"),
	}
}

func (n Attributes) allDifferent() bool {
	all := []string{n.ID, n.Status, n.Expiration, n.InProgressExpiration, n.Data, n.Validation, n.Owner}
	slices.Sort(all)
	return len(slices.Compact(all)) == 7
}

// WithAttributes sets the names of an item's attributes. It panics if two of them are the same.
func WithAttributes(names Attributes) DynamoDBOption {
	names = names.withDefaults()
	require(names.allDifferent(), "WithAttributes", "two names are the same")
	return func(l *layout) { l.names = names }
}
