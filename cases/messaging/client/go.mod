module designkits/cases/messaging/client

go 1.26.0

require (
	designkits/shared v0.0.0
	github.com/chromedp/chromedp v0.23.0
	go.mau.fi/libsignal v0.2.1
	pgregory.net/rapid v1.3.0
)

require (
	designkits/cases/messaging v0.0.0
	filippo.io/edwards25519 v1.2.0 // indirect
	github.com/chromedp/cdproto v0.159.0 // indirect
	github.com/go-json-experiment/json v0.0.0-20260213210345-44df1a37e875 // indirect
	golang.org/x/crypto v0.58.0 // indirect
	google.golang.org/protobuf v1.36.12 // indirect
)

replace designkits/shared => ../../../shared

replace designkits/cases/messaging => ../
