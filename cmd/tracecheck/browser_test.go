package main

import (
	"bytes"
	"context"
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/chromedp"
)

// newBrowser starts a headless Chromium. Without one, or with -short, the test is
// skipped, but not in CI: .ci/tools installs it. Tests that call it are named
// TestBrowser…
func newBrowser(t *testing.T) context.Context {
	t.Helper()
	if testing.Short() && os.Getenv("CI") == "" {
		t.Skip("no browser is started with -short")
	}
	var path string
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome", "chrome"} {
		if p, err := exec.LookPath(name); err == nil {
			path = p
			break
		}
	}
	if path == "" {
		missing(t, "chromium")
	}
	opts := append(chromedp.DefaultExecAllocatorOptions[:], chromedp.ExecPath(path), chromedp.NoSandbox,
		chromedp.Flag("disable-dev-shm-usage", true), chromedp.WindowSize(1200, 900))
	ctx, cancel := chromedp.NewExecAllocator(context.Background(), opts...)
	t.Cleanup(cancel)
	ctx, cancel = context.WithTimeout(ctx, 15*time.Minute)
	t.Cleanup(cancel)
	ctx, cancel = chromedp.NewContext(ctx)
	t.Cleanup(cancel)
	if err := chromedp.Do(ctx, chromedp.Navigate("about:blank")); err != nil {
		t.Fatalf("%s does not start: %v", path, err)
	}
	return ctx
}

// A tab is a page of the browser, with what it has complained of.
type tab struct {
	context.Context
	mu         sync.Mutex
	complaints []string
	requests   []string
}

// open opens a report, written to a file, as somebody would who clicks on it.
func open(t *testing.T, browser context.Context, html []byte) *tab {
	t.Helper()
	file := filepath.Join(t.TempDir(), "report.html")
	if err := os.WriteFile(file, html, 0o666); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := chromedp.NewContext(browser)
	p := &tab{Context: ctx}
	console := chromedp.Console(ctx) // exceptions and the browser's own log too
	requests := chromedp.Events(ctx, network.RequestWillBeSent)
	if _, err := chromedp.Call(ctx, network.Enable, network.EnableParams{}); err != nil {
		t.Fatal(err)
	}
	var readers sync.WaitGroup
	readers.Go(func() {
		for m, err := range console {
			if err != nil {
				return
			}
			p.mu.Lock()
			p.complaints = append(p.complaints, m.Text)
			p.mu.Unlock()
		}
	})
	readers.Go(func() {
		for r, err := range requests {
			if err != nil {
				return
			}
			p.mu.Lock()
			p.requests = append(p.requests, r.Request.URL)
			p.mu.Unlock()
		}
	})
	t.Cleanup(func() {
		cancel()
		readers.Wait()
	})
	u := url.URL{Scheme: "file", Path: file}
	if err := chromedp.Do(ctx, chromedp.Navigate(u.String())); err != nil {
		t.Fatal(err)
	}
	return p
}

// quiet fails the test if the page has complained, or asked the network.
func (p *tab) quiet(t *testing.T) {
	t.Helper()
	time.Sleep(50 * time.Millisecond) // what is on its way
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, c := range p.complaints {
		t.Errorf("the browser says: %s", c)
	}
	for _, r := range p.requests {
		if !strings.HasPrefix(r, "file:") && !strings.HasPrefix(r, "about:srcdoc") {
			t.Errorf("the page asks for %s", r)
		}
	}
}

// eval is the value of an expression in the page.
func eval[T any](t *testing.T, p *tab, js string) T {
	t.Helper()
	v, err := chromedp.Run(p, chromedp.Evaluate[T](js))
	if err != nil {
		t.Fatalf("%s: %v", js, err)
	}
	return v
}

// until waits for js to be true.
func (p *tab) until(t *testing.T, js string) {
	t.Helper()
	if _, err := chromedp.Run(p, chromedp.Poll[bool](js, chromedp.WithPollingInterval(20*time.Millisecond), chromedp.WithPollingTimeout(2*time.Minute))); err != nil {
		p.quiet(t)
		t.Fatalf("%s: %v", js, err)
	}
}

