package clicks

import (
	"strings"

	"github.com/mileusna/useragent"
)

// A DeviceClass is the kind of machine that clicked.
type DeviceClass string

// The device classes.
const (
	Desktop     DeviceClass = "desktop"
	Mobile      DeviceClass = "mobile"
	Tablet      DeviceClass = "tablet"
	TV          DeviceClass = "tv"
	BotDevice   DeviceClass = "bot"
	OtherDevice DeviceClass = "other"
)

// OtherBrowser is the family of what isn't known by name.
const OtherBrowser = "other"

// An Agent is what a User-Agent header says of a visitor.
type Agent struct {
	Browser string // a family in lower case ("chrome"), or OtherBrowser
	Device  DeviceClass
	Bot     bool
}

// Classify reads a User-Agent header. A bot that pretends to be a browser in
// every letter is taken for a person: nothing in a header tells them apart.
func Classify(header string) Agent {
	header = strings.TrimSpace(header)
	if soundsLikeBot(header) {
		return Agent{Browser: OtherBrowser, Device: BotDevice, Bot: true}
	}
	parsed := useragent.Parse(header)
	return Agent{Browser: family(header, parsed.Name), Device: deviceClass(header, parsed)}
}

// families are the library's names for what counts as one browser, and inApp
// below the words of apps that open links in a browser view of their own.
var families = map[string]string{
	useragent.Chrome: "chrome", "Brave Chrome": "chrome", "Chromium": "chrome",
	useragent.Firefox: "firefox", "Focus": "firefox", "Klar": "firefox",
	useragent.Safari: "safari", useragent.MobileSafari: "safari",
	useragent.Edge: "edge", useragent.InternetExplorer: "internet explorer", "Trident": "internet explorer",
	useragent.Opera: "opera", useragent.OperaMini: "opera", useragent.OperaTouch: "opera", "OPX": "opera",
	useragent.SamsungBrowser: "samsung", useragent.Vivaldi: "vivaldi", "YaBrowser": "yandex", "YaApp_Android": "yandex",
	"UCBrowser": "uc", "Miui Browser": "miui", "Huawei Browser": "huawei", "Whale": "whale", "Silk": "silk",
	"Ddg": "duckduckgo", "DuckDuckGo": "duckduckgo", "QQBrowser": "qq", "MQQBrowser": "qq", "Android browser": "android",
	useragent.FacebookApp: "in-app", useragent.InstagramApp: "in-app", useragent.TiktokApp: "in-app",
}

// hidden are words of browsers that the library takes for Chrome.
var hidden = map[string]string{"YaBrowser/": "yandex", "UCBrowser/": "uc", "QQBrowser/": "qq"}

var inApp = []string{
	"GSA/", "FBAN/", "FBAV/", "FB_IAB", "Instagram", "Snapchat", "musical_ly", "BytedanceWebview", "TikTok", "Pinterest",
	"LinkedInApp", "Twitter for", "Line/", "KAKAOTALK", "MicroMessenger", "NAVER(", "WhatsApp", "Reddit", "Threads",
}

func family(header, name string) string {
	for _, word := range inApp {
		if strings.Contains(header, word) {
			return "in-app"
		}
	}
	for word, named := range hidden {
		if strings.Contains(header, word) {
			return named
		}
	}
	if known, ok := families[name]; ok {
		return known
	}
	return OtherBrowser
}

var tvWords = []string{"TV", "Web0S", "BRAVIA", "AFTT", "AFTS", "AFTM", "CrKey", "Roku", "Viera", "DLNADOC"}

func deviceClass(header string, parsed useragent.UserAgent) DeviceClass {
	for _, word := range tvWords {
		if strings.Contains(header, word) {
			return TV
		}
	}
	switch {
	case strings.Contains(header, "Android"):
		// Android's own convention: a phone says Mobile, a tablet doesn't.
		if !strings.Contains(header, "Mobile") && !strings.Contains(header, "Opera Mini") || parsed.Tablet {
			return Tablet
		}
		return Mobile
	case parsed.Tablet:
		return Tablet
	case parsed.Mobile:
		return Mobile
	case parsed.Desktop:
		return Desktop
	}
	return OtherDevice
}

// A recent remembers what was made of the last headers: they are few among
// many clicks. It is for one goroutine. Two generations bound it: when the young
// one is full it becomes the old one, and what isn't asked for again is gone.
type recent[V any] struct {
	derive     func(header string) V
	young, old map[string]V
}

const recentGeneration = 4096

func newRecent[V any](derive func(string) V) *recent[V] {
	return &recent[V]{derive: derive, young: map[string]V{}}
}

func (c *recent[V]) of(header string) V {
	if v, ok := c.young[header]; ok {
		return v
	}
	v, ok := c.old[header]
	if !ok {
		v = c.derive(header)
	}
	if len(c.young) >= recentGeneration {
		c.old, c.young = c.young, make(map[string]V, recentGeneration)
	}
	c.young[header] = v
	return v
}
