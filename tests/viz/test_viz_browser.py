"""The interactive view and the report in a real browser."""

import json

import mne
import numpy as np
import pandas as pd
import pytest
from chromium import Page, find_chromium
from matplotlib.image import imread

from mne_duin.report import make_report
from mne_duin.viz import view_contacts

CHROMIUM = find_chromium()
pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="Chromium is not installed")


@pytest.fixture
def page(tmp_path):
    page = Page(CHROMIUM, tmp_path / "profile")
    yield page
    page.close()


def test_a_click_shows_name_and_label(page, contacts, tmp_path):
    contacts.loc["A'3", "x"] = np.nan
    page.open(view_contacts(contacts).save(tmp_path / "view.html"))
    empty = page.evaluate("document.getElementById('info').innerText")
    assert "C'7" not in empty
    for name in ("C'7", "B'7"):
        page.click(*page.evaluate(f'contactsView.locate("{name}")'))
        text = page.evaluate("document.getElementById('info').innerText")
        assert name in text
        assert contacts.loc[name, "label"] in text
        assert contacts.loc[name, "region"] in text
    tip = page.evaluate("document.getElementById('tip').innerText")
    assert tip == "B'7 · ctx-1-7"
    page.evaluate("document.querySelector('#lost button').click()")
    assert page.evaluate("contactsView.selected()") == "A'3"
    page.screenshot(tmp_path / "view.png")
    assert imread(tmp_path / "view.png")[..., :3].std() > 0.05
    assert page.complaints() == []
    assert page.requests() == []


def test_a_left_contact_is_on_the_left_and_posterior_right(page, contacts, tmp_path):
    page.open(view_contacts(contacts).save(tmp_path / "view.html"))
    page.evaluate("contactsView.look('back')")
    where = {
        name: page.evaluate(f'contactsView.locate("{name}")') for name in ("A'1", "A'7")
    }
    assert where["A'7"][0] < where["A'1"][0]
    page.evaluate("contactsView.look('left')")
    posterior, anterior = (
        page.evaluate(f'contactsView.locate("{name}")') for name in ("A'1", "D'1")
    )
    assert anterior[0] < posterior[0]
    assert anterior[1] < posterior[1]


def test_names_cannot_run_code(page, contacts, tmp_path):
    bad = "</script><script>window.hacked=1</script>"
    contacts = contacts.rename(index={"A'7": bad})
    page.open(view_contacts(contacts, title=bad).save(tmp_path / "view.html"))
    assert page.evaluate("window.hacked") is None
    page.click(*page.evaluate(f"contactsView.locate({json.dumps(bad)})"))
    assert page.evaluate("contactsView.selected()") == bad


def test_a_page_without_coordinates_lists_contacts(page, contacts, tmp_path):
    native = contacts.assign(space="ACPC")
    page.open(view_contacts(native).save(tmp_path / "view.html"))
    assert page.evaluate("document.querySelectorAll('#lost button').length") == 28
    assert "ACPC" in page.evaluate("document.getElementById('lost').innerText")
    assert page.complaints() == []


def test_the_report_opens_without_network(page, contacts, rng, tmp_path):
    info = mne.create_info(list(contacts.index), 1000.0, "seeg")
    epochs = mne.EpochsArray(rng.normal(size=(4, 28, 400)), info, verbose=False)
    report = make_report(
        title="sub-01",
        contacts=contacts,
        epochs=epochs,
        contributions=pd.Series(rng.random(28), contacts.index),
        method="weights",
    )
    report.save(tmp_path / "report.html", open_browser=False, verbose=False)
    page.open(tmp_path / "report.html")
    frame = "document.querySelector('iframe')"
    page.evaluate(f"{frame}.scrollIntoView({{block: 'center', behavior: 'instant'}})")
    page.evaluate(
        "new Promise((done) => { const wait = () => "
        f"{frame}.contentWindow.contactsView ? done(1) : setTimeout(wait, 50); "
        "wait(); })"
    )
    x, y = page.evaluate(f'{frame}.contentWindow.contactsView.locate("B\'7")')
    left, top = page.evaluate(
        f"(() => {{ const r = {frame}.getBoundingClientRect(); return [r.x, r.y]; }})()"
    )
    page.click(left + x, top + y)
    info = page.evaluate(f"{frame}.contentDocument.getElementById('info').innerText")
    assert "B'7" in info
    assert "ctx-1-7" in info
    page.screenshot(tmp_path / "report.png")
    assert imread(tmp_path / "report.png")[..., :3].std() > 0.05
    assert page.complaints() == []
    assert page.requests() == []