// Every sample's page opens from a file, and each of its threads', with no
// complaint; what a timeline draws are the operations of its table.
func TestBrowserSamples(t *testing.T) {
	browser := newBrowser(t)
	// Those of formats have the same messages, wrapped in another format.
	eachSampleIn(t, []string{"traces/samples"}, func(t *testing.T, base string, args []string) {
		p := open(t, browser, as("html", args))
		type page struct {
			Lives   int
			Verdict string
		}
		eval[any](t, p, `for (const l of document.querySelectorAll('details.life')) l.open = true; 0`)
		p.until(t, `[...document.querySelectorAll('details.life')].every((l) => l.querySelector('table'))`)
		for i := 0; ; i++ {
			more := eval[bool](t, p, fmt.Sprintf(`(() => {
				const all = document.querySelectorAll('.timeline')
				return all.length > %d
			})()`, i))
			if !more {
				break
			}
			p.until(t, fmt.Sprintf(`(() => {
				const place = document.querySelectorAll('.timeline')[%d]
				place.scrollIntoView() // again: what is above may just have got its size
				const life = place.closest('.life')
				const rows = life.querySelectorAll(':scope > details tbody tr').length
				return Number(life.dataset.drawn) === rows && life.querySelector('iframe').offsetHeight > 100 && Number(life.dataset.width) > 100
			})()`, i))
		}
		r := eval[page](t, p, `({
			lives: document.querySelectorAll('details.life').length,
			verdict: document.querySelector('.verdict').textContent,
		})`)
		text := string(as("github", args))
		if want := text[strings.LastIndex(text, "verdict: "):]; r.Verdict+"\n" != want {
			t.Errorf("verdict %q, want %q", r.Verdict, want)
		}
		if n := bytes.Count(as("ndjson", args), []byte("\n")) - 1; r.Lives != n {
			t.Errorf("%d threads, want %d", r.Lives, n)
		}
		p.quiet(t)
	})
}

// A log's words are text in the page, whatever they are.
func TestBrowserLogText(t *testing.T) {
	browser := newBrowser(t)
	evil := `</script><img/src=x/onerror=document.title='owned'><script>document.title='owned'</script><!--`
	name := `<b>&amp;"'`
	src := "[    1.000000] Thread Creating...\n[    1.000001] func " + name + "\n[    1.000002] func t2 " + evil + "\n" +
		"[    1.000003] func " + evil + "\n[    1.000004] func " + name + "\n"
	var out, errs bytes.Buffer
	run(strings.NewReader(src), &out, &errs, []string{"--format", "html"})
	p := open(t, browser, out.Bytes())
	eval[any](t, p, `for (const l of document.querySelectorAll('details.life')) l.open = true; 0`)
	p.until(t, `[...document.querySelectorAll('details.life')].every((l) => l.querySelector('table'))`)
	type page struct {
		Title, Text string
		Bad         int
	}
	r := eval[page](t, p, `({title: document.title, text: document.body.innerText, bad: document.querySelectorAll('img, main b b').length})`)
	if r.Title != "tracecheck" || r.Bad != 0 {
		t.Errorf("title %q, %d foreign elements", r.Title, r.Bad)
	}
	for _, s := range []string{name, "onerror="} {
		if !strings.Contains(r.Text, s) {
			t.Errorf("%q is not in the page's text:\n%s", s, r.Text)
		}
	}
	p.quiet(t)
}

// manyThreads is a log of n threads; every tenth was stopped before it ran, and
// every hundredth acts after its stop.
func manyThreads(n int) string {
	var b strings.Builder
	line := func(format string, args ...any) {
		fmt.Fprintf(&b, "[%5d.%06d] %s\n", b.Len()/1e6, b.Len()%1e6, fmt.Sprintf(format, args...))
	}
	line("Thread Creating...")
	for i := range n {
		if i%10 != 1 {
			line("func t%d", i)
		}
		line("Stopping t%d", i)
		if i%10 != 1 {
			line("func t%d return 0", i)
		}
		line("t%d stopped", i)
		if i%100 == 2 {
			line("func t%d", i)
		}
	}
	return b.String()
}

func TestBrowserManyThreads(t *testing.T) {
	browser := newBrowser(t)
	for _, n := range []int{1, 5000} {
		t.Run(fmt.Sprint(n), func(t *testing.T) {
			var out, errs bytes.Buffer
			run(strings.NewReader(manyThreads(n)), &out, &errs, []string{"--format", "html"})
			began := time.Now()
			p := open(t, browser, out.Bytes())
			p.until(t, `document.readyState === 'complete' && document.getElementById('count').textContent !== ''`)
			t.Logf("%d threads: %d bytes, ready in %v, of which the page took %.0f ms", n, out.Len(), time.Since(began).Round(time.Millisecond),
				eval[float64](t, p, `performance.getEntriesByType('navigation')[0].duration`))
			type counts struct{ Lives, Shown, Frames int }
			var got counts
			state := `({
				lives: document.querySelectorAll('details.life').length,
				shown: [...document.querySelectorAll('details.life')].filter((l) => !l.hidden).length,
				frames: document.querySelectorAll('iframe').length,
			})`
			got = eval[counts](t, p, state)
			if got.Lives != n || got.Shown != n || got.Frames > 20 {
				t.Errorf("%+v", got)
			}
			// The last thread's timeline is drawn when somebody comes to it.
			eval[any](t, p, `(() => { const l = [...document.querySelectorAll('details.life')].pop(); l.open = true; l.scrollIntoView() ; return 0 })()`)
			p.until(t, `(() => { const l = [...document.querySelectorAll('details.life')].pop(); l.scrollIntoView(); return Number(l.dataset.drawn) >= 4 })()`)
			if n > 1 {
				eval[any](t, p, `(() => { const f = document.getElementById('filter'); f.elements.outcome.value = 'stopped_before_run'; f.dispatchEvent(new Event('input')) ; return 0 })()`)
				got = eval[counts](t, p, state)
				if got.Shown != n/10 {
					t.Errorf("filtered: %+v", got)
				}
				eval[any](t, p, `(() => { const f = document.getElementById('filter'); f.elements.outcome.value = ''; f.elements.fits.value = 'no'; f.dispatchEvent(new Event('input')) ; return 0 })()`)
				got = eval[counts](t, p, state)
				if got.Shown != n/100 {
					t.Errorf("filtered: %+v", got)
				}
				eval[any](t, p, `document.getElementById('open').click(); 0`)
				got = eval[counts](t, p, state)
				if got.Frames > 40 {
					t.Errorf("all opened at once: %+v", got)
				}
			}
			p.quiet(t)
		})
	}
}

