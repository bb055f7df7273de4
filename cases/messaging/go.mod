module designkits/cases/messaging

go 1.26.0

require (
	designkits/shared v0.0.0
	github.com/gorilla/websocket v1.5.3
	go.uber.org/goleak v1.3.0
	golang.org/x/sys v0.49.0
	pgregory.net/rapid v1.3.0
)

replace designkits/shared => ../../shared
