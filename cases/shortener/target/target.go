// Package target says where a short link may lead, and how that is written.
package target

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"net/url"
	"strconv"
	"strings"
	"unicode/utf8"

	"golang.org/x/net/idna"
)

// MaxBytes is the longest target in bytes, before and after normalising.
const MaxBytes = 8192

// A Policy is what Check needs to know of the site.
type Policy struct {
	// OwnHosts are the names that this shortener answers to: "sho.rt" stands
	// for every port of it, "sho.rt:8080" for that port alone. A link to
	// ourselves would be a loop.
	OwnHosts []string
	// Blocked are the domains that no link may point to; nil blocks none.
	Blocked *Blocklist
	// Unchecked lets every target pass as it is, to show what the checks are for.
	Unchecked bool
}

// The rules that a target can break, as they stand in Refused.Rule.
const (
	ruleEmpty       = "empty"
	ruleTooLong     = "too-long"
	ruleControl     = "control-character"
	ruleBackslash   = "backslash"
	ruleNotURL      = "not-a-url"
	ruleScheme      = "scheme"
	ruleCredentials = "credentials"
	ruleMissingHost = "missing-host"
	ruleBadHost     = "bad-host"
	ruleBadPort     = "bad-port"
	ruleLoop        = "loop"
	rulePrivateAddr = "private-address"
	rulePrivateName = "private-name"
	ruleBlocked     = "blocked-domain"
)

// Check returns the target as it is stored and sent in a Location header,
// or a *Refused. Normalised are the scheme and the host (lower case, IDNA to
// ASCII, numeric addresses to their usual form, no default port, no trailing
// dot); path, query and fragment stay as they are, but for characters that
// can't stand in a header, which are percent-encoded.
//
// What counts is how a browser will read the target, not how Go does: hence
// the checks for backslashes, for hosts like 0x7f.1, and for full-width digits.
//
// No name is looked up. A name's answer at this moment says nothing about the
// moment of a click (DNS rebinding); it is the visitor's browser that connects,
// not this service, so the answer seen from here is the wrong one anyway; and
// a lookup would put somebody else's slow name server into the way of every
// new link. Whatever fetches targets itself, a preview or a virus scan, must
// check the address at the moment it dials.
func Check(raw string, policy Policy) (string, error) {
	if policy.Unchecked {
		return raw, nil
	}
	raw = strings.Trim(raw, " ")
	if err := checkCharacters(raw); err != nil {
		return "", err
	}
	u, err := url.Parse(raw)
	if err != nil {
		return "", explainParseError(err)
	}
	if u.Scheme != "http" && u.Scheme != "https" { // Parse has made it lower case
		if u.Scheme == "" {
			return "", badTarget(ruleNotURL, "%q is not a full address: begin it with https://", shorten(raw))
		}
		return "", badTarget(ruleScheme, "addresses that begin with %s: can't be shortened, only http:// and https://", shorten(u.Scheme))
	}
	if u.User != nil {
		return "", badTarget(ruleCredentials, "the address holds a user name or a password, which everybody with the link would see: leave out what stands before the @")
	}
	if u.Hostname() == "" {
		return "", badTarget(ruleMissingHost, "the address has no host: it should look like %s://example.com/path", u.Scheme)
	}
	host, err := normalHost(u)
	if err != nil {
		return "", err
	}
	port, err := normalPort(u)
	if err != nil {
		return "", err
	}
	if err := checkHost(host, port, u.Scheme, policy); err != nil {
		return "", err
	}
	target := u.Scheme + "://" + joinHostPort(host, port) + encodeRest(afterAuthority(raw))
	if len(target) > MaxBytes {
		return "", badTarget(ruleTooLong, "the address is longer than %d bytes once it is encoded", MaxBytes)
	}
	return target, nil
}

// A Refused is a target that may not be shortened.
type Refused struct {
	Rule   string // a stable word for the rule broken: "private-address"
	Reason string // a sentence for a person, with what to do instead
}

func (e *Refused) Error() string { return e.Reason }

func badTarget(rule, reason string, args ...any) *Refused {
	return &Refused{Rule: rule, Reason: fmt.Sprintf(reason, args...)}
}

// shorten keeps an error readable when the input is not.
func shorten(s string) string {
	const longest = 60
	if len(s) <= longest {
		return s
	}
	return strings.ToValidUTF8(s[:longest], "") + "…"
}

