// Is this receipt good for my payment, and is this webhook from the service? Go 1.18 or later, standard library alone.
// That library has no Unicode normalisation: keep payees' names in NFC (golang.org/x/text/unicode/norm), what is not is refused.
//
//	go run verify.go receipts receipt-v1.json     prints what each case of the published vectors comes to
package main

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"math/big"
	"os"
	"regexp"
	"strconv"
	"strings"
)

// Payment is your own record of it, never what the payer's phone sent. Its members stand in the order of their names.
type Payment struct {
	AmountMinor int64  `json:"amount_minor"`
	Client      string `json:"client"`
	Currency    string `json:"currency"`
	Payee       struct {
		ID   string `json:"id"`
		Name string `json:"name"`
	} `json:"payee"`
	TransactionID string `json:"transaction_id"`
	Type          string `json:"type"`
	UserID        string `json:"user_id"`
}

type Keys struct {
	Keys []struct{ Kid, Kty, Crv, X, Y string }
}

type Claims struct {
	Iss, Sub, Status, Acr string
	Aud                   any // One word; a list is for somebody else.
	Iat, Exp              *int64
	Binding               struct {
		V      int
		Digest string
	}
	Warnings []string
}

// Expected is what a receipt is held against. Now counts seconds since 1970.
type Expected struct {
	Keys              Keys
	Audience, Issuer  string
	Payment           Payment
	Now               int64
	ToleratedWarnings []string
}

type Refused string

func (reason Refused) Error() string { return string(reason) }

// VerifyReceipt returns the claims of a receipt that is good for the payment; a Refused says why it is not.
func VerifyReceipt(receipt string, expected Expected) (*Claims, error) {
	parts := strings.Split(receipt, ".")
	if len(receipt) > 8192 || len(parts) != 3 {
		return nil, Refused("malformed")
	}
	// 1. It is a receipt, and not another token of the same service.
	var header struct {
		Typ, Alg, Kid string
		Crit          any
	}
	if !read(parts[0], &header) || header.Typ != "stepup-receipt+jwt" || header.Alg != "ES256" || header.Crit != nil {
		return nil, Refused("malformed")
	}
	// 2. The service signed it, for us.
	key := find(expected.Keys, header.Kid)
	if key == nil {
		return nil, Refused("unknown-key")
	}
	signature, err := base64.RawURLEncoding.Strict().DecodeString(parts[2])
	if err != nil || len(signature) != 64 {
		return nil, Refused("signature")
	}
	hash := sha256.Sum256([]byte(parts[0] + "." + parts[1]))
	r, s := new(big.Int).SetBytes(signature[:32]), new(big.Int).SetBytes(signature[32:])
	if !ecdsa.Verify(key, hash[:], r, s) {
		return nil, Refused("signature")
	}
	var claims Claims
	if !read(parts[1], &claims) || claims.Iat == nil || claims.Exp == nil {
		return nil, Refused("malformed")
	}
	if claims.Iss != expected.Issuer {
		return nil, Refused("issuer")
	}
	if claims.Aud != expected.Audience {
		return nil, Refused("audience")
	}
	// 3. It is good now.
	if expected.Now >= *claims.Exp {
		return nil, Refused("expired")
	}
	if *claims.Iat-expected.Now > 60 {
		return nil, Refused("not-yet")
	}
	if *claims.Exp-*claims.Iat > 300 {
		return nil, Refused("too-long")
	}
	// 4. It is for this payment and this payer.
	if claims.Binding.V != 1 || claims.Binding.Digest != Digest(expected.Payment) {
		return nil, Refused("other-payment")
	}
	if claims.Sub != expected.Payment.UserID || claims.Aud != expected.Payment.Client {
		return nil, Refused("other-payer")
	}
	// 5. It lets the payment go, and no frightening setting stands behind it.
	if claims.Status != "approved" && claims.Status != "exempted" && claims.Status != "authenticated" {
		return nil, Refused("not-released")
	}
	for _, warning := range claims.Warnings {
		if !contains(expected.ToleratedWarnings, warning) {
			return nil, Refused("warnings")
		}
	}
	return &claims, nil
}

