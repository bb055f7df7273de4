// Command web answers with what it was told.
package main

import (
	"fmt"
	"log"
	"net/http"
	"os"
)

func main() {
	http.HandleFunc("/readyz", func(http.ResponseWriter, *http.Request) {})
	http.HandleFunc("/", func(w http.ResponseWriter, _ *http.Request) {
		fmt.Fprintf(w, "%s %s %d", os.Getenv("NAMESPACE"), os.Getenv("REDIS"), len(os.Getenv("SECRET")))
	})
	log.Fatal(http.ListenAndServe(os.Getenv("LISTEN"), nil))
}
