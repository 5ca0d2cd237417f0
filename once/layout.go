package once

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
)

const (
	inProgress = "INPROGRESS"
	completed  = "COMPLETED"
)

type item = map[string]types.AttributeValue

// layout is what the items of a table look like.
type layout struct {
	prefix  string
	names   Attributes
	dialect dialect
	text    bool // results are JSON texts, not values of DynamoDB
}

func (n Attributes) orDefault() Attributes {
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

func (n Attributes) differ() bool {
	all := []string{n.ID, n.Status, n.Expiration, n.InProgressExpiration, n.Data, n.Validation, n.Owner}
	slices.Sort(all)
	return len(slices.Compact(all)) == 7
}

func (l *layout) key(c Claim) item {
	id := l.prefix
	if c.Name != "" {
		id += "." + c.Name
	}
	id += "#" + l.dialect.digest(l.dialect.quoted(c.Key))
	return item{l.names.ID: text(id)}
}

// claim is the conditional write of a claim. A claim whose time is over may be taken, also where nobody
// has freed it.
func (l *layout) claim(c Claim, now time.Time) *dynamodb.PutItemInput {
	n := l.names
	written := l.key(c)
	written[n.Status] = text(inProgress)
	written[n.Expiration] = seconds(c.Expires)
	written[n.Owner] = text(c.Owner)
	if !c.Until.IsZero() {
		written[n.InProgressExpiration] = milliseconds(c.Until)
	}
	if c.Payload != nil {
		written[n.Validation] = text(l.dialect.checksum(c.Payload))
	}
	return &dynamodb.PutItemInput{
		Item: written,
		ConditionExpression: aws.String("attribute_not_exists(#id) OR #expiration < :seconds OR " +
			"(#status = :inProgress AND attribute_exists(#until) AND #until < :milliseconds)"),
		ExpressionAttributeNames: map[string]string{
			"#id": n.ID, "#expiration": n.Expiration, "#status": n.Status, "#until": n.InProgressExpiration,
		},
		ExpressionAttributeValues: item{
			":inProgress":   text(inProgress),
			":seconds":      &types.AttributeValueMemberN{Value: fmt.Sprintf("%.3f", float64(now.UnixMilli())/1000)},
			":milliseconds": &types.AttributeValueMemberN{Value: strconv.FormatInt(now.UnixMilli(), 10)},
		},
		ReturnValuesOnConditionCheckFailure: types.ReturnValuesOnConditionCheckFailureAllOld,
	}
}

// held is the condition of what only the owner of the claim may do.
const held = "#owner = :owner AND #status = :inProgress"

func (l *layout) save(c Claim, result []byte) (*dynamodb.UpdateItemInput, error) {
	n := l.names
	input := &dynamodb.UpdateItemInput{
		Key:                      l.key(c),
		UpdateExpression:         aws.String("SET #status = :completed, #expiration = :expiration"),
		ConditionExpression:      aws.String(held),
		ExpressionAttributeNames: map[string]string{"#owner": n.Owner, "#status": n.Status, "#expiration": n.Expiration},
		ExpressionAttributeValues: item{
			":owner": text(c.Owner), ":inProgress": text(inProgress), ":completed": text(completed), ":expiration": seconds(c.Expires),
		},
		ReturnValuesOnConditionCheckFailure: types.ReturnValuesOnConditionCheckFailureAllOld,
	}
	if result == nil {
		return input, nil
	}
	data, err := l.data(result)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrResult, err)
	}
	*input.UpdateExpression += ", #data = :data"
	input.ExpressionAttributeNames["#data"] = n.Data
	input.ExpressionAttributeValues[":data"] = data
	return input, nil
}

func (l *layout) data(result []byte) (types.AttributeValue, error) {
	if l.text {
		return text(string(result)), nil
	}
	return valueOf(result)
}

func (l *layout) release(c Claim) *dynamodb.DeleteItemInput {
	return &dynamodb.DeleteItemInput{
		Key:                       l.key(c),
		ConditionExpression:       aws.String(held),
		ExpressionAttributeNames:  map[string]string{"#owner": l.names.Owner, "#status": l.names.Status},
		ExpressionAttributeValues: item{":owner": text(c.Owner), ":inProgress": text(inProgress)},
	}
}

func (l *layout) owner(i item) string { return textOf(i[l.names.Owner]) }

func (l *layout) inProgress(i item) bool { return textOf(i[l.names.Status]) == inProgress }

// free reports whether the item may be claimed by now.
func (l *layout) free(i item, now time.Time) bool {
	if expiration, ok := numberOf(i[l.names.Expiration]); ok && expiration*1000 < float64(now.UnixMilli()) {
		return true
	}
	until, ok := numberOf(i[l.names.InProgressExpiration])
	return l.inProgress(i) && ok && until < float64(now.UnixMilli())
}

// found is what the item says of the key.
func (l *layout) found(i item, c Claim) (*Found, error) {
	validation := textOf(i[l.names.Validation])
	f := &Found{OtherPayload: c.Payload != nil && validation != "" && validation != l.dialect.checksum(c.Payload)}
	switch status := textOf(i[l.names.Status]); status {
	case inProgress:
		return f, nil
	case completed:
		f.Done = true
	default:
		return nil, fmt.Errorf("item with the status %q", status)
	}
	data, ok := i[l.names.Data]
	if !ok {
		return f, nil
	}
	if l.text {
		f.Result = []byte(textOf(data))
		return f, nil
	}
	var err error
	f.Result, err = jsonOf(data)
	return f, err
}

func text(s string) types.AttributeValue { return &types.AttributeValueMemberS{Value: s} }

func textOf(v types.AttributeValue) string {
	if s, ok := v.(*types.AttributeValueMemberS); ok {
		return s.Value
	}
	return ""
}

func numberOf(v types.AttributeValue) (float64, bool) {
	n, ok := v.(*types.AttributeValueMemberN)
	if !ok {
		return 0, false
	}
	f, err := strconv.ParseFloat(n.Value, 64)
	return f, err == nil
}

// seconds are rounded up, so that nothing ends early.
func seconds(t time.Time) types.AttributeValue {
	s := t.Unix()
	if t.Nanosecond() > 0 {
		s++
	}
	return &types.AttributeValueMemberN{Value: strconv.FormatInt(s, 10)}
}

func milliseconds(t time.Time) types.AttributeValue {
	return &types.AttributeValueMemberN{Value: strconv.FormatInt(t.Add(time.Millisecond-1).UnixMilli(), 10)}
}
