package once

import (
	"fmt"
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

// A layout says how claims and results are written to items.
type layout struct {
	prefix   string
	names    Attributes
	dialect  dialect
	jsonText bool // results are strings of JSON, not maps, lists and so on
}

func (l *layout) key(c Claim) item {
	id := l.prefix
	if c.Name != "" {
		id += "." + c.Name
	}
	id += "#" + l.dialect.digest(l.dialect.quote(c.Key))
	return item{l.names.ID: stringAttribute(id)}
}

// claim returns the conditional write of a claim. It succeeds if there is no item, or if the item's claim has
// ended or its key has expired.
func (l *layout) claim(c Claim, now time.Time) *dynamodb.PutItemInput {
	n := l.names
	written := l.key(c)
	written[n.Status] = stringAttribute(inProgress)
	written[n.Expiration] = seconds(c.Expires)
	written[n.Owner] = stringAttribute(c.Owner)
	if !c.Until.IsZero() {
		written[n.InProgressExpiration] = milliseconds(c.Until)
	}
	if c.Payload != nil {
		written[n.Validation] = stringAttribute(l.dialect.checksum(c.Payload))
	}
	return &dynamodb.PutItemInput{
		Item: written,
		ConditionExpression: aws.String("attribute_not_exists(#id) OR #expiration < :seconds OR " +
			"(#status = :inProgress AND attribute_exists(#until) AND #until < :milliseconds)"),
		ExpressionAttributeNames: map[string]string{
			"#id": n.ID, "#expiration": n.Expiration, "#status": n.Status, "#until": n.InProgressExpiration,
		},
		ExpressionAttributeValues: item{
			":inProgress":   stringAttribute(inProgress),
			":seconds":      &types.AttributeValueMemberN{Value: fmt.Sprintf("%.3f", float64(now.UnixMilli())/1000)},
			":milliseconds": &types.AttributeValueMemberN{Value: strconv.FormatInt(now.UnixMilli(), 10)},
		},
		ReturnValuesOnConditionCheckFailure: types.ReturnValuesOnConditionCheckFailureAllOld,
	}
}

// ownsClaim is the condition of writes that only the owner of a claim may make.
const ownsClaim = "#owner = :owner AND #status = :inProgress"

// saved is the owner of an item whose result the owner of its claim has saved. Other languages complete an item
// without a look at its owner, and leave it as it was.
func saved(owner string) string { return owner + " saved" }

func (l *layout) save(c Claim, result []byte) (*dynamodb.UpdateItemInput, error) {
	n := l.names
	input := &dynamodb.UpdateItemInput{
		Key:                      l.key(c),
		UpdateExpression:         aws.String("SET #status = :completed, #expiration = :expiration, #owner = :saved"),
		ConditionExpression:      aws.String(ownsClaim),
		ExpressionAttributeNames: map[string]string{"#owner": n.Owner, "#status": n.Status, "#expiration": n.Expiration},
		ExpressionAttributeValues: item{
			":owner": stringAttribute(c.Owner), ":inProgress": stringAttribute(inProgress),
			":saved": stringAttribute(saved(c.Owner)), ":completed": stringAttribute(completed), ":expiration": seconds(c.Expires),
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
	if l.jsonText {
		return stringAttribute(string(result)), nil
	}
	return attributeFromJSON(result)
}

func (l *layout) release(c Claim) *dynamodb.DeleteItemInput {
	return &dynamodb.DeleteItemInput{
		Key:                       l.key(c),
		ConditionExpression:       aws.String(ownsClaim),
		ExpressionAttributeNames:  map[string]string{"#owner": l.names.Owner, "#status": l.names.Status},
		ExpressionAttributeValues: item{":owner": stringAttribute(c.Owner), ":inProgress": stringAttribute(inProgress)},
	}
}

func (l *layout) owner(i item) string { return stringOf(i[l.names.Owner]) }

func (l *layout) inProgress(i item) bool { return stringOf(i[l.names.Status]) == inProgress }

// free reports whether the item's key may be claimed. It mirrors the condition of claim.
func (l *layout) free(i item, now time.Time) bool {
	if expiration, ok := numberOf(i[l.names.Expiration]); ok && expiration*1000 < float64(now.UnixMilli()) {
		return true
	}
	until, ok := numberOf(i[l.names.InProgressExpiration])
	return l.inProgress(i) && ok && until < float64(now.UnixMilli())
}

// found returns what the item says about its key.
func (l *layout) found(i item, c Claim) (*Found, error) {
	validation := stringOf(i[l.names.Validation])
	f := &Found{OtherPayload: c.Payload != nil && validation != "" && validation != l.dialect.checksum(c.Payload)}
	switch status := stringOf(i[l.names.Status]); status {
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
	if l.jsonText {
		f.Result = []byte(stringOf(data))
		return f, nil
	}
	var err error
	f.Result, err = jsonFromAttribute(data)
	return f, err
}

func stringAttribute(s string) types.AttributeValue { return &types.AttributeValueMemberS{Value: s} }

func stringOf(v types.AttributeValue) string {
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

// seconds rounds up, so that nothing expires early.
func seconds(t time.Time) types.AttributeValue {
	s := t.Unix()
	if t.Nanosecond() > 0 {
		s++
	}
	return &types.AttributeValueMemberN{Value: strconv.FormatInt(s, 10)}
}

// milliseconds rounds up, too.
func milliseconds(t time.Time) types.AttributeValue {
	return &types.AttributeValueMemberN{Value: strconv.FormatInt(t.Add(time.Millisecond-1).UnixMilli(), 10)}
}