// The page is for keyboards, screen readers, the dark, and paper too.
func TestBrowserPageForEverybody(t *testing.T) {
	browser := newBrowser(t)
	b, err := os.ReadFile("../../traces/samples/bad-entered-after-stopped.dmesg")
	if err != nil {
		t.Fatal(err)
	}
	var out, errs bytes.Buffer
	run(bytes.NewReader(b), &out, &errs, []string{"--format", "html"})
	p := open(t, browser, out.Bytes())
	p.until(t, `document.querySelector('.life[open]').dataset.drawn > 0`)
	// Names and roles, as far as a program can tell.
	wrong := eval[[]string](t, p, `[
		...[...document.querySelectorAll('input, select')].filter((e) => !e.labels.length).map((e) => 'no label: ' + e.name),
		...[...document.querySelectorAll('iframe')].filter((e) => !e.title).map(() => 'frame without title'),
		...[...document.querySelectorAll('table')].filter((e) => !e.caption).map(() => 'table without caption'),
		...[...document.querySelectorAll('button')].filter((e) => !e.textContent).map(() => 'button without words'),
		...(document.documentElement.lang ? [] : ['no language']),
		...(document.querySelectorAll('h1').length === 1 && document.querySelectorAll('main').length === 1 ? [] : ['h1 and main: want one each']),
	]`)
	for _, w := range wrong {
		t.Error(w)
	}
	// Text stands out from what is behind it, at least 4.5 to 1 (WCAG AA).
	contrast := `(() => {
		const lum = (c) => { const v = c.match(/[\d.]+/g).slice(0, 3).map((x) => { x /= 255; return x <= 0.03928 ? x / 12.92 : ((x + 0.055) / 1.055) ** 2.4 }); return 0.2126 * v[0] + 0.7152 * v[1] + 0.0722 * v[2] }
		const back = (e) => { for (; e; e = e.parentElement) { const c = getComputedStyle(e).backgroundColor; if (!/, 0\)$/.test(c)) return c } return 'rgb(255, 255, 255)' }
		const bad = []
		for (const e of document.querySelectorAll('body *')) {
			if (!e.innerText || e.children.length && ![...e.childNodes].some((n) => n.nodeType === 3 && n.data.trim())) continue
			const a = lum(getComputedStyle(e).color), b = lum(back(e))
			const ratio = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05)
			if (ratio < 4.5) bad.push(e.tagName + ' ' + e.className + ' ' + ratio.toFixed(1))
		}
		return bad
	})()`
	shots := os.Getenv("TRACECHECK_SHOTS") // a folder for pictures to look at
	for _, scheme := range []string{"light", "dark"} {
		if _, err := chromedp.Call(p, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: scheme}}}); err != nil {
			t.Fatal(err)
		}
		for _, w := range eval[[]string](t, p, contrast) {
			t.Errorf("%s: contrast %s", scheme, w)
		}
		if shots != "" {
			time.Sleep(300 * time.Millisecond)
			png, err := chromedp.Run(p, chromedp.FullScreenshot(100))
			if err != nil {
				t.Fatal(err)
			}
			os.WriteFile(filepath.Join(shots, scheme+".png"), png, 0o666)
		}
	}
	if _, err := chromedp.Call(p, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{}); err != nil {
		t.Fatal(err)
	}
	printed, err := chromedp.Call(p, page.PrintToPDF, page.PrintToPDFParams{})
	pdf := printed.Data
	if err != nil || !bytes.HasPrefix(pdf, []byte("%PDF")) {
		t.Errorf("printed: %d bytes, %v", len(pdf), err)
	}
	if shots != "" {
		os.WriteFile(filepath.Join(shots, "print.pdf"), pdf, 0o666)
	}
	p.quiet(t)
}
