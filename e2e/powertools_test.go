package e2e_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/lambdabatch/batch/e2e/mapping"
	"github.com/lambdabatch/batch/e2e/servers"
	"github.com/lambdabatch/batch/once"
	"github.com/matryer/is"
)

// A sharedTable is a table for keys that two functions share: one in Go, with store, and one in
// TypeScript.
type sharedTable struct {
	client     *dynamodb.Client
	name       string
	store      once.Store
	typeScript *servers.Powertools
}

const function = "charge"

func createTable(t *testing.T) *sharedTable {
	t.Helper()
	is := is.New(t)
	s := startServers(t)
	client, name := createKeys(t, s)
	typeScript, err := servers.StartPowertools("servers", t.Output(), function, s.DynamoDB, name)
	is.NoErr(err)
	t.Cleanup(func() {
		if err := typeScript.Close(); err != nil {
			t.Error("close powertools:", err)
		}
	})
	return &sharedTable{client, name, once.DynamoDB(client, name, once.WithPrefix(function)), typeScript}
}

// createKeys creates a table for keys.
func createKeys(t *testing.T, s *servers.Servers) (client *dynamodb.Client, name string) {
	t.Helper()
	is := is.New(t)
	client, name = mapping.NewDynamoDB(s.DynamoDB), "idempotency"
	_, err := client.CreateTable(t.Context(), &dynamodb.CreateTableInput{
		TableName: &name, BillingMode: types.BillingModePayPerRequest,
		AttributeDefinitions: []types.AttributeDefinition{{AttributeName: aws.String("id"), AttributeType: types.ScalarAttributeTypeS}},
		KeySchema:            []types.KeySchemaElement{{AttributeName: aws.String("id"), KeyType: types.KeyTypeHash}},
	})
	is.NoErr(err)
	is.NoErr(dynamodb.NewTableExistsWaiter(client).Wait(t.Context(), &dynamodb.DescribeTableInput{TableName: &name}, 10*time.Second))
	return client, name
}

// Both functions take a purchase and return a receipt.
type purchase struct {
	ID    string
	Total int
}

type receipt struct {
	Order string
	Paid  int
	By    string
}

func keyOf(p purchase) string { return p.ID }

// inGo charges p in Go. The function returns the error of f, and called counts its calls.
func (s *sharedTable) inGo(ctx context.Context, p purchase, f func() error, opts ...once.Option) (r receipt, called int, err error) {
	charge := once.Map(s.store, keyOf, func(_ context.Context, p purchase) (receipt, error) {
		called++
		return receipt{p.ID, p.Total, "Go"}, f()
	}, opts...)
	r, err = charge(ctx, p)
	return r, called, err
}

func succeed() error { return nil }

// inTypeScript makes the call in TypeScript and returns its outcome.
func (s *sharedTable) inTypeScript(t *testing.T, c servers.Call) servers.Reply {
	t.Helper()
	is := is.New(t)
	if c.Remaining == 0 {
		c.Remaining = 60_000
	}
	pending, err := s.typeScript.Start(c)
	is.NoErr(err)
	reply, err := pending.Reply()
	is.NoErr(err)
	return reply
}

// hold starts a call in TypeScript that waits until end is called.
func (s *sharedTable) hold(t *testing.T, c servers.Call) (end func() servers.Reply) {
	t.Helper()
	is := is.New(t)
	c.Held = true
	pending, err := s.typeScript.Start(c)
	is.NoErr(err)
	started, err := pending.Reply()
	is.NoErr(err)
	is.True(started.Started)
	return func() servers.Reply {
		t.Helper()
		is.NoErr(pending.End())
		reply, err := pending.Reply()
		is.NoErr(err)
		return reply
	}
}

func withinMinute(t *testing.T) context.Context { return withTimeout(t, time.Minute) }

func withTimeout(t *testing.T, d time.Duration) context.Context {
	ctx, cancel := context.WithTimeout(t.Context(), d)
	t.Cleanup(cancel)
	return ctx
}

func TestGoDoesNotRepeatTheWorkOfTypeScript(t *testing.T) {
	t.Parallel()
	is := is.New(t)
	s := createTable(t)
	reply := s.inTypeScript(t, servers.Call{Order: purchase{"o-1", 12}})
	is.True(reply.Called)

	got, called, err := s.inGo(withinMinute(t), purchase{"o-1", 12}, succeed)
	is.NoErr(err)
	is.Equal(called, 0)
	is.Equal(got, receipt{"o-1", 12, "TypeScript"})
	is.NoErr(once.Each(s.store, keyOf, func(context.Context, purchase) error { called++; return nil })(withinMinute(t), purchase{"o-1", 12}))
	is.Equal(called, 0)
}

