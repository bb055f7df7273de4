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
	switch strings.Join(os.Args[1:], " ") {
	case "bench --list":
		fmt.Println(`{"bench":"ping","about":"a PING, against nothing"}`)
		return
	case "curveball --list", "curveball --list redis-dies":
		fmt.Println(`{"experiment":{"name":"redis-dies","question":"Redis dies. And then?","hypothesis":"It is gone.","expected":["answers = 0"],"predict":"answers"}}`)
		return
	case "bench --list nosuch", "curveball --list nosuch":
		fmt.Fprintln(os.Stderr, "there is no nosuch")
		os.Exit(2)
	}
	conn, err := net.Dial("tcp", os.Getenv("KIT_REDIS"))
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(3)
	}
	defer conn.Close()
	answers := bufio.NewReader(conn)
	switch held := os.Getenv("LAB_HOLDS") != "no"; os.Args[1] {
	case "bench":
		fmt.Fprint(conn, "PING\r\n")
		answer, _ := answers.ReadString('\n')
		fmt.Printf("{\"bench\":\"ping\",\"result\":{\"name\":\"ping\",\"value\":7,\"unit\":\"/s\",\"baseline\":14,\"ratio\":0.5,\"goal\":\"≥ 0.4 × baseline\",\"held\":%t,\"note\":%q}}\n", held, strings.TrimSpace(answer))
		verdict(held)
		return
	case "curveball":
		fmt.Println(`{"name":"redis-dies","event":{"at":0.1,"kind":"fault","text":"redis is killed"}}`)
		fmt.Printf("{\"report\":{\"name\":\"redis-dies\",\"question\":\"Redis dies. And then?\",\"verdict\":%q,\"measured\":[{\"figure\":\"answers\",\"value\":3,\"band\":\"answers = 0\",\"held\":%t}]}}\n",
			map[bool]string{true: "held", false: "did not hold"}[held], held)
		verdict(held)
		return
	}
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

func verdict(held bool) {
	if !held {
		os.Exit(1)
	}
}
