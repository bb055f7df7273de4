package target

import (
	"errors"
	"net/netip"
	"net/url"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

func testPolicy(t testing.TB) Policy {
	t.Helper()
	blocked, err := DefaultBlocklist()
	if err != nil {
		t.Fatal(err)
	}
	return Policy{OwnHosts: []string{"sho.rt", "links.example:8080", "bücher.example"}, Blocked: blocked}
}

func TestTargetsThatAreTaken(t *testing.T) {
	policy := testPolicy(t)
	for _, c := range []struct{ raw, want string }{
		{"https://example.com", "https://example.com/"},
		{"  https://example.com/a  ", "https://example.com/a"},
		{"HTTPS://EXAMPLE.com/Path?Q=1#Frag", "https://example.com/Path?Q=1#Frag"},
		{"http://example.com:80/", "http://example.com/"},
		{"https://example.com:443/", "https://example.com/"},
		{"https://example.com:0443/", "https://example.com/"},
		{"http://example.com:/", "http://example.com/"},
		{"http://example.com:8080/x", "http://example.com:8080/x"},
		{"https://example.com./x", "https://example.com/x"},
		{"https://example.com?q=1", "https://example.com/?q=1"},
		{"https://example.com#top", "https://example.com/#top"},
		{"https://bücher.example.org/ä?ö=ü", "https://xn--bcher-kva.example.org/%C3%A4?%C3%B6=%C3%BC"},
		{"https://example.com/a b<c>\"d\"", "https://example.com/a%20b%3Cc%3E%22d%22"},
		{"https://example.com/%E2%82%AC?a=%2F", "https://example.com/%E2%82%AC?a=%2F"},
		{"https://my_site.example.com/", "https://my_site.example.com/"},
		{"http://8.8.8.8/", "http://8.8.8.8/"},
		{"http://134744072/", "http://8.8.8.8/"},
		{"http://[2606:4700::1111]:8443/x", "http://[2606:4700::1111]:8443/x"},
		{"http://[::ffff:8.8.8.8]/", "http://[::ffff:8.8.8.8]/"},
		{"https://links.example:9090/", "https://links.example:9090/"}, // another port of a host that is ours on one
		{"https://web.archive.org/web/2020/http://example.com/", "https://web.archive.org/web/2020/http://example.com/"},
		{"https://example.com/@user", "https://example.com/@user"},
		{"https://nothingbit.ly.example.com/", "https://nothingbit.ly.example.com/"},
	} {
		got, err := Check(c.raw, policy)
		if err != nil || got != c.want {
			t.Errorf("%q became %q (%v), wanted %q", c.raw, got, err, c.want)
		}
	}
}

func TestTargetsThatAreRefused(t *testing.T) {
	policy := testPolicy(t)
	for _, c := range []struct{ raw, rule string }{
		{"", ruleEmpty},
		{"   ", ruleEmpty},
		{"https://example.com/" + strings.Repeat("a", MaxBytes), ruleTooLong},
		{"https://example.com/" + strings.Repeat("ä", MaxBytes/3), ruleTooLong}, // only once encoded
		{"example.com/path", ruleNotURL},
		{"hello world", ruleNotURL},
		{"//example.com", ruleNotURL},
		{"https://example.com/100%", ruleNotURL},
		{":", ruleNotURL},
		{"ftp://example.com", ruleScheme},
		{"javascript:alert(1)", ruleScheme},
		{"JavaScript:alert(1)", ruleScheme},
		{"data:text/html,hi", ruleScheme},
		{"mailto:a@example.com", ruleScheme},
		{"java\tscript:alert(1)", ruleControl},
		{"https://example.com/\r\nSet-Cookie: a=b", ruleControl},
		{"https://example.com/\x00", ruleControl},
		{"https://example.com/\xff", ruleControl},
		{`https://example.com\@evil.example`, ruleBackslash},
		{`https:\\example.com`, ruleBackslash},
		{"https://user:secret@example.com/", ruleCredentials},
		{"https://user@example.com/", ruleCredentials},
		{"https://@example.com/", ruleCredentials},
		{"https://example.com@", ruleCredentials},
		{"https:///path", ruleMissingHost},
		{"https:example.com", ruleMissingHost},
		{"https:/example.com", ruleMissingHost},
		{"https://:8080/", ruleMissingHost},
		{"https://./", ruleMissingHost},
		{"https://a..example.com/", ruleBadHost},
		{"https://exa mple.com/", ruleBadHost},
		{"https://" + strings.Repeat("a", 64) + ".com/", ruleBadHost},
		{"https://example.com|evil/", ruleBadHost},
		{"https://[::1%25eth0]/", ruleBadHost},
		{"https://[::1/", ruleBadHost},
		{"http://256.256.256.256/", ruleBadHost},
		{"http://1.2.3.4.5/", ruleBadHost},
		{"http://0xffffffffffffffffffff/", ruleBadHost},
		{"http://09.1/", ruleBadHost},
		{"http://%31%32%37.0.0.1/", ruleNotURL},
		{"https://example.com:0/", ruleBadPort},
		{"https://example.com:65536/", ruleBadPort},
		{"https://example.com:99999999999999999999/", ruleBadPort},
		{"https://example.com:http/", ruleBadPort},
		{"https://example.com:-1/", ruleBadPort},

		{"https://sho.rt/abc", ruleLoop},
		{"http://SHO.RT./abc", ruleLoop},
		{"http://sho.rt:8080/abc", ruleLoop},
		{"http://ｓｈｏ.ｒｔ/abc", ruleLoop}, // full-width letters
		{"http://sho。rt/", ruleLoop},    // ideographic full stop
		{"http://sh\u00ado.rt/", ruleLoop},
		{"http://links.example:8080/", ruleLoop},
		{"http://LINKS.example.:08080/", ruleLoop},
		{"https://bücher.example/", ruleLoop},
		{"https://BÜCHER.example/", ruleLoop},
		{"https://xn--bcher-kva.example/", ruleLoop},

		{"http://127.0.0.1/", rulePrivateAddr},
		{"http://127.0.0.1./", rulePrivateAddr},
		{"http://127.1/", rulePrivateAddr},
		{"http://2130706433/", rulePrivateAddr},
		{"http://0x7f.1/", rulePrivateAddr},
		{"http://0x7F000001/", rulePrivateAddr},
		{"http://0177.0.0.01/", rulePrivateAddr},
		{"http://017700000001/", rulePrivateAddr},
		{"http://0/", rulePrivateAddr},
		{"http://0x/", rulePrivateAddr},
		{"http://１２７.０.０.１/", rulePrivateAddr},
		{"http://127。0。0。1/", rulePrivateAddr},
		{"http://①②⑦.⓪.⓪.①/", rulePrivateAddr},
		{"http://10.1.2.3/", rulePrivateAddr},
		{"http://172.16.0.1/", rulePrivateAddr},
		{"http://192.168.1.1/", rulePrivateAddr},
		{"http://169.254.169.254/latest/meta-data/", rulePrivateAddr},
		{"http://100.64.0.1/", rulePrivateAddr},
		{"http://224.0.0.1/", rulePrivateAddr},
		{"http://255.255.255.255/", rulePrivateAddr},
		{"http://[::]/", rulePrivateAddr},
		{"http://[::1]/", rulePrivateAddr},
		{"http://[0:0:0:0:0:0:0:1]/", rulePrivateAddr},
		{"http://[::ffff:127.0.0.1]/", rulePrivateAddr},
		{"http://[::ffff:7f00:1]/", rulePrivateAddr},
		{"http://[::127.0.0.1]/", rulePrivateAddr},
		{"http://[64:ff9b::7f00:1]/", rulePrivateAddr},
		{"http://[2002:7f00:1::]/", rulePrivateAddr},
		{"http://[fe80::1]/", rulePrivateAddr},
		{"http://[fc00::1]/", rulePrivateAddr},
		{"http://[fd00:ec2::254]/", rulePrivateAddr},
		{"http://[ff02::1]/", rulePrivateAddr},

		{"http://localhost/", rulePrivateName},
		{"http://LocalHost.:8080/", rulePrivateName},
		{"http://a.localhost/", rulePrivateName},
		{"http://printer.local/", rulePrivateName},
		{"http://metadata.google.internal/", rulePrivateName},
		{"http://router/", rulePrivateName},
		{"http://nas.home.arpa/", rulePrivateName},

		{"http://127.0.0.1.nip.io/", ruleBlocked},
		{"http://bit.ly/abc", ruleBlocked},
		{"http://BIT.LY./abc", ruleBlocked},
		{"http://x.y.blocked.example/", ruleBlocked},
	} {
		got, err := Check(c.raw, policy)
		var refused *Refused
		if !errors.As(err, &refused) || refused.Rule != c.rule {
			t.Errorf("%q became %q (%v), wanted rule %s", c.raw, got, err, c.rule)
			continue
		}
		if len(refused.Reason) < 30 || strings.Contains(refused.Reason, "%!") {
			t.Errorf("%q: %q doesn't help a person", c.raw, refused.Reason)
		}
	}
}

func TestABlocklistLineThatIsWrongIsNamed(t *testing.T) {
	if _, err := ParseBlocklist("# fine\nexample.com spam\nexample.org\n"); err == nil || !strings.Contains(err.Error(), "line 3") {
		t.Errorf("got %v, wanted an error that names line 3", err)
	}
}

// FuzzCheck looks for a target that is taken although it leads where none
// may, whatever its spelling, and for one that changes when it is checked again.
func FuzzCheck(f *testing.F) {
	for _, seed := range []string{
		"https://example.com/a?b#c", "http://0x7f.1", "http://１２７.1/", "http://[::ffff:127.0.0.1]:80/", "http://user@h/", "http://sho.rt", "http://a\u3002b/", `http://a\b`, "http://017700000001?x", "https://xn--bcher-kva.example",
	} {
		f.Add(seed)
	}
	policy := testPolicy(f)
	f.Fuzz(func(t *testing.T, raw string) {
		target, err := Check(raw, policy)
		if err != nil {
			var refused *Refused
			if !errors.As(err, &refused) {
				t.Fatalf("%q: %v is no *Refused", raw, err)
			}
			return
		}
		if again, err := Check(target, policy); err != nil || again != target {
			t.Fatalf("%q became %q, and that %q (%v)", raw, target, again, err)
		}
		u, err := url.Parse(target)
		if err != nil || u.Host == "" || u.User != nil || u.Scheme != "http" && u.Scheme != "https" {
			t.Fatalf("%q became %q, which is not a plain web address (%v)", raw, target, err)
		}
		for i := range len(target) {
			if target[i] <= ' ' || target[i] >= 0x7f {
				t.Fatalf("%q became %q, which can't stand in a header", raw, target)
			}
		}
		host := u.Hostname()
		if addr, err := netip.ParseAddr(host); err == nil && !public(addr) {
			t.Fatalf("%q leads to %s", raw, addr)
		} else if err != nil {
			if _, isNumber, _ := parseIPv4(host); isNumber {
				t.Fatalf("%q leads to the number %s", raw, host)
			}
		}
		if strings.EqualFold(strings.TrimSuffix(host, "."), "sho.rt") {
			t.Fatalf("%q leads back to us", raw)
		}
	})
}

func TestAPlainHostIsItsOwnASCIIForm(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		host := rapid.StringMatching(`[a-z0-9]{1,9}([.-][a-z0-9]{1,9}){0,5}`).Draw(t, "host")
		if mapped, err := hostNames.ToASCII(host); !plain(host) || err != nil || mapped != host {
			t.Fatalf("%q becomes %q, %v", host, mapped, err)
		}
	})
	for _, host := range []string{"xn--bcher-kva.example", "bücher.example", "Example.com", "-a.example", "a..b", "a.", ""} {
		if plain(host) {
			t.Errorf("%q is taken to be plain", host)
		}
	}
}
