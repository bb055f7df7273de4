package shortener

import (
	"fmt"
	"strings"
)

// The length of an alias in characters.
const (
	MinAlias = 3
	MaxAlias = 32
)

// reserved are the words that no alias may be, nor look like: the first part
// of every path that the site itself answers or may want to, and the names
// that people would take for its own pages.
var reserved = []string{
	// paths in use
	"api", "healthz", "readyz", "metrics", "docs", "openapi", "static", "assets",
	"favicon", "robots", "sitemap", "humans", "well-known", "manifest", "events", "edge",
	// paths that a site grows
	"admin", "about", "account", "accounts", "analytics", "app", "auth", "billing", "blog",
	"contact", "dashboard", "debug", "demo", "download", "help", "home", "index", "legal",
	"login", "logout", "new", "null", "oauth", "pricing", "privacy", "profile", "register",
	"search", "security", "settings", "signin", "signout", "signup", "stats", "status",
	"support", "system", "terms", "undefined", "user", "users", "web", "www",
	// names that lend a link false weight
	"abuse", "official", "password", "postmaster", "root", "verify", "webmaster",
}

// reservedSkeletons maps the skeleton of each reserved word to the word.
var reservedSkeletons = func() map[string]string {
	skeletons := make(map[string]string, len(reserved))
	for _, word := range reserved {
		skeletons[Skeleton(word)] = word
	}
	return skeletons
}()

// CheckAlias says whether the alias may be claimed at all; whether it is free
// only LinkStore.Claim can say. Its error is a *Invalid. The case of letters
// is kept: an alias is found by exactly the letters it was claimed with.
func CheckAlias(alias string) error {
	refuse := func(rule, reason string, args ...any) error {
		return &Invalid{Field: "alias", Rule: rule, Reason: fmt.Sprintf(reason, args...)}
	}
	if len(alias) < MinAlias {
		return refuse("too-short", "an alias has at least %d characters, this one has %d", MinAlias, len(alias))
	}
	if len(alias) > MaxAlias {
		return refuse("too-long", "an alias has at most %d characters, this one has %d", MaxAlias, len(alias))
	}
	alphanumerics := 0
	for _, r := range alias {
		switch {
		case r < 0x80 && isAlphanumeric(byte(r)):
			alphanumerics++
		case r != '-' && r != '_':
			return refuse("bad-character", "an alias may have letters a to z, digits, - and _, but this one has %q", r)
		}
	}
	if alphanumerics == 0 {
		return refuse("no-letter", "an alias needs at least one letter or digit")
	}
	if Code(alias).Generated() {
		return refuse("generated-shape", "seven letters and digits are the shape of generated codes: add a character or a hyphen, for example %q", alias[:3]+"-"+alias[3:])
	}
	if word, ok := reservedSkeletons[Skeleton(alias)]; ok {
		return refuse("reserved", "%q is, or looks like, the reserved word %q: choose another", alias, word)
	}
	return nil
}

// lookAlike replaces what a reader takes for one another in common typefaces
// by one of them. It works on lower case.
var lookAlike = strings.NewReplacer(
	"rn", "m", // modern, modem
	"vv", "w",
	"0", "o",
	"1", "l", "i", "l", // with lower case folded first, I is an l as well
	"5", "s",
	"2", "z",
)

// withoutSeparators drops what people leave out or mix up when they type.
var withoutSeparators = strings.NewReplacer("-", "", "_", "")

// Skeleton returns what is left of an alias when everything is taken away that
// a reader overlooks: two aliases with one skeleton look alike, and only one of
// them can be claimed. So whoever holds "my-bank" needn't fear "rny_Bank".
//
// Folded are: case; - and _; 0 and o; 1, l and i; 5 and s; 2 and z; rn and m;
// vv and w. The idea and the name are from Unicode's confusables (UTS #39, §4);
// aliases are ASCII, so its table would only add what CheckAlias refuses
// anyway. Separators go first and are not looked at again, so that "r-n" is
// "rn" is "m" and a skeleton is its own skeleton.
func Skeleton(alias string) string {
	return lookAlike.Replace(withoutSeparators.Replace(strings.ToLower(alias)))
}
