package clicks

import (
	"encoding/json"
	"os"
	"testing"
	"time"
)

// shipped reads one of the lists in testdata/useragents.
func shipped(t *testing.T, file string) []struct {
	Family    string `json:"family"`
	Device    string `json:"device"`
	UserAgent string `json:"user_agent"`
} {
	t.Helper()
	text, err := os.ReadFile("../testdata/useragents/" + file)
	if err != nil {
		t.Fatal(err)
	}
	var agents []struct {
		Family    string `json:"family"`
		Device    string `json:"device"`
		UserAgent string `json:"user_agent"`
	}
	if err := json.Unmarshal(text, &agents); err != nil {
		t.Fatal(err)
	}
	return agents
}

func TestNoPersonIsCalledABot(t *testing.T) {
	for _, human := range shipped(t, "humans.json") {
		got := Classify(human.UserAgent)
		if got.Bot {
			t.Errorf("a person is called a bot: %s", human.UserAgent)
		}
		if string(got.Device) != human.Device {
			t.Errorf("device %s, want %s: %s", got.Device, human.Device, human.UserAgent)
		}
		want := human.Family
		if want == "ios-other" {
			want = "chrome" // all of these say CriOS: Chrome on iOS
		}
		if got.Browser != want {
			t.Errorf("browser %s, want %s: %s", got.Browser, want, human.UserAgent)
		}
	}
}

func TestMostBotsAreCaught(t *testing.T) {
	bots := shipped(t, "bots.json")
	caught := 0
	for _, bot := range bots {
		if Classify(bot.UserAgent).Bot {
			caught++
		} else {
			t.Logf("passes for a person: %s", bot.UserAgent)
		}
	}
	share := float64(caught) / float64(len(bots))
	t.Logf("%d of %d bots caught, %.1f%%", caught, len(bots), 100*share)
	if share < 0.98 {
		t.Errorf("caught %.1f%% of the bots, want 98%% or more", 100*share)
	}
}

