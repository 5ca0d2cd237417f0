package peers

// Records that are decoded into a type.

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-lambda-go/events"
	jsonv2 "github.com/go-json-experiment/json"
	"github.com/matryer/is"

	"github.com/lambdabatch/batch"
)

// A parcel is valid if its ID is positive.
type parcel struct {
	ID    int      `json:"id"`
	Name  string   `json:"name"`
	Items []string `json:"items"`
}

var errInvalid = errors.New("invalid parcel")

func (p parcel) check() error {
	if p.ID <= 0 {
		return errInvalid
	}
	return nil
}

func parcelJSON(id int) string {
	return fmt.Sprintf(`{"id":%d,"name":"box","items":["cup","plate"]}`, id)
}

func decodeAndCheck(data []byte, v any) error {
	if err := json.Unmarshal(data, v); err != nil {
		return err
	}
	return v.(*parcel).check()
}

// A decoder is a handler that decodes parcels and ships them.
type decoder struct {
	source
	handler func(unmarshal func([]byte, any) error, ship func(parcel) error, opts ...batch.Option) *batch.Handler
}

func decoderOf[R batch.Payload](s source, handler func(func(batch.Stream[R]) batch.Stream[parcel], ...batch.Option) *batch.Handler) decoder {
	return decoder{s, func(unmarshal func([]byte, any) error, ship func(parcel) error, opts ...batch.Option) *batch.Handler {
		return handler(func(s batch.Stream[R]) batch.Stream[parcel] {
			return batch.TryEach(batch.Decode[parcel](s, unmarshal), func(_ context.Context, p parcel) error { return ship(p) })
		}, append([]batch.Option{quiet}, opts...)...)
	}}
}

var decoders = []decoder{
	decoderOf(standard, batch.SQSHandler[parcel]),
	decoderOf(kinesis, batch.KinesisHandler[parcel]),
}

func forEachDecoder(t *testing.T, test func(*testing.T, decoder)) {
	for _, d := range decoders {
		t.Run(d.name, func(t *testing.T) { test(t, d) })
	}
}

func neverShipped(t *testing.T) func(parcel) error {
	return func(p parcel) error { t.Errorf("shipped %v", p); return nil }
}

func TestFunctionsGetDecodedValues(t *testing.T) {
	forEachDecoder(t, func(t *testing.T, d decoder) {
		is := is.New(t)
		var shipped []parcel
		h := d.handler(json.Unmarshal, func(p parcel) error { shipped = append(shipped, p); return nil })
		response, err := h.Invoke(t.Context(), d.event(parcelJSON(1), parcelJSON(2)))
		is.NoErr(err)
		is.Equal(string(response), reporting())
		is.Equal(shipped, []parcel{{1, "box", []string{"cup", "plate"}}, {2, "box", []string{"cup", "plate"}}})
	})
}

func TestAFunctionMayRefuseADecodedValue(t *testing.T) {
	forEachDecoder(t, func(t *testing.T, d decoder) {
		is := is.New(t)
		h := d.handler(json.Unmarshal, parcel.check, batch.WithPolicy(batch.Continue))
		response, err := h.Invoke(t.Context(), d.event(parcelJSON(-1), parcelJSON(2), parcelJSON(-3)))
		is.NoErr(err)
		is.Equal(string(response), reporting("1", "3"))
	})
}

func TestARecordThatIsNotValidFailsAloneAndIsNotPassedOn(t *testing.T) {
	for name, invalid := range map[string]string{"not JSON": "poison", "another type": `{"id":"one"}`, "a missing member": `{"poison":"pill"}`} {
		t.Run(name, func(t *testing.T) {
			forEachDecoder(t, func(t *testing.T, d decoder) {
				is := is.New(t)
				var shipped []int
				h := d.handler(decodeAndCheck, func(p parcel) error { shipped = append(shipped, p.ID); return nil }, batch.WithPolicy(batch.Continue))
				response, err := h.Invoke(t.Context(), d.event(parcelJSON(1), invalid, parcelJSON(3)))
				is.NoErr(err)
				is.Equal(string(response), reporting("2"))
				is.Equal(shipped, []int{1, 3})
			})
		})
	}
}

func TestOnAStreamARecordThatIsNotValidHoldsBackTheLaterOnes(t *testing.T) {
	is := is.New(t)
	d := decoderOf(kinesis, batch.KinesisHandler[parcel])
	response, err := d.handler(json.Unmarshal, parcel.check).Invoke(t.Context(), d.event(parcelJSON(1), "poison", parcelJSON(3)))
	is.NoErr(err)
	is.Equal(string(response), reporting("2", "3"))
}