func TestTypeScriptDoesNotRepeatTheWorkOfGo(t *testing.T) {
	t.Parallel()
	is := is.New(t)
	s := createTable(t)
	_, called, err := s.inGo(withinMinute(t), purchase{"o-1", 12}, succeed)
	is.NoErr(err)
	is.Equal(called, 1)
	reply := s.inTypeScript(t, servers.Call{Order: purchase{"o-1", 12}})
	is.True(!reply.Called)
	var got receipt
	is.NoErr(json.Unmarshal(reply.Result, &got))
	is.Equal(got, receipt{"o-1", 12, "Go"})

	is.NoErr(once.Each(s.store, keyOf, func(context.Context, purchase) error { return nil })(withinMinute(t), purchase{"o-2", 12}))
	reply = s.inTypeScript(t, servers.Call{Order: purchase{"o-2", 12}})
	is.True(!reply.Called)
	is.Equal(reply.Error, "")
	is.Equal(len(reply.Result), 0) // as if the function returned nothing
}

func TestAKeyIsInProgressForTheOtherLanguageToo(t *testing.T) {
	t.Parallel()
	is := is.New(t)
	s := createTable(t)
	end := s.hold(t, servers.Call{Order: purchase{"o-1", 12}, Remaining: 60_000})
	_, called, err := s.inGo(withinMinute(t), purchase{"o-1", 12}, succeed)
	is.True(errors.Is(err, once.ErrInProgress))
	is.Equal(called, 0)
	is.Equal(end().Error, "")

	_, _, err = s.inGo(withinMinute(t), purchase{"o-2", 12}, func() error {
		reply := s.inTypeScript(t, servers.Call{Order: purchase{"o-2", 12}})
		is.True(!reply.Called)
		is.Equal(reply.Error, "IdempotencyAlreadyInProgressError")
		return nil
	})
	is.NoErr(err)
}

func TestAFailureFreesTheKeyForTheOtherLanguage(t *testing.T) {
	t.Parallel()
	is := is.New(t)
	s := createTable(t)
	is.Equal(s.inTypeScript(t, servers.Call{Order: purchase{"o-1", 12}, Fails: true}).Error, "Error")
	_, called, err := s.inGo(withinMinute(t), purchase{"o-1", 12}, succeed)
	is.NoErr(err)
	is.Equal(called, 1)

	declined := errors.New("declined")
	_, _, err = s.inGo(withinMinute(t), purchase{"o-2", 12}, func() error { return declined })
	is.Equal(err, declined)
	is.True(s.inTypeScript(t, servers.Call{Order: purchase{"o-2", 12}}).Called)
}

func TestAClaimThatHasEndedIsTakenByTheOtherLanguage(t *testing.T) {
	t.Parallel()
	is := is.New(t)
	s := createTable(t)
	end := s.hold(t, servers.Call{Order: purchase{"o-1", 12}, Remaining: 200}) // as if the process were killed during the call
	got, called, err := receipt{}, 0, error(once.ErrInProgress)
	for errors.Is(err, once.ErrInProgress) {
		got, called, err = s.inGo(withinMinute(t), purchase{"o-1", 12}, succeed)
	}
	is.NoErr(err)
	is.Equal(called, 1)
	is.Equal(got.By, "Go")
	end()

	short := withTimeout(t, 2*time.Second)
	_, _, err = s.inGo(short, purchase{"o-2", 12}, func() error {
		<-short.Done()
		reply := servers.Reply{Error: "IdempotencyAlreadyInProgressError"}
		for reply.Error == "IdempotencyAlreadyInProgressError" {
			reply = s.inTypeScript(t, servers.Call{Order: purchase{"o-2", 12}})
		}
		is.True(reply.Called)
		return nil
	})
	is.True(errors.Is(err, once.ErrLate))
	got, called, err = s.inGo(withinMinute(t), purchase{"o-2", 12}, succeed)
	is.NoErr(err)
	is.Equal(called, 0)
	is.Equal(got.By, "TypeScript") // the late result did not replace the saved one
}

