package websocket

// Echo is a session that sends back what it gets: for conformance tests, and to
// measure the layer without a gateway.
type Echo struct{}

var _ BinarySession = Echo{}

// Opened implements Session.
func (Echo) Opened(*Conn) {}

// Frame implements Session. A client that lags is ended: nobody keeps for it what
// it would have to catch up with.
func (Echo) Frame(c *Conn, text []byte) { echo(c, c.Send(append([]byte(nil), text...))) }

// Binary implements BinarySession.
func (Echo) Binary(c *Conn, data []byte) { echo(c, c.SendBinary(append([]byte(nil), data...))) }

func echo(c *Conn, err error) {
	if err != nil {
		c.Close(CodePolicy, err.Error())
	}
}

// Closed implements Session.
func (Echo) Closed(*Conn, Code, string) {}
