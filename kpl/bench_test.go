package kpl_test

import (
	"bytes"
	"crypto/md5" //nolint:gosec // the format's checksum
	"fmt"
	"testing"

	"github.com/lambdabatch/batch/kpl"
)

// realistic returns user records of 100 bytes, each with its own partition key, such as a customer's.
func realistic(n int) []kpl.UserRecord {
	users := make([]kpl.UserRecord, n)
	for i := range users {
		users[i] = kpl.UserRecord{
			PartitionKey: fmt.Sprintf("customer-%08d", i*7919%100_000_000),
			Data:         bytes.Repeat([]byte{'x'}, 100),
		}
	}
	return users
}

func BenchmarkDeaggregate(b *testing.B) {
	for _, n := range []int{10, 100, 1000} {
		b.Run(fmt.Sprintf("users=%d", n), func(b *testing.B) {
			r := record("1", aggregate(realistic(n)...))
			b.SetBytes(int64(len(r.Kinesis.Data)))
			b.ReportAllocs()
			for b.Loop() {
				if got, err := kpl.Deaggregate(b.Context(), r); err != nil || len(got) != n {
					b.Fatal(len(got), err)
				}
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(n), "ns/user-record")
		})
	}
}

// BenchmarkChecksum measures the part that no implementation can avoid.
func BenchmarkChecksum(b *testing.B) {
	const n = 1000
	packed := message(realistic(n)...)
	for b.Loop() {
		md5.Sum(packed) //nolint:gosec // the format's checksum
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/n, "ns/user-record")
}
