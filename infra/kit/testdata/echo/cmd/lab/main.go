// Command lab puts sample data in and walks a journey, in Redis's inline form.
package main

import (
	"bufio"
	"fmt"
	"net"
	"os"
	"strings"
)

func main() {
	conn, err := net.Dial("tcp", os.Getenv("KIT_REDIS"))
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(3)
	}
	defer conn.Close()
	answers := bufio.NewReader(conn)
	ok := true
	key := os.Getenv("KIT_NAMESPACE") + ":" + os.Args[1]
	expected := os.Getenv("LAB_EXPECTS")
	if expected == "" {
		expected = key
	}
	for _, command := range []string{"SET " + key + " 1", "EXISTS " + expected} {
		fmt.Fprintf(conn, "%s\r\n", command)
		answer, err := answers.ReadString('\n')
		held := err == nil && !strings.HasPrefix(answer, "-") && answer[:2] != ":0"
		ok = ok && held
		fmt.Printf("{\"step\":%q,\"figure\":%q,\"ok\":%v,\"ms\":1}\n", command, strings.TrimSpace(answer), held)
	}
	if !ok {
		conn.Close()
		os.Exit(1)
	}
}
