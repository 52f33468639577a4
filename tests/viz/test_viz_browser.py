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


@pytest.mark.slow
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


@pytest.mark.slow
def test_sides_are_marked_and_cover_each_other(page, make_contacts, tmp_path):
    """L, R, A, P stand where they are; from a side only its contacts are seen."""
    contacts = make_contacts(side=0)
    page.open(view_contacts(contacts).save(tmp_path / "view.html"))
    left = {name for name in contacts.index if "'" in name}
    for view, marks, drawn in (
        ("left", "AP", left),
        ("right", "AP", set(contacts.index) - left),
        ("top", "LRAP", set(contacts.index)),
        ("back", "LR", set(contacts.index)),
    ):
        page.evaluate(f"contactsView.look('{view}')")
        assert set(page.evaluate("contactsView.marks()")) == set(marks)
        assert set(page.evaluate("contactsView.drawn()")) == drawn
    page.evaluate("contactsView.look('left')")
    note = page.evaluate("document.getElementById('aside-note').innerText")
    assert "14 contacts of the other hemisphere" in note
    assert page.complaints() == []


@pytest.mark.slow
def test_chosen_contacts_are_a_list_for_picks(page, contacts, tmp_path):
    page.open(view_contacts(contacts).save(tmp_path / "view.html"))
    for name in ("C'7", "A'7", "B'7", "A'7"):
        page.click(*page.evaluate(f'contactsView.locate("{name}")'))
    text = page.evaluate("document.getElementById('list').value")
    assert json.loads(text) == ["B'7", "C'7"]
    page.evaluate("document.getElementById('clear').click()")
    assert page.evaluate("contactsView.picks()") == "[]"


@pytest.mark.slow
@pytest.mark.parametrize("width", [390, 1200])
def test_long_measures_do_not_squeeze_their_values(
    page, contacts, rng, width, tmp_path
):
    name = "increase in loss when permuted, mean over many held-out trials"
    values = pd.DataFrame({name: rng.random(28), "other": 1.0}, contacts.index)
    size = {"width": width, "height": 800, "deviceScaleFactor": 1, "mobile": False}
    page.send("Emulation.setDeviceMetricsOverride", **size)
    page.open(view_contacts(contacts, values=values).save(tmp_path / "view.html"))
    page.evaluate("contactsView.recolor(1)")
    assert page.evaluate("contactsView.coloring()") == name
    page.click(*page.evaluate('contactsView.locate("C\'7")'))
    rows = page.evaluate(
        "[...document.querySelectorAll('#info dd')].map((d) => [d.innerText, "
        "d.getBoundingClientRect().width])"
    )
    shown = dict(rows)
    value = values.loc["C'7", name]
    assert f"{value:#.3g}" in shown
    assert all(wide > 60 for wide in shown.values())
    assert page.evaluate("document.documentElement.scrollWidth") <= width


@pytest.mark.slow
def test_a_slider_steps_through_time_with_one_scale(page, contacts, rng, tmp_path):
    times = np.arange(-0.1, 0.3, 0.1)
    values = pd.DataFrame(rng.normal(size=(28, 4)), contacts.index, times)
    page.open(view_contacts(values=values, contacts=contacts, label="dB").save(
        tmp_path / "view.html"
    ))  # fmt: skip
    assert page.evaluate("document.getElementById('steps').offsetHeight") > 0
    ends = []
    for step in range(4):
        page.evaluate(
            f"(() => {{ const s = document.getElementById('step'); s.value = {step}; "
            "s.dispatchEvent(new Event('input')); })()"
        )
        assert page.evaluate("contactsView.coloring()") == f"{times[step]:.3f} s"
        ends.append(page.evaluate("document.getElementById('legend').innerText"))
    assert len(set(ends)) == 1
    assert "dB" in ends[0]
    assert page.complaints() == []


def test_names_cannot_run_code(page, contacts, tmp_path):
    bad = "</script><script>window.hacked=1</script>"
    contacts = contacts.rename(index={"A'7": bad})
    page.open(view_contacts(contacts, title=bad).save(tmp_path / "view.html"))
    assert page.evaluate("window.hacked") is None
    page.click(*page.evaluate(f"contactsView.locate({json.dumps(bad)})"))
    assert page.evaluate("contactsView.selected()") == bad


@pytest.mark.slow
def test_a_page_without_coordinates_lists_contacts(page, contacts, tmp_path):
    native = contacts.assign(space="ACPC")
    page.open(view_contacts(native).save(tmp_path / "view.html"))
    assert page.evaluate("document.querySelectorAll('#lost button').length") == 28
    assert "ACPC" in page.evaluate("document.getElementById('lost').innerText")
    assert page.complaints() == []


@pytest.mark.slow
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
    size = {"width": 390, "height": 800, "deviceScaleFactor": 1, "mobile": True}
    page.send("Emulation.setDeviceMetricsOverride", **size)
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    page.screenshot(tmp_path / "report.png")
    assert imread(tmp_path / "report.png")[..., :3].std() > 0.05
    assert page.complaints() == []
    assert page.requests() == []
