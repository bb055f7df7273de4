package body_test

import (
	"errors"
	"reflect"
	"strings"
	"testing"

	"designkits/cases/messaging"
	"designkits/cases/messaging/client/body"
)

const (
	walks  = messaging.ConversationID("g0123456789abcdef")
	others = messaging.ConversationID("g0000000000000000")
	first  = messaging.MessageID("message-number-1")
	second = messaging.MessageID("message-number-2")
	ana    = messaging.UserID("u0123456789abcdef")
	bo     = messaging.UserID("u0000000000000000")
)

func pointer() *body.Pointer {
	return &body.Pointer{Key: make([]byte, 32), Digest: make([]byte, 32), Size: 9, Blob: "m0", Type: "image/png", Name: "a.png"}
}

func TestABodyComesBackAsItWas(t *testing.T) {
	picture := pointer()
	picture.Thumbnail = pointer()
	for _, b := range []body.Body{
		{Kind: body.Text, Text: "grüß dich 👋", Reply: second, Mentions: []messaging.UserID{bo}},
		{Kind: body.Edit, Target: second, Text: "better"},
		{Kind: body.Reaction, Target: second, Emoji: "👩‍👩‍👧‍👦"},
		{Kind: body.Reaction, Target: second},
		{Kind: body.Media, Media: picture},
		{Kind: body.Devices},
	} {
		b.Conversation, b.ID = walks, first
		plain, err := b.Encode()
		if err != nil {
			t.Errorf("%s: %v", b.Kind, err)
			continue
		}
		got, err := body.Decode(plain, walks, first)
		b.Version = 1
		if err != nil || !reflect.DeepEqual(*got, b) {
			t.Errorf("%+v came back as %+v, %v", b, got, err)
		}
	}
}

func TestABodyThatTheServerMovedIsRefused(t *testing.T) {
	plain, err := body.Body{Conversation: walks, ID: first, Kind: body.Text, Text: "yes"}.Encode()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := body.Decode(plain, others, first); !errors.Is(err, body.ErrElsewhere) {
		t.Errorf("in another conversation: %v", err)
	}
	if _, err := body.Decode(plain, walks, second); !errors.Is(err, body.ErrElsewhere) {
		t.Errorf("as another message: %v", err)
	}
}

func TestWhatNoClientOfOursWritesIsRefused(t *testing.T) {
	nested := pointer()
	nested.Thumbnail = pointer()
	nested.Thumbnail.Thumbnail = pointer()
	folder := pointer()
	folder.Name = "../../etc/passwd"
	for name, b := range map[string]body.Body{
		"an empty text":             {Kind: body.Text, Text: " \n"},
		"one that is too long":      {Kind: body.Text, Text: strings.Repeat("x", body.MaxText+1)},
		"one that isn't UTF-8":      {Kind: body.Text, Text: "\xff"},
		"an edit of nothing":        {Kind: body.Edit, Text: "x"},
		"a reaction to nothing":     {Kind: body.Reaction, Emoji: "x"},
		"a reaction in a sentence":  {Kind: body.Reaction, Target: second, Emoji: "well done"},
		"media without a pointer":   {Kind: body.Media},
		"a pointer without a key":   {Kind: body.Media, Media: &body.Pointer{Blob: "m0", Size: 1}},
		"a thumbnail's thumbnail":   {Kind: body.Media, Media: nested},
		"a name that is a path":     {Kind: body.Media, Media: folder},
		"a mention of nobody":       {Kind: body.Text, Text: "x", Mentions: []messaging.UserID{"ana"}},
		"a reply to what isn't one": {Kind: body.Text, Text: "x", Reply: "2"},
	} {
		b.Conversation, b.ID = walks, first
		var invalid *messaging.Invalid
		if _, err := b.Encode(); !errors.As(err, &invalid) {
			t.Errorf("%s: %v", name, err)
		}
	}
	for plain, want := range map[string]error{
		`{"v":2,"conversation":"g0123456789abcdef","id":"message-number-1","kind":"text"}`: body.ErrNewer,
		`{"v":1,"conversation":"g0123456789abcdef","id":"message-number-1","kind":"poll"}`: body.ErrNewer,
		`{"v":1}`: body.ErrElsewhere,
	} {
		if _, err := body.Decode([]byte(plain), walks, first); !errors.Is(err, want) {
			t.Errorf("%s: %v", plain, err)
		}
	}
	var invalid *messaging.Invalid
	if _, err := body.Decode([]byte("hello"), walks, first); !errors.As(err, &invalid) {
		t.Errorf("no JSON: %v", err)
	}
}
