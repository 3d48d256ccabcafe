"""The report in headless Chromium: it renders without errors, asks for nothing, runs nothing foreign, and copies."""

import os
import shutil
from itertools import pairwise

import numpy as np
import pytest

from oracles import Layer, check_layer
from reference import softmax

EVIL = "<img src=x onerror=\"document.title='owned'\"><script>document.title='owned'</script>"
SCHEMES = {
    "wide": {"viewport": {"width": 1280, "height": 900}},
    "phone": {"viewport": {"width": 390, "height": 844}, "has_touch": True, "is_mobile": True},
    "dark": {"viewport": {"width": 1280, "height": 900}, "color_scheme": "dark"},
}
# of WCAG 2: the relative luminance of the two colours, lighter over darker
CONTRASTS = """() => {
  const channel = (c) => (c /= 255) <= 0.03928 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4;
  const luminance = (c) => 0.2126 * channel(c[0]) + 0.7152 * channel(c[1]) + 0.0722 * channel(c[2]);
  const numbers = (text) => text.match(/[\\d.]+/g).map(Number);
  const behind = (e) => {
    for (; e; e = e.parentElement) {
      const c = numbers(getComputedStyle(e).backgroundColor);
      if (c.length < 4 || c[3] > 0) return c;
    }
    return [255, 255, 255];
  };
  const found = [];
  for (const e of document.querySelectorAll("h1, h2, h3, p, dd, dt, td, th, a, pre, button, figcaption, caption")) {
    if (!e.checkVisibility() || !e.textContent.trim() || e.classList.contains("over")) continue;
    const [a, b] = [numbers(getComputedStyle(e).color), behind(e)].map(luminance).sort((x, y) => y - x);
    found.push([(a + 0.05) / (b + 0.05), e.outerHTML.slice(0, 80)]);
  }
  return found;
}"""


def diagonal_alone(g, x):
    s = softmax(x)
    return s * (1 - s) * g


@pytest.fixture(scope="module")
def path(tmp_path_factory):
    """The page of a layer with a wrong gradient and a hostile name."""
    pytest.importorskip("jinja2", reason="Jinja2 is not installed")
    file = tmp_path_factory.mktemp("report") / "report.html"
    layer = Layer("softmax", forward=softmax, vjp=diagonal_alone, name=EVIL)
    check_layer(layer, oracles=["exact"], max_examples=10, dtypes=["float32"], seed=0).to_html(file)
    return file


@pytest.fixture(scope="module")
def browser():
    playwright = pytest.importorskip("playwright.sync_api", reason="Playwright is not installed")
    executable = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
    if executable is None:
        pytest.skip("no Chromium on the path")
    with playwright.sync_playwright() as p:
        # the sandbox needs a user of its own; the page is ours
        root = ["--no-sandbox"] if hasattr(os, "geteuid") and os.geteuid() == 0 else []
        launched = p.chromium.launch(executable_path=executable, args=root)
        yield launched
        launched.close()


@pytest.fixture(params=SCHEMES)
def opened(browser, path, request):
    """The page in a window of that kind, and what it said and asked for."""
    context = browser.new_context(**SCHEMES[request.param])
    context.grant_permissions(["clipboard-read", "clipboard-write"])
    page, seen = context.new_page(), []
    page.on("console", lambda message: seen.append(message.text))
    page.on("pageerror", lambda error: seen.append(str(error)))
    page.on("request", lambda asked: seen.append(asked.url))
    page.goto(path.as_uri())
    yield page, seen
    context.close()


def test_it_says_no_error_and_asks_for_nothing(opened, path):
    page, seen = opened
    assert seen == [path.as_uri()]
    assert page.title().startswith("FAILED: ")
    assert EVIL in page.inner_text("h1")


def test_no_scrolling_sideways(opened):
    page, _ = opened
    widths = page.evaluate("[document.documentElement.scrollWidth, document.documentElement.clientWidth]")
    assert widths[0] <= widths[1]


def test_text_stands_out_from_what_is_behind_it(opened):
    page, _ = opened
    contrasts = page.evaluate(CONTRASTS)
    assert len(contrasts) > 50
    assert min(contrasts)[0] >= 4.5, min(contrasts)


def test_the_copy_button_copies(opened):
    page, _ = opened
    button = page.locator("button.copy[data-copies^=snippet]").first
    button.click()
    page.wait_for_function("button => button.textContent === 'Copied'", arg=button.element_handle())
    copied = page.evaluate("navigator.clipboard.readText()")
    assert copied == page.locator("code[id^=snippet]").first.text_content()
    assert "import numpy as np" in copied


def test_a_failure_opens_by_keyboard(opened):
    page, _ = opened
    closed = page.locator("details.finding").nth(1)
    assert closed.get_attribute("open") is None
    closed.locator("summary").focus()
    page.keyboard.press("Enter")
    assert closed.get_attribute("open") is not None


def test_a_screen_reader_finds_its_way(opened):
    page, _ = opened
    levels = page.eval_on_selector_all("h1, h2, h3", "found => found.map(h => Number(h.tagName[1]))")
    assert levels[0] == 1
    assert all(later - earlier <= 1 for earlier, later in pairwise(levels))
    assert page.locator("main").count() == 1
    assert page.get_attribute("html", "lang") == "en"
    for table in page.locator("table").all():
        assert table.locator("th[scope]").count()
    unnamed = page.eval_on_selector_all("svg[role=img], [role=region]", "a => a.filter(e => !e.ariaLabel).length")
    assert unnamed == 0


def test_margins_and_elements_are_told_apart_without_colour(opened):
    page, _ = opened
    over = page.locator("td.over")
    assert over.count()
    assert all("!" in text for text in over.all_text_contents())
    assert all("!" not in text for text in page.locator(".heat td:not(.over)").all_text_contents())
    assert np.all(["gradient" in s for s in over.evaluate_all("a => a.map(e => getComputedStyle(e).backgroundImage)")])
