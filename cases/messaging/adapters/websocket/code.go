package websocket

import "strconv"

// A Code is a status code of a close frame (RFC 6455, §7.4).
type Code uint16

// The codes that this side sends or reports.
const (
	CodeNormal      Code = 1000
	CodeGoingAway   Code = 1001
	CodeProtocol    Code = 1002
	CodeUnsupported Code = 1003 // binary where text is due
	CodeNoStatus    Code = 1005 // reported for a close frame without a code, never sent
	CodeAbnormal    Code = 1006 // reported where no close frame came, never sent
	CodeInvalid     Code = 1007 // text that is no UTF-8
	CodePolicy      Code = 1008
	CodeTooLarge    Code = 1009
	CodeInternal    Code = 1011
	CodeRestart     Code = 1012 // this gateway goes away, another serves
	CodeTryLater    Code = 1013
)

func (c Code) String() string { return strconv.Itoa(int(c)) }

// receivable reports whether a peer may send the code.
func (c Code) receivable() bool {
	switch {
	case c >= 3000 && c <= 4999: // of libraries and applications
		return true
	case c == 1004, c == CodeNoStatus, c == CodeAbnormal:
		return false
	}
	return c >= CodeNormal && c <= 1014
}

// A failure is what a peer did wrong, with the code to close with.
type failure struct {
	code   Code
	reason string
}

func (f *failure) Error() string { return f.reason }

// What a peer can do wrong in its frames.
var (
	errReserved      = &failure{CodeProtocol, "a reserved bit is set"}
	errOpcode        = &failure{CodeProtocol, "a frame of an unknown kind"}
	errUnmasked      = &failure{CodeProtocol, "a frame that is not masked"}
	errControl       = &failure{CodeProtocol, "a control frame in pieces, or of more than 125 bytes"}
	errLength        = &failure{CodeProtocol, "a length that is not in its shortest form"}
	errContinuation  = &failure{CodeProtocol, "a continuation of nothing"}
	errInterleaved   = &failure{CodeProtocol, "a message begins within another"}
	errCloseFrame    = &failure{CodeProtocol, "a close frame with half a code, or one that must not be sent"}
	errDeflated      = &failure{CodeProtocol, "a message that can't be decompressed"}
	errInvalidUTF8   = &failure{CodeInvalid, "text that is not UTF-8"}
	errTooLarge      = &failure{CodeTooLarge, "the message is too large"}
	errBinary        = &failure{CodeUnsupported, "only text is taken here"}
	errNeverFinished = &failure{CodePolicy, "the message was not finished in time"}
	errInternal      = &failure{CodeInternal, "an error of this side"}
)
