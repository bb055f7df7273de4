package target

import (
	"errors"
	"net/netip"
	"strconv"
	"strings"
)

// parseIPv4 reads an IPv4 address the way that browsers do (WHATWG URL, "IPv4
// parser"): one to four parts, each decimal, octal (0177) or hexadecimal
// (0x7f), the last of which fills all bytes that are left. So 127.1,
// 2130706433 and 0x7f.0.0.1 are all 127.0.0.1. isNumber says that the host is
// written as a number and so can't be a name; ok that it is an address.
//
// Go's own parser takes four decimal parts only, and would let the others pass
// as names.
func parseIPv4(host string) (addr netip.Addr, isNumber, ok bool) {
	parts := strings.Split(host, ".")
	last := parts[len(parts)-1]
	if _, number := parseIPv4Part(last); !number && !isDigits(last) {
		return netip.Addr{}, false, false
	}
	if len(parts) > 4 {
		return netip.Addr{}, true, false
	}
	var address uint64
	for i, part := range parts {
		value, ok := parseIPv4Part(part)
		if !ok {
			return netip.Addr{}, true, false
		}
		if i < len(parts)-1 {
			if value > 255 {
				return netip.Addr{}, true, false
			}
			address = address<<8 | value
			continue
		}
		rest := 8 * (5 - len(parts)) // bits that the last part fills
		if value >= 1<<rest {
			return netip.Addr{}, true, false
		}
		address = address<<rest | value
	}
	return netip.AddrFrom4([4]byte{byte(address >> 24), byte(address >> 16), byte(address >> 8), byte(address)}), true, true
}

// parseIPv4Part reads one number; a bare "0x" is 0, as in browsers, and one too
// large for 64 bits is the largest, which is too large for its caller as well.
func parseIPv4Part(part string) (uint64, bool) {
	base := 10
	switch {
	case strings.HasPrefix(part, "0x") || strings.HasPrefix(part, "0X"):
		if part, base = part[2:], 16; part == "" {
			return 0, true
		}
	case len(part) > 1 && part[0] == '0':
		part, base = part[1:], 8
	}
	value, err := strconv.ParseUint(part, base, 64)
	return value, err == nil || errors.Is(err, strconv.ErrRange)
}

func isDigits(s string) bool {
	for i := range len(s) {
		if s[i] < '0' || s[i] > '9' {
			return false
		}
	}
	return s != ""
}

// notPublic are the IPv4 blocks that are not reachable from everywhere (IANA
// IPv4 Special-Purpose Address Registry), beside those netip knows by itself.
var notPublic = []netip.Prefix{
	netip.MustParsePrefix("0.0.0.0/8"),       // this host
	netip.MustParsePrefix("100.64.0.0/10"),   // carrier-grade NAT
	netip.MustParsePrefix("192.0.0.0/24"),    // IETF protocol assignments
	netip.MustParsePrefix("192.0.2.0/24"),    // documentation
	netip.MustParsePrefix("192.88.99.0/24"),  // 6to4 relays, deprecated
	netip.MustParsePrefix("198.18.0.0/15"),   // benchmarks
	netip.MustParsePrefix("198.51.100.0/24"), // documentation
	netip.MustParsePrefix("203.0.113.0/24"),  // documentation
	netip.MustParsePrefix("240.0.0.0/4"),     // reserved, broadcast
}

// globalIPv6 is the only block that global addresses have been given from so
// far; notPublicIPv6 are the exceptions within. 6to4 and Teredo carry an IPv4
// address that may be any.
var (
	globalIPv6    = netip.MustParsePrefix("2000::/3")
	notPublicIPv6 = []netip.Prefix{
		netip.MustParsePrefix("2001::/23"),     // IETF protocol assignments, Teredo
		netip.MustParsePrefix("2001:db8::/32"), // documentation
		netip.MustParsePrefix("2002::/16"),     // 6to4
		netip.MustParsePrefix("3fff::/20"),     // documentation
	}
)

// public reports whether the address can be reached from everywhere and means
// the same machine everywhere. IPv4-mapped IPv6 counts as the IPv4 address.
func public(addr netip.Addr) bool {
	addr = addr.Unmap()
	blocks := notPublic
	if addr.Is6() {
		if !globalIPv6.Contains(addr) {
			return false // loopback, link-local, unique local, multicast, NAT64, …
		}
		blocks = notPublicIPv6
	}
	for _, block := range blocks {
		if block.Contains(addr) {
			return false
		}
	}
	return !addr.IsLoopback() && !addr.IsPrivate() && !addr.IsLinkLocalUnicast() && !addr.IsMulticast()
}