// lambda.Start would refuse these whole events.
func TestARecordThatDoesNotFitTheEventFailsAlone(t *testing.T) {
	poison := fields{"poison": "pill"}
	message := standard.record("2", "", "")
	message["body"] = poison
	change := dynamoDB.record("2", "", "k")
	change["dynamodb"].(fields)["NewImage"] = fields{"note": fields{"S": poison}}
	for s, broken := range map[*source]fields{&standard: message, &dynamoDB: change} {
		t.Run(s.name, func(t *testing.T) {
			var w worker
			for name, stage := range w.ways() {
				t.Run(name, func(t *testing.T) {
					is := is.New(t)
					w.called = nil
					h := s.handler(stage, batch.WithPolicy(batch.Continue))
					response, err := h.Invoke(t.Context(), eventOf(s.record("1", "first", "k"), broken, s.record("3", "third", "k")))
					is.NoErr(err)
					is.Equal(string(response), reporting("2"))
					slices.Sort(w.called)
					is.Equal(w.called, []string{"first", "third"})
				})
			}
		})
	}
}

func TestIfTheOnlyRecordIsNotValidTheInvocationFails(t *testing.T) {
	forEachDecoder(t, func(t *testing.T, d decoder) {
		is := is.New(t)
		_, err := d.handler(json.Unmarshal, neverShipped(t)).Invoke(t.Context(), d.event("poison"))
		all, ok := errors.AsType[*batch.AllFailedError](err)
		is.True(ok)
		is.Equal(all.Failures[0].Record.ID, "1")
		_, poison := errors.AsType[*batch.DecodeError](err)
		is.True(poison)
	})
}

func TestEmptyPayloadsAreNotValid(t *testing.T) {
	for name, empty := range map[string]any{"empty": "", "spaces": "   ", "null": nil, "absent": nil} {
		t.Run(name, func(t *testing.T) {
			forEachDecoder(t, func(t *testing.T, d decoder) {
				is := is.New(t)
				record := d.record("1", "", "")
				holder, member, payload := record, "body", empty
				if d.name == kinesis.name {
					holder, member = record["kinesis"].(fields), "data"
					if text, ok := empty.(string); ok {
						payload = base64Of(text)
					}
				}
				holder[member] = payload
				if name == "absent" {
					delete(holder, member)
				}
				_, err := d.handler(json.Unmarshal, neverShipped(t)).Invoke(t.Context(), eventOf(record))
				_, poison := errors.AsType[*batch.DecodeError](err)
				is.True(poison)                                              // and the function was not called
				is.Equal(errors.Is(err, batch.ErrNoValue), name != "spaces") // only the codec knows that spaces are nothing
			})
		})
	}
}

func TestCatchAcknowledgesWhatIsNotValid(t *testing.T) {
	is := is.New(t)
	h := batch.KinesisHandler(func(s batch.Stream[events.KinesisEventRecord]) batch.Stream[parcel] {
		decoded := batch.Catch(batch.Decode[parcel](s, json.Unmarshal), func(_ context.Context, err error) error {
			if _, poison := errors.AsType[*batch.DecodeError](err); poison {
				return nil
			}
			return err
		})
		return batch.TryEach(decoded, func(context.Context, parcel) error { t.Error("shipped"); return nil })
	}, quiet)
	response, err := h.Invoke(t.Context(), kinesis.event("poison"))
	is.NoErr(err)
	is.Equal(string(response), reporting())
}

func TestOrElseReplacesWhatIsNotValid(t *testing.T) {
	is := is.New(t)
	var shipped []string
	h := batch.SQSHandler(func(s batch.Stream[events.SQSMessage]) batch.Stream[parcel] {
		decoded := batch.OrElse(batch.Decode[parcel](s, json.Unmarshal), func(ctx context.Context, _ error) (parcel, error) {
			r, _ := batch.RecordFrom(ctx)
			return parcel{Name: "instead of " + r.ID}, nil
		})
		return batch.TryEach(decoded, func(_ context.Context, p parcel) error { shipped = append(shipped, p.Name); return nil })
	}, quiet)
	response, err := h.Invoke(t.Context(), standard.event("poison", parcelJSON(2)))
	is.NoErr(err)
	is.Equal(string(response), reporting())
	is.Equal(shipped, []string{"instead of 1", "box"})
}

func TestAnotherCodecMayHaveOptions(t *testing.T) {
	forEachDecoder(t, func(t *testing.T, d decoder) {
		is := is.New(t)
		var shipped []int
		strict := func(data []byte, v any) error { return jsonv2.Unmarshal(data, v) }
		lenient := func(data []byte, v any) error {
			return jsonv2.Unmarshal(data, v, jsonv2.MatchCaseInsensitiveNames(true))
		}
		for _, unmarshal := range []func([]byte, any) error{strict, lenient} {
			h := d.handler(unmarshal, func(p parcel) error { shipped = append(shipped, p.ID); return nil })
			_, err := h.Invoke(t.Context(), d.event(`{"Id":7}`))
			is.NoErr(err)
		}
		is.Equal(shipped, []int{0, 7})
	})
}

