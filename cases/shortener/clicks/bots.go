package clicks

import (
	"regexp"
	"strings"
)

// soundsLikeBot reports whether a User-Agent header is that of a program that
// runs without a person in front of it.
//
// It holds no list of bots: there are thousands, and new ones every week. It
// knows instead what browsers say, which is few and strict, and takes for a bot
// what says something else: who doesn't begin like a browser, who names no
// engine, who gives an address to complain to, who calls itself a bot, and on
// the desktop, where apps have no browser views, who adds a word of its own.
func soundsLikeBot(header string) bool {
	switch {
	case oldBrowser.MatchString(header):
		return false
	case !browserStart.MatchString(header), !engine.MatchString(header):
		return true
	}
	said := notBots.Replace(header)
	if contact.MatchString(said) || botWord.MatchString(said) {
		return true
	}
	if strings.Contains(header, "compatible") && !strings.Contains(header, "compatible; MSIE") {
		return true
	}
	return desktop.MatchString(header) && saysMore(header)
}

var (
	// Every browser of the last twenty years begins so.
	browserStart = regexp.MustCompile(`^Mozilla/[45]\.0 \(`)

	// And names the engine that renders.
	engine = regexp.MustCompile(`AppleWebKit/|Gecko/|Goanna/|Trident/|Presto/|KHTML/|; MSIE \d|Servo/`)

	// Those that don't: Opera before 15, and phones before the smart ones.
	oldBrowser = regexp.MustCompile(`^Opera/\d[^@+]*(Presto/|Opera Mini|Opera Mobi)[^@+]*$` +
		`|^(Nokia|BlackBerry|SAMSUNG|SonyEricsson|LG|MOT)[-A-Za-z0-9._]*/[^@+]*(MIDP|Profile/|UCBrowser)[^@+]*$`)

	// An address where to complain: no browser has one.
	contact = regexp.MustCompile(`(?i)https?:|www\.|[a-z0-9._-]+@[a-z0-9-]+\.|\+ ?[a-z]|[a-z0-9]\.(com|org|net|io|info|dev)\b`)

	// What programs call themselves. Together with contact this is what tells
	// a bot in a browser's clothes.
	botWord = regexp.MustCompile(`(?i)bot|crawl|spider|slurp|scrap|fetch|headless|phantom|selenium|playwright|puppeteer|webdriver|cypress` +
		`|lighthouse|page ?speed|preview|prefetch|prerender|screenshot|monitor|uptime|synthetic|scanner|validator|auditor|archiver`)

	// A phone's maker with a bot's word in its name.
	notBots = strings.NewReplacer("CUBOT", "", "Cubot", "", "cubot", "")

	// Systems of desktop computers. Apps on phones add words of their own to
	// the browser's; on desktops hardly any do.
	desktop = regexp.MustCompile(`^Mozilla/5\.0 \((Windows NT|Windows;|Macintosh|X11|Unknown|Linux\b)`)
	phone   = regexp.MustCompile(`Android|Mobile|Tizen|Web0S|SMART-TV|SmartTV|HbbTV|NetCast|CrKey|Tablet|Silk|Kindle|MSIE|Trident`)

	// Everything that desktop browsers say of the machine they run on ...
	platform = regexp.MustCompile(`^(Windows( NT [\d.]+)?|Win64|WOW64|x64|x86|ARM(64)?|Macintosh|(Intel|PPC) Mac OS X[ \d._]*|X11|U|N|I` +
		`|(Linux|FreeBSD|OpenBSD|NetBSD|DragonFly|SunOS)( [\w ()-]+)?|CrOS [\w. ]+|Ubuntu[\w./ ]*|Fedora[\w./ ]*|Debian|Mint|Arch|Wayland` +
		`|rv:[\d.a-z]+|[a-z]{2}([-_][A-Za-z]{2})?|en|Xbox( One)?|Touch|Tablet PC [\d.]+|KHTML, like Gecko|Edition [\w .-]+|.NET.*|Konqueror.*|like Gecko)$`)

	// ... and of themselves. Chrome's family appends its member's name.
	products = regexp.MustCompile(`^(Mozilla|AppleWebKit|Gecko|Goanna|KHTML|Chrome|Chromium|HeadlessChrome|Safari|Version|Mobile|Firefox|Edge?|EdgA|OPR|OPX|OPT|Opera|Presto` +
		`|Vivaldi|YaBrowser|Yowser|YaApp|YaSearchBrowser|Atom|Whale|Brave|Iron|Ubuntu|Fedora|Debian|Iceweasel|SeaMonkey|PaleMoon|Waterfox|LibreWolf|Basilisk|IceCat|Camino|Epiphany|Konqueror|Falkon|QtWebEngine` +
		`|Orion|Floorp|Zen|Kinza|K-Meleon|Comodo_Dragon|IceDragon|Lunascape|CentBrowser|Wavebox|Thunderbird|OPRGX|EdgiOS|OPiOS|QuarkPC|Maxthon|MxBrowser|QQBrowser|UCBrowser|UBrowser|Sogou|MetaSr|360SE|QIHU|LBBROWSER|TheWorld|Quark|2345Explorer|SLBrowser|BIDUBrowser|Electron|Slack|Teams|Discord|Code|Notion|Obsidian|Signal` +
		`|Avast|AVG|AvastSecureBrowser|CCleaner|Norton|Avira|Ddg|DuckDuckGo|Sidekick|Arc|Sleipnir|Coc_Coc_Browser|coc_coc_browser|Cốc|Silk|Swing|Puffin|Midori|OculusBrowser|GLS|Agency|Viewer|Unique|Config|Trailer|Herring|Ecosia|AtContent|LikeWise|OpenWave|AOL|ADG|Mypal|Klar|Focus|PlayStation|Nintendo|NintendoBrowser|Steam|Valve|GameOverlay|SamsungBrowser|wv|like|CriOS|FxiOS|std-\d|WebKitGTK|Instagram|NAVER|KAKAOTALK|GSA|Snapchat|Pinterest|FBAN|FBAV|FB_IAB|FBIOS|LinkedInApp|WhatsApp|BytedanceWebview|musical_ly|MicroMessenger|WindowsWechat|wxwork|Line|LINE)$`)
)

// saysMore reports whether a desktop browser's header has a word that browsers
// don't use.
func saysMore(header string) bool {
	if phone.MatchString(header) {
		return false
	}
	open, end := strings.IndexByte(header, '('), matching(header)
	if end < 0 {
		return true
	}
	for part := range strings.SplitSeq(header[open+1:end], ";") {
		if part = strings.TrimSpace(part); part != "" && !platform.MatchString(part) {
			return true
		}
	}
	for word := range strings.FieldsSeq(comment.ReplaceAllString(header[end+1:], " ")) {
		name, _, _ := strings.Cut(strings.Trim(word, "[];,"), "/")
		if name != "" && !number.MatchString(name) && !products.MatchString(name) {
			return true
		}
	}
	return false
}

var (
	comment = regexp.MustCompile(`\((KHTML, like Gecko|Edition [^)]*)\)`)
	number  = regexp.MustCompile(`^[\d.]+$`)
)

// matching returns where the header's first bracket closes, or -1.
func matching(header string) int {
	depth := 0
	for i, c := range header {
		switch c {
		case '(':
			depth++
		case ')':
			if depth--; depth == 0 {
				return i
			}
		}
	}
	return -1
}
