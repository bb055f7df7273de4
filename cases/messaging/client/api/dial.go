package api

import (
	"errors"

	"designkits/cases/messaging/wire"
)

// maxRead is the largest frame that a gateway sends, in bytes: a Page of messages.
const maxRead = 2 * wire.MaxFrame

var errClosed = errors.New("the connection was closed on this side")
