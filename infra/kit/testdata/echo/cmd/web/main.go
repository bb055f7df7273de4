// Command web answers with what it was told.
package main

import (
	"fmt"
	"log"
	"net/http"
	"os"
	"os/signal"
	"syscall"
)

func main() {
	if os.Getenv("WEB_DEAF") != "" {
		signal.Ignore(syscall.SIGTERM)
	}
	http.HandleFunc("/readyz", func(http.ResponseWriter, *http.Request) {})
	http.HandleFunc("/", func(w http.ResponseWriter, _ *http.Request) {
		fmt.Fprintf(w, "%s %s %d", os.Getenv("NAMESPACE"), os.Getenv("REDIS"), len(os.Getenv("SECRET")))
	})
	log.Fatal(http.ListenAndServe(os.Getenv("LISTEN"), nil))
}
