// Command web is a page that says that it lives.
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
		w.Header().Set("Content-Type", "text/html")
		fmt.Fprint(w, `<!doctype html><html lang="en"><title>Toy</title><h1>It lives</h1>`)
	})
	log.Fatal(http.ListenAndServe(os.Getenv("LISTEN"), nil))
}