// Browsers and browser views that no list here has: what is strange about them
// must not make a person a bot.
func TestRareBrowsersArePeople(t *testing.T) {
	const (
		iphone  = "Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) "
		android = "Mozilla/5.0 (Linux; Android 13; SM-A536B Build/TP1A.220624.014; wv) AppleWebKit/537.36 (KHTML, like Gecko) Version/4.0 Chrome/124.0.6367.179 Mobile Safari/537.36"
		windows = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/124.0.0.0 Safari/537.36"
	)
	for header, want := range map[string]Agent{
		iphone + "Mobile/15E148 [FBAN/FBIOS;FBAV/465.0.1.41.103;FBBV/602060281;FBDV/iPhone14,5;FBMD/iPhone;FBSN/iOS;FBSV/17.5;FBSS/3;FBID/phone;FBLC/de_DE;FBOP/5]": {"in-app", Mobile, false},
		iphone + "Mobile/15E148 Instagram 334.0.4.32.98 (iPhone14,5; iOS 17_5; de_DE; de; scale=3.00; 1170x2532; 607041441)":                                        {"in-app", Mobile, false},
		iphone + "Mobile/15E148 Safari/604.1 Ddg/17.5":       {"safari", Mobile, false},
		iphone + "FxiOS/126.0 Mobile/15E148 Safari/605.1.15": {"firefox", Mobile, false},
		iphone + "Mobile/15E148":                             {"other", Mobile, false},
		android + " [FB_IAB/FB4A;FBAV/465.0.0.47.83;]":       {"in-app", Mobile, false},
		android + " GSA/15.20.36.28.arm64":                   {"in-app", Mobile, false},
		android + " Line/14.8.1/IAB":                         {"in-app", Mobile, false},
		"Mozilla/5.0 (Linux; Android 11; CUBOT X50) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/124.0.0.0 Mobile Safari/537.36":                   {"chrome", Mobile, false},
		"Mozilla/5.0 (Linux; Android 12; SM-T870) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/124.0.0.0 Safari/537.36":                            {"chrome", Tablet, false},
		"Mozilla/5.0 (iPad; CPU OS 17_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.5 Mobile/15E148 Safari/604.1":            {"safari", Tablet, false},
		"Mozilla/5.0 (SMART-TV; LINUX; Tizen 7.0) AppleWebKit/537.36 (KHTML, like Gecko) 94.0.4606.31/7.0 TV Safari/537.36":                         {"other", TV, false},
		"Mozilla/5.0 (Web0S; Linux/SmartTV) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/94.0.4606.128 Safari/537.36 WebAppManager":                {"chrome", TV, false},
		"Mozilla/5.0 (Windows NT 10.0; WOW64; Trident/7.0; .NET4.0C; .NET4.0E; .NET CLR 2.0.50727; rv:11.0) like Gecko":                             {"internet explorer", Desktop, false},
		"Mozilla/4.0 (compatible; MSIE 8.0; Windows NT 6.1; Trident/4.0; SLCC2; .NET CLR 2.0.50727)":                                                {"internet explorer", Desktop, false},
		"Mozilla/5.0 (X11; Ubuntu; Linux x86_64; rv:126.0) Gecko/20100101 Firefox/126.0":                                                            {"firefox", Desktop, false},
		"Mozilla/5.0 (X11; CrOS x86_64 14541.0.0) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/124.0.0.0 Safari/537.36":                            {"chrome", Desktop, false},
		"Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.5 Safari/605.1.15 GSA/319.0.637396789": {"in-app", Desktop, false},
		windows + " Vivaldi/6.7.3329.35": {"vivaldi", Desktop, false},
		windows + " OPR/110.0.0.0":       {"opera", Desktop, false},
		"Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/122.0.0.0 YaBrowser/24.4.0.0 Safari/537.36":                                    {"yandex", Desktop, false},
		"Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Slack/4.38.125 Chrome/124.0.6367.119 Electron/30.0.2 Safari/537.36":                   {"other", Desktop, false},
		"Mozilla/5.0 (Linux; U; Android 10; en-US; RMX1911) AppleWebKit/537.36 (KHTML, like Gecko) Version/4.0 Chrome/100.0.4896.58 UCBrowser/13.4.0.1306 Mobile Safari/537.36": {"uc", Mobile, false},
		"Opera/9.80 (Windows NT 6.1; WOW64) Presto/2.12.388 Version/12.18":                                                                                                      {"opera", Desktop, false},
		"Opera/9.80 (Android; Opera Mini/36.2.2254/119.132; U; id) Presto/2.12.423 Version/12.16":                                                                               {"opera", Mobile, false},
	} {
		if got := Classify(header); got.Bot || got.Device != want.Device || got.Browser != want.Browser {
			t.Errorf("got %+v, want %+v: %s", got, want, header)
		}
	}
	for _, header := range []string{"", "-", "curl/8.5.0", "python-requests/2.32.0", "Go-http-client/2.0", "WhatsApp/2.23.20.0", windows + " SomethingNew/1.0", "Mozilla/5.0"} {
		if got := Classify(header); !got.Bot || got.Device != BotDevice {
			t.Errorf("got %+v, want a bot: %q", got, header)
		}
	}
}

func TestTheAgentCacheForgetsAndStaysRight(t *testing.T) {
	cache := newRecent(Classify)
	for i := range 3 * recentGeneration {
		header := "somebot/" + string(rune('a'+i%26)) + time.Duration(i).String()
		if !cache.of(header).Bot {
			t.Fatalf("%s is no bot", header)
		}
		if got := len(cache.young) + len(cache.old); got > 2*recentGeneration {
			t.Fatalf("the cache holds %d agents, want at most %d", got, 2*recentGeneration)
		}
	}
}

// A cached agent costs no parse: that is what keeps ten thousand clicks a
// second off the drainer's back.
func BenchmarkClassify(b *testing.B) {
	const header = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/152.0.0.0 Safari/537.36 Edg/152.0.0.0"
	b.Run("parsed", func(b *testing.B) {
		for b.Loop() {
			Classify(header)
		}
	})
	cache := newRecent(Classify)
	b.Run("cached", func(b *testing.B) {
		for b.Loop() {
			cache.of(header)
		}
	})
}