func TestNumbersStringsAndBooleansAreDecoded(t *testing.T) {
	is := is.New(t)
	numbers, failures := batch.Partition(batch.Decode[int](batch.Of("42"), json.Unmarshal))
	is.Equal(numbers, []int{42})
	is.Equal(failures, nil)
	quoted, _ := batch.Partition(batch.Decode[string](batch.Of(`"text"`), json.Unmarshal))
	is.Equal(quoted, []string{"text"})
	booleans, _ := batch.Partition(batch.Decode[bool](batch.Of("true"), json.Unmarshal))
	is.Equal(booleans, []bool{true})
	fractions, _ := batch.Partition(batch.Decode[float64](batch.Of("3.25"), json.Unmarshal))
	is.Equal(fractions, []float64{3.25})
}

func TestTheErrorNamesTheRecordTheFieldAndTheCause(t *testing.T) {
	forEachDecoder(t, func(t *testing.T, d decoder) {
		is := is.New(t)
		_, err := d.handler(json.Unmarshal, neverShipped(t)).Invoke(t.Context(), d.event("{poison}"))
		bad, _ := errors.AsType[*batch.DecodeError](err)
		is.Equal(bad.ID, "1")
		is.Equal(bad.Field, map[string]string{"SQS": "body", "Kinesis": "kinesis.data"}[d.name])
		_, syntax := errors.AsType[*json.SyntaxError](err)
		is.True(syntax)
	})
}

func TestTheDataThatIsNotValidIsInTheSourceAndNotInTheError(t *testing.T) {
	is := is.New(t)
	h := batch.SQSHandler(func(s batch.Stream[events.SQSMessage]) batch.Stream[parcel] {
		return batch.Catch(batch.Decode[parcel](s, json.Unmarshal), func(ctx context.Context, err error) error {
			message, _ := batch.SourceFrom[events.SQSMessage](ctx)
			is.Equal(message.Body, `{"id":1,"secret":`)
			is.Equal(err.Error(), "body: unexpected end of JSON input")
			return nil
		})
	}, quiet)
	response, err := h.Invoke(t.Context(), standard.event(`{"id":1,"secret":`))
	is.NoErr(err)
	is.Equal(string(response), reporting())
}

func TestANilCodecFailsTheInvocationAndLosesNoRecord(t *testing.T) {
	is := is.New(t)
	h := standard.handler(func(s texts) texts { return batch.Decode[string](s, nil) })
	_, err := h.Invoke(t.Context(), standard.event("fine"))
	_, panicked := errors.AsType[*batch.PanicError](err)
	is.True(panicked)
	is.True(strings.HasPrefix(err.Error(), "panic: batch: Decode: unmarshal is nil"))
}

func TestFailuresGoToTheLoggerThatWasGiven(t *testing.T) {
	is := is.New(t)
	var lines bytes.Buffer
	logger := slog.New(slog.NewJSONHandler(&lines, nil))
	d := decoderOf(standard, batch.SQSHandler[parcel])
	h := d.handler(decodeAndCheck, neverShipped(t), batch.WithLogger(logger), batch.WithoutAllFailedError())
	_, err := h.Invoke(t.Context(), d.event(`{"poison":"pill"}`))
	is.NoErr(err)
	var line struct{ Level, Record, Error string }
	is.NoErr(json.Unmarshal(lines.Bytes(), &line))
	is.Equal(line.Level, "ERROR")
	is.Equal(line.Record, "1")
	is.Equal(line.Error, "body: invalid parcel")
}

func TestEveryKindOfDynamoDBChangeReachesTheFunctionWithItsImages(t *testing.T) {
	is := is.New(t)
	image := func(v string) fields { return fields{"note": fields{"S": v}} }
	change := func(id, kind string, images fields) fields {
		images["SequenceNumber"], images["Keys"] = id, fields{"pk": fields{"S": "k"}}
		return fields{"eventSource": "aws:dynamodb", "eventName": kind, "dynamodb": images}
	}
	var seen []string
	h := batch.DynamoDBHandler(batch.Each(func(_ context.Context, r events.DynamoDBEventRecord) error {
		text := r.EventName
		for _, image := range []map[string]events.DynamoDBAttributeValue{r.Change.OldImage, r.Change.NewImage} {
			if note, ok := image["note"]; ok {
				text += " " + note.String()
			}
		}
		seen = append(seen, text)
		return nil
	}), quiet)
	response, err := h.Invoke(t.Context(), eventOf(
		change("1", "INSERT", fields{"NewImage": image("new")}),
		change("2", "MODIFY", fields{"OldImage": image("old"), "NewImage": image("new")}),
		change("3", "REMOVE", fields{"OldImage": image("old")}),
	))
	is.NoErr(err)
	is.Equal(string(response), reporting())
	is.Equal(seen, []string{"INSERT new", "MODIFY old new", "REMOVE old"})
}
