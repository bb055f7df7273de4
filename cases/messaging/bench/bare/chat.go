package main

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"sync"

	"github.com/gocql/gocql"
	"github.com/gorilla/websocket"

	"designkits/shared/cql"
)

// A chat brings messages from one client to another, each after it is stored. It
// knows nobody, gives no order, and what it can't bring is gone.
type chat struct {
	session *gocql.Session

	mu      sync.Mutex
	clients map[string]*client
}

type client struct {
	conn *websocket.Conn
	mu   sync.Mutex // of writes
}

type message struct {
	Type string `json:"type"`
	ID   string `json:"id"`
	To   string `json:"to"`
	Body []byte `json:"body"`
}

const insert = `INSERT INTO messages (conversation, id, sender, body) VALUES (?, ?, ?, ?)`

func openChat(ctx context.Context, hosts, namespace string) (*chat, error) {
	session, err := cql.Open(ctx, cql.Config{Hosts: strings.Split(hosts, ","), Keyspace: namespace,
		Schema: "CREATE TABLE IF NOT EXISTS messages (conversation text, id text, sender text, body blob, PRIMARY KEY (conversation, id));\n"})
	if err != nil {
		return nil, fmt.Errorf("bare: %w", err)
	}
	return &chat{session: session, clients: map[string]*client{}}, nil
}

// serve serves the client of that name.
func (c *chat) serve(w http.ResponseWriter, r *http.Request) {
	conn, err := upgrader.Upgrade(w, r, nil)
	if err != nil {
		return // it has answered
	}
	defer conn.Close()
	name := r.URL.Query().Get("name")
	c.mu.Lock()
	c.clients[name] = &client{conn: conn}
	c.mu.Unlock()
	for {
		_, text, err := conn.ReadMessage()
		if err != nil {
			return
		}
		var m message
		if json.Unmarshal(text, &m) != nil {
			return
		}
		if err := c.session.Query(insert, name, m.ID, name, m.Body).Exec(); err != nil {
			return
		}
		c.mu.Lock()
		to := c.clients[m.To]
		c.mu.Unlock()
		if to == nil {
			continue
		}
		to.mu.Lock()
		_ = to.conn.WriteMessage(websocket.TextMessage, text) // its own reader notices
		to.mu.Unlock()
	}
}
