package once_test

// The format of items, which other languages read and write.

import (
	"context"
	"encoding/json"
	"errors"
	"maps"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/lambdabatch/batch/once"
	"github.com/matryer/is"
	"pgregory.net/rapid"
)

func text(s string) types.AttributeValue { return &types.AttributeValueMemberS{Value: s} }
func num(s string) types.AttributeValue  { return &types.AttributeValueMemberN{Value: s} }

func TestAnItemHasTheAttributesOfPowertools(t *testing.T) {
	t.Setenv("AWS_LAMBDA_FUNCTION_NAME", "orders")
	for name, test := range map[string]struct {
		opts []once.DynamoDBOption
		id   string
		data types.AttributeValue
	}{
		"as TypeScript writes it": {
			nil, "orders#y8vblI3ha/5+SagfkVAKsQ==",
			&types.AttributeValueMemberM{Value: item{"Order": text("o-1"), "Paid": num("12")}},
		},
		"as Python writes it": {
			[]once.DynamoDBOption{once.WithPythonItems()}, "orders#cbcbdb948de16bfe7e49a81f91500ab1",
			text(`{"Order":"o-1","Paid":12}`),
		},
		"with a prefix": {
			[]once.DynamoDBOption{once.WithPrefix("shop")}, "shop#y8vblI3ha/5+SagfkVAKsQ==",
			&types.AttributeValueMemberM{Value: item{"Order": text("o-1"), "Paid": num("12")}},
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				is := is.New(t)
				table := newTable()
				start := time.Now() // a whole second
				var claimed item
				charge := once.Map(once.DynamoDB(table, "idempotency", test.opts...), order.key, func(_ context.Context, o order) (receipt, error) {
					claimed = maps.Clone(table.items[test.id])
					time.Sleep(1500 * time.Millisecond)
					return receipt{o.ID, o.Total}, nil
				})
				_, err := charge(within(t, time.Minute+time.Microsecond), order{"o-1", 12})
				is.NoErr(err)

				owner := stringOf(claimed["owner"])
				is.Equal(claimed, item{
					"id": text(test.id), "status": text("INPROGRESS"), "owner": text(owner),
					"expiration": seconds(start.Add(time.Hour)), "in_progress_expiration": milliseconds(start.Add(time.Minute + time.Millisecond)),
				})
				is.Equal(table.items[test.id], item{
					"id": text(test.id), "status": text("COMPLETED"), "owner": text(owner + " saved"), "data": test.data,
					"expiration": seconds(start.Add(time.Hour + 2*time.Second)), "in_progress_expiration": claimed["in_progress_expiration"],
				})
			})
		})
	}
}

func seconds(t time.Time) types.AttributeValue      { return num(decimal(t.Unix())) }
func milliseconds(t time.Time) types.AttributeValue { return num(decimal(t.UnixMilli())) }

func decimal(n int64) string {
	b, _ := json.Marshal(n)
	return string(b)
}

func TestANameFollowsThePrefix(t *testing.T) {
	is := is.New(t)
	table := newTable()
	store := once.DynamoDB(table, "idempotency", once.WithPrefix("orders"))
	is.NoErr(once.Each(store, order.key, pass, once.WithName("charge"))(t.Context(), order{ID: "o-1"}))
	is.Equal(slices.Collect(maps.Keys(table.items)), []string{"orders.charge#y8vblI3ha/5+SagfkVAKsQ=="})
}

func pass(context.Context, order) error { return nil }

