package designdoc

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
)

var (
	link       = regexp.MustCompile(`\[([^\]\n]*)\]\(([^)\s]+)\)`)
	heading    = regexp.MustCompile(`(?m)^#+ +(.+)$`)
	identifier = regexp.MustCompile(`^[\pL_][\pL\pN_]*(\.[\pL_][\pL\pN_]*)?$`)
	fenced     = regexp.MustCompile("(?ms)^```.*?^```")
)

// DeadLinks returns an error for each link of the file that leads nowhere: to a
// file or folder that isn't there, to a heading that this document or another
// lacks, to a Go file that doesn't define the identifier that is the link's text.
// Links to other hosts are not followed.
func DeadLinks(path string) error {
	raw, err := os.ReadFile(path)
	if err != nil {
		return fmt.Errorf("read the design doc: %w", err)
	}
	text := fenced.ReplaceAllString(string(raw), "")
	var dead error
	for _, l := range link.FindAllStringSubmatch(text, -1) {
		if err := alive(path, l[1], l[2]); err != nil {
			dead = errors.Join(dead, fmt.Errorf("%s: %s: %w", path, l[0], err))
		}
	}
	return dead
}

// alive returns an error if the link of the document at from leads nowhere.
func alive(from, text, target string) error {
	if strings.Contains(target, "://") || strings.HasPrefix(target, "mailto:") {
		return nil
	}
	file, fragment, _ := strings.Cut(target, "#")
	path := from
	if file != "" {
		path = filepath.Join(filepath.Dir(from), file)
	}
	info, err := os.Stat(path)
	if err != nil {
		return errors.New("there is no such file")
	}
	if fragment != "" && filepath.Ext(path) == ".md" {
		return headed(path, fragment)
	}
	name := strings.Trim(text, "`")
	if info.IsDir() || filepath.Ext(path) != ".go" || !identifier.MatchString(name) || strings.ToLower(name) == name {
		return nil // the text is a word and not the name of something exported
	}
	defined, err := defines(path, name)
	if err == nil && !defined {
		err = fmt.Errorf("the file doesn't define %s", name)
	}
	return err
}

// headed returns an error if the document has no heading of that anchor.
func headed(path, anchor string) error {
	raw, err := os.ReadFile(path)
	if err != nil {
		return fmt.Errorf("read the linked document: %w", err)
	}
	for _, h := range heading.FindAllStringSubmatch(fenced.ReplaceAllString(string(raw), ""), -1) {
		if Anchor(h[1]) == anchor {
			return nil
		}
	}
	return errors.New("the document has no such heading")
}

// Anchor is the fragment that a heading gets: "The one Heading" is
// "the-one-heading".
func Anchor(heading string) string {
	var b strings.Builder
	for _, r := range strings.ToLower(heading) {
		switch {
		case r == ' ':
			b.WriteRune('-')
		case r == '-' || r == '_' || r >= '0' && r <= '9' || r >= 'a' && r <= 'z' || r > 0x7f:
			b.WriteRune(r)
		}
	}
	return b.String()
}

func defines(path, name string) (bool, error) {
	source, err := os.ReadFile(path)
	if err != nil {
		return false, fmt.Errorf("read the linked file: %w", err)
	}
	_, found, err := Symbol(path, source, name)
	return found, err
}
