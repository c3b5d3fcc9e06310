// Appends one event, signed by the AWS SDK for Go v2: go run .
package main

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"log"
	"net/http"
	"os"
	"time"

	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
	"github.com/aws/aws-sdk-go-v2/config"
)

func main() {
	ctx := context.Background()
	settings, err := config.LoadDefaultConfig(ctx)
	check(err)
	credentials, err := settings.Credentials.Retrieve(ctx)
	check(err)

	body := []byte(`{"type":"deploy.finished","actor":{"id":"ci","type":"service"},"outcome":"success"}`)
	url := os.Getenv("SEALTRAIL_ENDPOINT") + "/v1/trails/examples/events"
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, url, bytes.NewReader(body))
	check(err)
	request.Header.Set("Content-Type", "application/json")
	// The same key gives the same receipt: keep it for retries.
	request.Header.Set("Idempotency-Key", rand.Text())

	hash := sha256.Sum256(body)
	signer := v4.NewSigner()
	check(signer.SignHTTP(ctx, credentials, request, hex.EncodeToString(hash[:]), "execute-api", settings.Region, time.Now()))

	response, err := http.DefaultClient.Do(request)
	check(err)
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	check(err)
	if response.StatusCode != http.StatusCreated && response.StatusCode != http.StatusOK {
		log.Fatalf("%s %s", response.Status, text)
	}
	var receipt struct {
		Trail string `json:"trail"`
		First int64  `json:"first"`
	}
	check(json.Unmarshal(text, &receipt))
	fmt.Printf("record %d of %s\n", receipt.First, receipt.Trail)
}

func check(err error) {
	if err != nil {
		log.Fatal(err)
	}
}