// The expected checksums were computed with the sources of Powertools for TypeScript and for Python.
func TestChecksumsAreThoseOfTheOtherLanguages(t *testing.T) {
	for name, test := range map[string]struct {
		opts                []once.DynamoDBOption
		key, id             string
		payload, validation string
	}{
		"TypeScript": {
			nil,
			"hé\u007f\"\\\n\b/😀\u2028<&>", "#XV3d7HyNkVx11KZhyR5K5g==",
			`{"b":1,"c":2,"a":{"Zeta":1,"alpha":[1,2,{}],"10":1,"9":true,"_x":0},"1":[{"y":1,"X":2}],"u":"é\n","n":null,"f":12.50,"i":12345678901234567000,"z":1e21}`,
			"fqlpfqHFajqS0HjNZCFkdQ==",
		},
		"TypeScript, odd names": {
			nil, "o-1", "#y8vblI3ha/5+SagfkVAKsQ==",
			`{" x":1,"-1":2,"01":3,"4294967295":4,"4294967294":5,"10":6,"9":7,"a":8,"1.5":9,"2":0,"3":0,"�":1,"😀":2}`,
			"0UJWdQT6IHBKbBqMgIHbkA==",
		},
		"Python": {
			[]once.DynamoDBOption{once.WithPythonItems()},
			"hé\u007f\"\\\n\b/😀", "#cd851631d8bd2798dc9f41747e35a475",
			`{"b":1,"B":2,"a":{"Zeta":1,"alpha":[1,2,{}],"10":1,"9":true},"u":"é\n","n":null,"f":12.5,"i":12345678901234567890}`,
			"9aaa26b23d3eddc93de662f917dd9c0a",
		},
	} {
		t.Run(name, func(t *testing.T) {
			is := is.New(t)
			table := newTable()
			store := once.DynamoDB(table, "idempotency", append(test.opts, once.WithPrefix(""))...)
			err := once.Each(store, order.key, pass, once.WithPayload(func(order) any { return json.RawMessage(test.payload) }))(t.Context(), order{ID: test.key})
			is.NoErr(err)
			is.Equal(table.items[test.id]["validation"], text(test.validation))
		})
	}
}

func TestKeysAreWrittenWhereMD5IsForbidden(t *testing.T) {
	program := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestANameFollowsThePrefix$")
	program.Env = append(os.Environ(), "GODEBUG=fips140=only")
	if out, err := program.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
}

func TestAttributesMayHaveOtherNames(t *testing.T) {
	is := is.New(t)
	table := newTable()
	store := once.DynamoDB(table, "idempotency", once.WithAttributes(once.Attributes{
		Status: "state", Expiration: "ttl", InProgressExpiration: "until", Data: "result", Validation: "hash", Owner: "by",
	}))
	calls := 0
	charge := once.Map(store, order.key, counting(&calls), once.WithPayload(func(o order) any { return o.Total }))
	for range 2 {
		_, err := charge(within(t, time.Minute), order{"o-1", 12})
		is.NoErr(err)
	}
	_, err := charge(t.Context(), order{"o-1", 13})
	is.True(errors.Is(err, once.ErrPayload))
	is.Equal(calls, 1)
	for _, i := range table.items {
		is.Equal(slices.Sorted(maps.Keys(i)), []string{"by", "hash", "id", "result", "state", "ttl", "until"})
	}
}

func TestResultsSavedByAnotherLanguageAreReturned(t *testing.T) {
	data := &types.AttributeValueMemberM{Value: item{"Order": text("o-1"), "Paid": num("12")}}
	for name, test := range map[string]struct {
		opts  []once.DynamoDBOption
		saved item
		err   error
	}{
		"TypeScript":               {nil, item{"status": text("COMPLETED"), "data": data}, nil},
		"Python":                   {[]once.DynamoDBOption{once.WithPythonItems()}, item{"status": text("COMPLETED"), "data": text(`{"Paid": 12, "Order": "o-1"}`)}, nil},
		"nothing":                  {nil, item{"status": text("COMPLETED")}, once.ErrResult},
		"something else":           {nil, item{"status": text("COMPLETED"), "data": text("o-1")}, once.ErrResult},
		"not JSON":                 {[]once.DynamoDBOption{once.WithPythonItems()}, item{"status": text("COMPLETED"), "data": data}, once.ErrResult},
		"work in progress":         {nil, item{"status": text("INPROGRESS")}, once.ErrInProgress},
		"another payload, done":    {nil, item{"status": text("COMPLETED"), "data": data, "validation": text("other")}, once.ErrPayload},
		"another payload, claimed": {nil, item{"status": text("INPROGRESS"), "validation": text("other")}, once.ErrInProgress},
	} {
		t.Run(name, func(t *testing.T) {
			is := is.New(t)
			table := newTable()
			opts := append(test.opts, once.WithPrefix(""))
			is.NoErr(once.Each(once.DynamoDB(table, "x", opts...), order.key, pass)(t.Context(), order{ID: "o-1"})) // writes an item, and so its ID
			for key, old := range table.items {
				test.saved["id"], test.saved["expiration"] = old["id"], old["expiration"]
				table.items[key] = test.saved
			}
			calls := 0
			charge := once.Map(once.DynamoDB(table, "x", opts...), order.key, counting(&calls), once.WithPayload(func(o order) any { return o }))
			got, err := charge(t.Context(), order{"o-1", 12})
			is.True(errors.Is(err, test.err))
			is.Equal(err != nil && strings.HasSuffix(err.Error(), "there is none"), name == "nothing")
			is.Equal(calls, 0)
			if test.err == nil {
				is.Equal(got, receipt{"o-1", 12})
			}
		})
	}
}

