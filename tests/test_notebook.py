"""What a notebook shows: tables for results, one picture per figure, no warnings."""

import pytest

# A kernel of its own starts and imports everything.
pytestmark = pytest.mark.slow

CELLS = [
    """
import mne, numpy as np, mne_duin as md
rng = np.random.default_rng(0)
names = ["A1", "A2", "A3", "B1", "B2"]
info = mne.create_info(names, 1000.0, "seeg")
X = mne.EpochsArray(1e-5 * rng.normal(size=(16, 5, 300)), info, verbose=False)
y = np.repeat(["a", "b"], 8)
places = {name: (-40.0 - 3 * k, -20.0, 8.0) for k, name in enumerate(names)}
contacts = md.make_contacts(places, space="MNI152")
clf = md.DuINClassifier(n_layers=1, max_iter=2, verbose=False, random_state=0)
""",
    "clf.fit(X, y)",
    "clf.history_",
    "md.evaluate(clf, X, y, cv=2, random_state=0, verbose=False)",
    "contacts",
    "figure = clf.plot_spatial_filters(contacts, n_filters=2)",
    "figure",
    "md.plot_contacts(contacts)",
    "md.plot_contacts(contacts); None",
]


@pytest.fixture(scope="module")
def outputs():
    """The outputs of every cell."""
    # Not above: to collect the quick tests does not take these imports.
    nbformat = pytest.importorskip("nbformat")
    nbconvert = pytest.importorskip("nbconvert.preprocessors")
    pytest.importorskip("ipykernel")
    cells = [nbformat.v4.new_code_cell(source) for source in CELLS]
    book = nbformat.v4.new_notebook(cells=cells)
    nbconvert.ExecutePreprocessor(timeout=300, kernel_name="python3").preprocess(book)
    return [cell.outputs for cell in book.cells]


def html(cell):
    return "".join(one.data.get("text/html", "") for one in cell if "data" in one)


def n_pictures(cell):
    return sum("image/png" in one.data for one in cell if "data" in one)


def test_nothing_is_said_that_was_not_asked_for(outputs):
    streams = [one.text for cell in outputs for one in cell if "text" in one]
    assert "IProgress" not in " ".join(streams)
    assert outputs[0] == []


def test_estimators_show_what_the_preset_gives(outputs):
    assert "parameters from preset=&#x27;quick&#x27;" in html(outputs[1])
    assert "<td>batch_size</td><td>32</td>" in html(outputs[1])
    # A value that was given does not come from the preset.
    assert "<td>max_iter</td>" not in html(outputs[1]).split("from preset")[1]


def test_histories_results_and_contacts_are_tables(outputs):
    for cell, words in (
        (2, ("History of 2 passes", "train_loss")),
        (3, ("95 % interval", "chance", "accuracy")),
        (4, ("shaft", "hemisphere")),
    ):
        assert "<table" in html(outputs[cell])
        assert all(word in html(outputs[cell]) for word in words)


def test_every_figure_is_drawn_once(outputs):
    assert [n_pictures(cell) for cell in outputs[5:]] == [1, 1, 1, 1]
