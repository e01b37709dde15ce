package main

import (
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"fmt"
	"log"
	"os"
	"strings"
	"sync"
	"time"

	"github.com/sideshow/apns2"
	"github.com/sideshow/apns2/payload"
	"github.com/sideshow/apns2/token"
	"golang.org/x/net/http2"
)

type order struct {
	Host, CA, Key, KeyID, TeamID, Topic string
	Port                                int
	Tokens                              []string
}

func main() {
	var what order
	must(json.Unmarshal(read(os.Args[1]), &what))
	key, err := token.AuthKeyFromFile(what.Key)
	must(err)
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(read(what.CA))

	client := apns2.NewTokenClient(&token.Token{AuthKey: key, KeyID: what.KeyID, TeamID: what.TeamID})
	client.HTTPClient.Transport.(*http2.Transport).TLSClientConfig = &tls.Config{RootCAs: roots}
	client.Host = fmt.Sprintf("https://%s:%d", what.Host, what.Port)

	started := time.Now()
	answers := map[string]int{}
	var lock sync.Mutex
	var all sync.WaitGroup
	for _, deviceToken := range what.Tokens {
		all.Add(1)
		go func() {
			defer all.Done()
			answer := send(client, deviceToken, what.Topic)
			lock.Lock()
			defer lock.Unlock()
			answers[answer]++
		}()
	}
	all.Wait()
	printed, err := json.Marshal(map[string]any{
		"answers":      answers,
		"milliseconds": time.Since(started).Milliseconds(),
	})
	must(err)
	fmt.Println(string(printed))
}

func send(client *apns2.Client, deviceToken, topic string) string {
	answer, err := client.Push(&apns2.Notification{
		DeviceToken: deviceToken,
		Topic:       topic,
		PushType:    apns2.PushTypeAlert,
		Payload:     payload.NewPayload().Alert("sideshow"),
	})
	if err != nil {
		return err.Error()
	}
	return strings.TrimSpace(fmt.Sprintf("%d %s", answer.StatusCode, answer.Reason))
}

func read(path string) []byte {
	content, err := os.ReadFile(path)
	must(err)
	return content
}

func must(err error) {
	if err != nil {
		log.Fatal(err)
	}
}