// checkCharacters refuses what parsers are known to disagree about.
func checkCharacters(raw string) error {
	if raw == "" {
		return badTarget(ruleEmpty, "there is no address to shorten: paste one that begins with https://")
	}
	if len(raw) > MaxBytes {
		return badTarget(ruleTooLong, "the address has %d bytes, at most %d are possible", len(raw), MaxBytes)
	}
	if !utf8.ValidString(raw) {
		return badTarget(ruleControl, "the address is not valid UTF-8: percent-encode its bytes")
	}
	for i := range len(raw) {
		switch {
		case raw[i] < 0x20 || raw[i] == 0x7f:
			// Browsers drop tabs and line ends, so that a javascript: split by one
			// still runs; in a header they would begin a new one.
			return badTarget(ruleControl, "the address has a control character (%#02x) at position %d: remove it", raw[i], i)
		case raw[i] == '\\':
			// Browsers read it as a slash, most parsers don't: "https://good\@evil".
			return badTarget(ruleBackslash, `the address has a backslash at position %d: write / or %%5C`, i)
		}
	}
	return nil
}

// explainParseError puts net/url's words into a person's.
func explainParseError(err error) error {
	text := err.Error()
	switch {
	case strings.Contains(text, "invalid port"):
		return badTarget(ruleBadPort, "the port is not a number from 1 to 65535")
	case strings.Contains(text, "invalid userinfo"):
		return badTarget(ruleCredentials, "the address holds a user name or a password: leave out what stands before the @")
	case strings.Contains(text, "invalid URL escape"):
		return badTarget(ruleNotURL, "the address has a %% that is not followed by two hexadecimal digits: write %%25 for a percent sign")
	case strings.Contains(text, "host"):
		return badTarget(ruleBadHost, "the host of the address is not a valid name or IP address")
	case strings.Contains(text, "first path segment"), strings.Contains(text, "missing protocol scheme"):
		return badTarget(ruleNotURL, "this is not a full address: begin it with https://")
	}
	return badTarget(ruleNotURL, "this is not a valid address: it should look like https://example.com/path")
}

// hostNames maps a name as a browser does: Unicode to lower case and to its
// compatible form (so full-width digits become digits), then to Punycode.
var hostNames = idna.New(idna.MapForLookup(), idna.BidiRule(), idna.StrictDomainName(false), idna.Transitional(false))

var errNotCanonical = errors.New("the mapped name maps to something else")

// plain reports whether a host is one that hostNames leaves as it is, as nearly all
// are: letters and digits, and single dots and hyphens between them.
func plain(host string) bool {
	between := true // at the beginning, or behind a dot or a hyphen
	for i := range len(host) {
		switch c := host[i]; {
		case 'a' <= c && c <= 'z', '0' <= c && c <= '9':
			between = false
		case (c == '.' || c == '-') && !between:
			between = true
		default:
			return false
		}
	}
	return !between
}

// toASCII maps a name by hostNames.
func toASCII(host string) (string, error) {
	if plain(host) {
		return host, nil
	}
	ascii, err := hostNames.ToASCII(host)
	if again, errAgain := hostNames.ToASCII(ascii); errAgain != nil || again != ascii {
		err = errors.Join(err, errNotCanonical) // broken Punycode can hide behind one mapping
	}
	return ascii, err
}

// normalHost returns the host in lower-case ASCII without a trailing dot, or
// the usual form of an IP address, without brackets.
func normalHost(u *url.URL) (string, error) {
	host := u.Hostname()
	if strings.HasPrefix(u.Host, "[") {
		addr, err := netip.ParseAddr(host)
		if err != nil || addr.Zone() != "" {
			return "", badTarget(ruleBadHost, "[%s] is not an IPv6 address that all can reach", shorten(host))
		}
		return addr.String(), nil
	}
	ascii, err := toASCII(host)
	if err != nil {
		return "", badTarget(ruleBadHost, "%q is not a valid host name", shorten(host))
	}
	ascii = strings.TrimSuffix(strings.ToLower(ascii), ".")
	if ascii == "" {
		return "", badTarget(ruleMissingHost, "the address has no host: it should look like %s://example.com/path", u.Scheme)
	}
	if addr, isNumber, ok := parseIPv4(ascii); isNumber {
		if !ok {
			return "", badTarget(ruleBadHost, "%q is not a valid IP address", shorten(host))
		}
		return addr.String(), nil
	}
	if len(ascii) > 253 {
		return "", badTarget(ruleBadHost, "the host name has %d characters, at most 253 are possible", len(ascii))
	}
	for label := range strings.SplitSeq(ascii, ".") {
		if label == "" || len(label) > 63 {
			return "", badTarget(ruleBadHost, "%q is not a valid host name: between two dots stand 1 to 63 characters", shorten(host))
		}
		for i := range len(label) {
			if !alphanumeric(label[i]) && label[i] != '-' && label[i] != '_' {
				return "", badTarget(ruleBadHost, "%q is not a valid host name: it may not have %q", shorten(host), label[i])
			}
		}
	}
	return ascii, nil
}

