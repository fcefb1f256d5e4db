// h2-client http|grpc PORT CONNECTIONS PARALLEL VALUE...: so many clients of net/http over HTTP/2 without TLS or of grpc-go, each with
// calls at once for its share of the traceparent values.
package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"log"
	"net/http"
	"os"
	"strconv"
	"sync"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/metadata"
)

var body = bytes.Repeat([]byte("b"), 600)

// raw hands bytes over as they are.
type raw struct{}

func (raw) Marshal(v any) ([]byte, error) { return *v.(*[]byte), nil }
func (raw) Unmarshal(data []byte, v any) error {
	*v.(*[]byte) = bytes.Clone(data)
	return nil
}
func (raw) Name() string { return "raw" }

type call func(value string) error

func openHTTP(port string) call {
	protocols := new(http.Protocols)
	protocols.SetUnencryptedHTTP2(true)
	client := &http.Client{Transport: &http.Transport{Protocols: protocols}}
	return func(value string) error {
		request, err := http.NewRequest("POST", "http://127.0.0.1:"+port+"/", bytes.NewReader(body))
		if err != nil {
			return err
		}
		request.Header.Set("traceparent", value)
		answer, err := client.Do(request)
		if err != nil {
			return err
		}
		defer answer.Body.Close()
		got, err := io.ReadAll(answer.Body)
		if err == nil && (answer.ProtoMajor != 2 || !bytes.Equal(got, body)) {
			err = fmt.Errorf("%s with %d bytes", answer.Proto, len(got))
		}
		return err
	}
}

func openGRPC(port string) call {
	client, err := grpc.NewClient("passthrough:///127.0.0.1:"+port,
		grpc.WithTransportCredentials(insecure.NewCredentials()),
		grpc.WithDefaultCallOptions(grpc.ForceCodec(raw{}), grpc.WaitForReady(true)))
	if err != nil {
		log.Fatal(err)
	}
	return func(value string) error {
		var got []byte
		ctx := metadata.AppendToOutgoingContext(context.Background(), "traceparent", value)
		return client.Invoke(ctx, "/echo.Echo/Say", &body, &got)
	}
}

func main() {
	open := map[string]func(string) call{"http": openHTTP, "grpc": openGRPC}[os.Args[1]]
	port := os.Args[2]
	connections, _ := strconv.Atoi(os.Args[3])
	parallel, _ := strconv.Atoi(os.Args[4])
	values := os.Args[5:]
	var all sync.WaitGroup
	for i := range connections {
		one := open(port)
		own := make(chan string, len(values))
		for at := i; at < len(values); at += connections {
			own <- values[at]
		}
		close(own)
		// The first one opens the connection, which the others then share.
		all.Go(func() {
			if err := one(<-own); err != nil {
				log.Fatal(err)
			}
			for range parallel {
				all.Go(func() {
					for value := range own {
						if err := one(value); err != nil {
							log.Fatal(err)
						}
					}
				})
			}
		})
	}
	all.Wait()
}
