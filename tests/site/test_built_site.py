"""The built pages: links that lead somewhere, a quiet console, readable on a phone.

Run by ``make check-docs``, after ``make docs``.
"""

from functools import cache
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest
from chromium import Page, find_chromium

SITE = Path(__file__).parents[2] / "doc" / "_build" / "html"
PAGES = sorted(p for p in SITE.rglob("*.html") if "_static" not in p.parts)
PHONE = {"width": 390, "height": 844, "deviceScaleFactor": 1, "mobile": True}
CHROMIUM = find_chromium()
needs_browser = pytest.mark.skipif(CHROMIUM is None, reason="Chromium is not installed")


class Links(HTMLParser):
    """Targets and anchors of one page."""

    def __init__(self, path):
        super().__init__()
        self.targets, self.anchors = [], {""}
        self.feed(path.read_text(encoding="utf-8"))

    def handle_starttag(self, tag, attrs):
        attrs = dict(attrs)
        if tag == "a" and "href" in attrs:
            self.targets.append(attrs["href"])
        if tag == "img":
            self.targets.append(attrs["src"])
        self.anchors |= {attrs[key] for key in ("id", "name") if attrs.get(key)}


@cache
def links(path):
    return Links(path)


@pytest.fixture(scope="module")
def page(tmp_path_factory):
    page = Page(CHROMIUM, tmp_path_factory.mktemp("profile"), timeout=600)
    yield page
    page.close()


def name(path):
    return str(path.relative_to(SITE))


def test_the_site_is_built():
    assert {"index.html", "api.html"} <= {name(path) for path in PAGES}


@pytest.mark.parametrize("path", PAGES, ids=name)
def test_every_internal_link_leads_somewhere(path):
    broken = []
    for target in links(path).targets:
        parts = urlsplit(target)
        if parts.scheme or parts.netloc:
            continue
        file = (path.parent / unquote(parts.path)).resolve() if parts.path else path
        if not file.is_file():
            broken.append(target)
        elif file.suffix == ".html" and parts.fragment:
            if unquote(parts.fragment) not in links(file).anchors:
                broken.append(target)
    assert broken == []


@needs_browser
@pytest.mark.parametrize("path", PAGES, ids=name)
def test_a_page_is_quiet_and_fits_a_phone(path, page):
    page.events.clear()
    page.send("Emulation.setDeviceMetricsOverride", **PHONE)
    page.open(path)
    assert page.complaints() == []
    assert page.requests() == []
    assert page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]
    # The container scrolls too, but nobody expects text to be there.
    wide = page.evaluate(
        "[...document.querySelectorAll('.bd-article-container *')].filter(e => {"
        "  const box = e.getBoundingClientRect();"
        "  if (box.width === 0 || box.right <= innerWidth + 1) return false;"
        "  for (let p = e; !p.matches('.bd-article-container'); p = p.parentElement)"
        "    if (getComputedStyle(p).overflowX !== 'visible') return false;"
        "  return true; }).map(e => e.outerHTML.slice(0, 120))"
    )
    assert wide == []