func TestAnItemOfUnknownStatusIsNotTaken(t *testing.T) {
	is := is.New(t)
	table := newTable()
	charge := once.Each(once.DynamoDB(table, "x"), order.key, pass)
	is.NoErr(charge(t.Context(), order{ID: "o-1"}))
	for _, i := range table.items {
		i["status"] = text("PAUSED")
	}
	err := charge(t.Context(), order{ID: "o-1"})
	is.True(err != nil)
	is.Equal(err.Error(), `claim key "o-1": item with the status "PAUSED"`)
}

// anyJSON draws values of the types that encoding/json decodes into.
func anyJSON(depth int) *rapid.Generator[any] {
	kinds := []*rapid.Generator[any]{
		rapid.Just[any](nil), rapid.Bool().AsAny(), rapid.String().AsAny(),
		rapid.Custom(func(t *rapid.T) any { return float64(rapid.IntRange(-1e9, 1e9).Draw(t, "n")) / 8 }),
	}
	if depth > 0 {
		kinds = append(kinds, rapid.SliceOfN(anyJSON(depth-1), 0, 3).AsAny(), rapid.MapOfN(rapid.String(), anyJSON(depth-1), 0, 3).AsAny())
	}
	return rapid.OneOf(kinds...)
}

func TestEveryResultIsReturnedUnchanged(t *testing.T) {
	for name, open := range stores() {
		t.Run(name, func(t *testing.T) {
			rapid.Check(t, func(t *rapid.T) {
				want := anyJSON(3).Draw(t, "result")
				store, calls := open(), 0
				for range 2 {
					got, err := once.Map(store, order.key, func(context.Context, order) (any, error) { calls++; return want, nil })(context.Background(), order{ID: "o"})
					a, _ := json.Marshal(got)
					b, _ := json.Marshal(want)
					if err != nil || string(a) != string(b) {
						t.Fatalf("%s, %v", a, err)
					}
				}
				if calls != 1 {
					t.Fatal(calls)
				}
			})
		})
	}
}

func TestSetsAndBytesThatAnotherLanguageSavedAreReadAsJSON(t *testing.T) {
	is := is.New(t)
	table := newTable()
	store := once.DynamoDB(table, "x")
	is.NoErr(once.Each(store, order.key, pass)(t.Context(), order{ID: "o-1"}))
	for _, i := range table.items {
		i["data"] = &types.AttributeValueMemberL{Value: []types.AttributeValue{
			&types.AttributeValueMemberSS{Value: []string{"a"}}, &types.AttributeValueMemberNS{Value: []string{"1.5"}},
			&types.AttributeValueMemberBS{Value: [][]byte{{1}}}, &types.AttributeValueMemberB{Value: []byte{2}},
		}}
	}
	got, err := once.Map(store, order.key, func(context.Context, order) (any, error) { return nil, nil })(t.Context(), order{ID: "o-1"})
	is.NoErr(err)
	is.Equal(got, []any{[]any{"a"}, []any{1.5}, []any{"AQ=="}, "Ag=="})
}
