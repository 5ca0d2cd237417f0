package wire

import (
	"testing"

	"github.com/matryer/is"
)

func TestTheValueOfARecordFromMSKIsItsData(t *testing.T) {
	is := is.New(t)
	b, err := Firehose([]byte(`{"invocationId":"i","sourceMSKArn":"m","deliveryStreamArn":"d","region":"us-east-1","records":[
		{"recordId":"0","data":"YQ=="},
		{"recordId":"1","approximateArrivalTimestamp":1716369573887,
			"mskRecordMetadata":{"offset":"0","partitionId":"1","approximateArrivalTimestamp":1716369573887},"kafkaRecordValue":"Yg=="},
		{"recordId":"2","mskRecordMetadata":{},"kafkaRecordValue":null},
		{"recordId":"3","mskRecordMetadata":{}},
		{"recordId":"4","kafkaRecordValue":"!"},
		{"recordId":"5","data":""}]}`))
	is.NoErr(err)
	is.Equal(string(b.Records[0].Data), "a")
	is.Equal(string(b.Records[1].Data), "b")
	is.Equal(b.Records[1].ApproximateArrivalTimestamp.UnixMilli(), int64(1716369573887))
	is.True(b.Records[2].Data == nil)
	is.Equal(len(b.Bad), 1)
	is.Equal(b.Bad[0].Field, "kafkaRecordValue")
	is.Equal(b.MSK, []bool{false, true, true, true, true})
	is.Equal(len(b.Unread), 0)
}

func TestANullUnderTheNameOfTheOtherKindIsAsIfItWereNotThere(t *testing.T) {
	for record, msk := range map[string]bool{
		`"data":"YQ==","kafkaRecordValue":null`:                           false,
		`"kafkaRecordValue":null,"data":"YQ=="`:                           false,
		`"data":"YQ==","mskRecordMetadata": null`:                         false,
		`"kafkaRecordValue":"YQ==","data": null`:                          true,
		`"data":null,"kafkaRecordValue":"YQ==","mskRecordMetadata":null`:  true,
		`"mskRecordMetadata":{},"kafkaRecordValue":"YQ==", "data" : null`: true,
		`"mskRecordMetadata":null,"DATA":"YQ==","KafkaRecordValue": null`: false,
	} {
		t.Run(record, func(t *testing.T) {
			is := is.New(t)
			b, err := Firehose([]byte(`{"deliveryStreamArn":"d","records":[{"recordId":"0",` + record + `}]}`))
			is.NoErr(err)
			is.Equal(string(b.Records[0].Data), "a")
			is.Equal(len(b.MSK) == 1 && b.MSK[0], msk)
		})
	}
}