// normalPort returns the port, or "" for the scheme's own.
func normalPort(u *url.URL) (string, error) {
	if u.Port() == "" {
		return "", nil
	}
	n, err := strconv.ParseUint(u.Port(), 10, 16)
	if err != nil || n == 0 {
		return "", badTarget(ruleBadPort, "port %s does not exist: ports are 1 to 65535", shorten(u.Port()))
	}
	if port := strconv.FormatUint(n, 10); port != defaultPort(u.Scheme) {
		return port, nil
	}
	return "", nil
}

func defaultPort(scheme string) string {
	if scheme == "https" {
		return "443"
	}
	return "80"
}

func joinHostPort(host, port string) string {
	if port != "" {
		return net.JoinHostPort(host, port)
	}
	if strings.Contains(host, ":") {
		return "[" + host + "]"
	}
	return host
}

// privateSuffixes are the top-level names that mean something else, or
// nothing, on every network (RFC 6761, 6762, 8375, ICANN's .internal).
var privateSuffixes = []string{"localhost", "local", "internal", "intranet", "private", "corp", "home", "lan", "localdomain", "home.arpa"}

// checkHost refuses hosts that a public link may not lead to.
func checkHost(host, port, scheme string, policy Policy) error {
	if port == "" {
		port = defaultPort(scheme)
	}
	for _, own := range policy.OwnHosts {
		if sameHost(own, host, port) {
			return badTarget(ruleLoop, "%s is this shortener itself: shorten the address that the link leads to", host)
		}
	}
	if addr, err := netip.ParseAddr(host); err == nil {
		if !public(addr) {
			return badTarget(rulePrivateAddr, "%s is an address inside a private network or a machine: use one that everybody can reach", host)
		}
		return nil
	}
	if !strings.Contains(host, ".") {
		return badTarget(rulePrivateName, "%q is a name inside a private network: use a full one, like example.com", host)
	}
	for _, suffix := range privateSuffixes {
		if strings.HasSuffix(host, "."+suffix) {
			return badTarget(rulePrivateName, "names that end in .%s mean something only inside a private network", suffix)
		}
	}
	if domain, reason, ok := policy.Blocked.Find(host); ok {
		return badTarget(ruleBlocked, "links to %s are not allowed here (%s)", domain, reason)
	}
	return nil
}

// sameHost compares one of Policy.OwnHosts with a normalised host and its
// port, both put through the same normalisation.
func sameHost(own, host, port string) bool {
	u := &url.URL{Scheme: "http", Host: own}
	ownHost, err := normalHost(u)
	if err != nil || ownHost != host {
		return false
	}
	return u.Port() == "" || u.Port() == port
}

// afterAuthority returns what follows the host and port: path, query, fragment.
func afterAuthority(raw string) string {
	_, rest, _ := strings.Cut(raw, "://")
	if i := strings.IndexAny(rest, "/?#"); i >= 0 {
		if rest[i] != '/' {
			return "/" + rest[i:]
		}
		return rest[i:]
	}
	return "/"
}

// encodeRest percent-encodes what can't stand in a header or would end a quoted
// attribute in a page. It leaves what is encoded already.
func encodeRest(rest string) string {
	var b strings.Builder
	for i := range len(rest) {
		switch c := rest[i]; {
		case c <= ' ' || c >= 0x7f || c == '"' || c == '<' || c == '>' || c == '`':
			fmt.Fprintf(&b, "%%%02X", c)
		default:
			b.WriteByte(c)
		}
	}
	return b.String()
}

func alphanumeric(b byte) bool {
	return '0' <= b && b <= '9' || 'A' <= b && b <= 'Z' || 'a' <= b && b <= 'z'
}