// Digest is the binding of a payment, version 1: docs/binding.md.
func Digest(payment Payment) string {
	var canonical bytes.Buffer
	encoder := json.NewEncoder(&canonical)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(payment); err != nil {
		panic(err)
	}
	label := append([]byte("authsvc-payment-binding-v1"), 0)
	hash := sha256.Sum256(append(label, bytes.TrimSuffix(canonical.Bytes(), []byte("\n"))...))
	return "sha256:" + hex.EncodeToString(hash[:])
}

var seconds = regexp.MustCompile(`^[0-9]{1,11}$`)

// VerifyWebhook checks the raw body as it came, headers by lower-case name. A Refused says why it is not from the service.
func VerifyWebhook(headers map[string]string, body []byte, secret string, now int64) error {
	id, timestamp, signatures := headers["webhook-id"], headers["webhook-timestamp"], headers["webhook-signature"]
	if id == "" || signatures == "" || !seconds.MatchString(timestamp) {
		return Refused("incomplete")
	}
	sent, _ := strconv.ParseInt(timestamp, 10, 64)
	if now-sent > 300 || sent-now > 300 {
		return Refused("stale")
	}
	key, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(secret, "whsec_"))
	if err != nil || len(key) == 0 {
		return errors.New("a webhook secret is `whsec_` and base64")
	}
	mac := hmac.New(sha256.New, key)
	mac.Write([]byte(id + "." + timestamp + "."))
	mac.Write(body)
	expected := mac.Sum(nil)
	for _, each := range strings.Fields(signatures) {
		if encoded := strings.TrimPrefix(each, "v1,"); encoded != each {
			if shown, err := base64.StdEncoding.DecodeString(encoded); err == nil && hmac.Equal(shown, expected) {
				return nil
			}
		}
	}
	return Refused("signature")
}

func find(keys Keys, kid string) *ecdsa.PublicKey {
	for _, key := range keys.Keys {
		if key.Kid == kid && key.Kty == "EC" && key.Crv == "P-256" {
			x, errX := base64.RawURLEncoding.DecodeString(key.X)
			y, errY := base64.RawURLEncoding.DecodeString(key.Y)
			found := &ecdsa.PublicKey{Curve: elliptic.P256(), X: new(big.Int).SetBytes(x), Y: new(big.Int).SetBytes(y)}
			if errX == nil && errY == nil && found.Curve.IsOnCurve(found.X, found.Y) {
				return found
			}
		}
	}
	return nil
}

func read(part string, into any) bool {
	content, err := base64.RawURLEncoding.Strict().DecodeString(part)
	return err == nil && json.Unmarshal(content, into) == nil
}

func contains(words []string, word string) bool {
	for _, each := range words {
		if each == word {
			return true
		}
	}
	return false
}

func verdict(err error) string {
	var reason Refused
	if errors.As(err, &reason) {
		return string(reason)
	}
	if err != nil {
		panic(err)
	}
	return "ok"
}

type vector struct {
	Name              string
	Payment           Payment
	Receipt           string
	Audience, Issuer  string
	Now               int64
	ToleratedWarnings []string `json:"tolerated_warnings"`
	Headers           map[string]string
	Body, Secret      string
}

func main() {
	kind, path := os.Args[1], os.Args[2]
	content, err := os.ReadFile(path)
	if err != nil {
		panic(err)
	}
	var file struct {
		Jwks            Keys
		Accepted, Cases []vector
	}
	if err := json.Unmarshal(content, &file); err != nil {
		panic(err)
	}
	for _, each := range append(file.Accepted, file.Cases...) {
		switch kind {
		case "bindings":
			fmt.Printf("%s\t%s\n", each.Name, Digest(each.Payment))
		case "receipts":
			expected := Expected{file.Jwks, each.Audience, each.Issuer, each.Payment, each.Now, each.ToleratedWarnings}
			_, err := VerifyReceipt(each.Receipt, expected)
			fmt.Printf("%s\t%s\n", each.Name, verdict(err))
		case "webhooks":
			fmt.Printf("%s\t%s\n", each.Name, verdict(VerifyWebhook(each.Headers, []byte(each.Body), each.Secret, each.Now)))
		}
	}
}