func TestAnotherPayloadIsRefusedByTheOtherLanguage(t *testing.T) {
	t.Parallel()
	is := is.New(t)
	s := createTable(t)
	total := once.WithPayload(func(p purchase) any { return p.Total })
	is.True(s.inTypeScript(t, servers.Call{Order: purchase{"o-1", 12}, Validates: true}).Called)
	_, _, err := s.inGo(withinMinute(t), purchase{"o-1", 13}, succeed, total)
	is.True(errors.Is(err, once.ErrPayload))
	_, called, err := s.inGo(withinMinute(t), purchase{"o-1", 12}, succeed, total)
	is.NoErr(err)
	is.Equal(called, 0)

	_, _, err = s.inGo(withinMinute(t), purchase{"o-2", 12}, succeed, total)
	is.NoErr(err)
	is.Equal(s.inTypeScript(t, servers.Call{Order: purchase{"o-2", 13}, Validates: true}).Error, "IdempotencyValidationError")
	reply := s.inTypeScript(t, servers.Call{Order: purchase{"o-2", 12}, Validates: true})
	is.Equal(reply.Error, "")
	is.True(!reply.Called)
}

func TestAKeyThatHasExpiredIsForgottenByBoth(t *testing.T) {
	t.Parallel()
	is := is.New(t)
	s := createTable(t)
	is.True(s.inTypeScript(t, servers.Call{Order: purchase{"o-1", 12}}).Called)
	_, _, err := s.inGo(withinMinute(t), purchase{"o-2", 12}, succeed)
	is.NoErr(err)
	items, err := s.client.Scan(t.Context(), &dynamodb.ScanInput{TableName: &s.name})
	is.NoErr(err)
	is.Equal(len(items.Items), 2)
	for _, i := range items.Items { // as if an hour had passed
		i["expiration"] = &types.AttributeValueMemberN{Value: fmt.Sprint(time.Now().Unix() - 1)}
		_, err := s.client.PutItem(t.Context(), &dynamodb.PutItemInput{TableName: &s.name, Item: i})
		is.NoErr(err)
	}
	_, called, err := s.inGo(withinMinute(t), purchase{"o-1", 12}, succeed)
	is.NoErr(err)
	is.Equal(called, 1)
	is.True(s.inTypeScript(t, servers.Call{Order: purchase{"o-2", 12}}).Called)
}

func TestOnlyOneOfManyProcessesInBothLanguagesDoesTheWork(t *testing.T) {
	t.Parallel()
	is := is.New(t)
	s := createTable(t)
	var mu sync.Mutex
	effects := map[string]int{}
	var callers sync.WaitGroup
	for i := range 120 {
		p := purchase{fmt.Sprintf("o-%d", i%10), 12}
		callers.Go(func() {
			called := 0
			if i/10%2 == 0 {
				_, called, _ = s.inGo(withinMinute(t), p, succeed)
			} else if s.inTypeScript(t, servers.Call{Order: p}).Called {
				called = 1
			}
			mu.Lock()
			defer mu.Unlock()
			effects[p.ID] += called
		})
	}
	callers.Wait()
	is.Equal(len(effects), 10)
	for id, n := range effects {
		if n != 1 {
			t.Errorf("%s was charged %d times", id, n)
		}
	}
}

// Here a server evaluates the conditions.
func TestTheServerLetsOnlyTheOwnerOfAClaimSaveOrFreeItsKey(t *testing.T) {
	t.Parallel()
	is := is.New(t)
	s := createTable(t)
	claim := func(owner string, until time.Time) once.Claim {
		return once.Claim{Key: "o-1", Owner: owner, Until: until, Expires: time.Now().Add(time.Hour)}
	}
	first, second := claim("first", time.Now().Add(-time.Second)), claim("second", time.Now().Add(time.Minute))
	for _, c := range []once.Claim{first, second} { // the first claim has ended
		found, err := s.store.Claim(t.Context(), c)
		is.NoErr(err)
		is.True(found == nil)
	}
	is.NoErr(s.store.Release(t.Context(), first))
	is.True(errors.Is(s.store.Save(t.Context(), first, nil), once.ErrLate))
	found, err := s.store.Claim(t.Context(), claim("third", time.Now().Add(time.Minute)))
	is.NoErr(err)
	is.Equal(found, &once.Found{})
	is.NoErr(s.store.Save(t.Context(), second, []byte(`7`)))
	is.NoErr(s.store.Release(t.Context(), second))
	found, err = s.store.Claim(t.Context(), claim("third", time.Now().Add(time.Minute)))
	is.NoErr(err)
	is.Equal(found, &once.Found{Done: true, Result: []byte(`7`)})
}
