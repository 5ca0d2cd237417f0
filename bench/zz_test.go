package main
import ("testing";"time";"fmt";"math";"context";"log/slog"; "github.com/lambdabatch/batch"; "github.com/aws/aws-lambda-go/events"; jsonv2 "github.com/go-json-experiment/json";"encoding/json")
func minT(n int, f func()) float64 { best:=math.MaxFloat64; end:=time.Now().Add(1500*time.Millisecond); for time.Now().Before(end) { s:=time.Now(); f(); d:=float64(time.Since(s).Nanoseconds()); if d<best {best=d} }; return best/float64(n) }
func TestParts(t *testing.T){
 slog.SetDefault(slog.New(slog.DiscardHandler))
 n:=1000
 payload:=sqsPayload(n)
 fmt.Println("bytes/rec",len(payload)/n)
 var ev events.SQSEvent
 json.Unmarshal(payload,&ev)
 ctx,c:=context.WithTimeout(context.Background(),time.Hour); defer c()
 h:=batch.SQSHandler(decoding[events.SQSMessage](v2))
 hn:=batch.SQSHandler(decoding[events.SQSMessage](func(b []byte,v any)error{return nil}))
 he:=batch.SQSHandler(func(s batch.Stream[events.SQSMessage])batch.Stream[events.SQSMessage]{return s})
 fmt.Printf("handler v2 %.0f\n",minT(n,func(){h.Invoke(ctx,payload)}))
 fmt.Printf("handler nodecode %.0f\n",minT(n,func(){hn.Invoke(ctx,payload)}))
 fmt.Printf("handler empty %.0f\n",minT(n,func(){he.Invoke(ctx,payload)}))
 st:=batch.SQS(ctx,ev)
 fmt.Printf("collect empty %.0f\n",minT(n,func(){batch.Run(st,func(s batch.Stream[events.SQSMessage])batch.Stream[events.SQSMessage]{return s})}))
 fmt.Printf("run v2 %.0f\n",minT(n,func(){batch.Run(st,decoding[events.SQSMessage](v2))}))
 fmt.Printf("v2 alone %.0f\n",minT(n,func(){ for i:=range ev.Records { var o order; jsonv2.Unmarshal([]byte(ev.Records[i].Body),&o)}}))
}
