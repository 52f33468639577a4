"""Former names still work for one release, with a warning."""

import inspect

import numpy as np
import pytest

import mne_duin
from mne_duin.utils._moved import former_option, former_parameters

FS = ["assign_labels", "prepare_epochs", "read_epochs", "read_segments", "view_brain"]
SOURCE = ["ablate_words", "compare_words", "decode_words", "predict_words", "pretrain"]
SOURCE += ["prepare_epochs", "read_epochs", "read_segments"]
FORMER = [(name, "subject", "fs_subject") for name in FS]
FORMER += [(name, "labels", "label_source") for name in SOURCE]


@former_parameters(number="count", text="word")
def function(number, *, text="a"):
    """Return both."""
    return number, text


@pytest.mark.parametrize(
    ("keywords", "found"),
    [({"count": 1}, (1, "a")), ({"number": 1, "word": "b"}, (1, "b"))],
)
def test_a_former_parameter_means_the_new_one(keywords, found):
    with pytest.warns(FutureWarning, match="function: `(count|word)` is now `"):
        assert function(**keywords) == found


def test_both_names_are_one_too_many():
    with pytest.raises(TypeError, match="`count` is the former name of `number`"):
        function(number=1, count=2)
    with pytest.raises(TypeError, match="unexpected keyword argument 'other'"):
        function(1, other=2)
    assert list(inspect.signature(function).parameters) == ["number", "text"]


@pytest.mark.parametrize(("name", "before", "now"), FORMER)
def test_public_functions_take_former_names(name, before, now):
    public = getattr(mne_duin, name)
    parameters = inspect.signature(public).parameters
    assert now in parameters
    if before not in parameters:
        with pytest.raises(
            TypeError, match=f"`{before}` is the former name of `{now}`"
        ):
            public(**{before: "x", now: "x"})


def test_a_former_option_means_the_new_one():
    with pytest.warns(FutureWarning, match="method='old' is now method='new'"):
        assert former_option("method", "old", {"old": "new"}) == "new"
    for value in ("new", None, 3):
        assert former_option("method", value, {"old": "new"}) is value


def test_ablation_of_a_channel_is_its_permutation():
    contacts = mne_duin.make_contacts({"A1": (-50, 0, 0), "A2": (-55, 0, 0)})
    with pytest.warns(FutureWarning, match="method='permutation'"):
        figure = mne_duin.plot_contributions(
            np.array([1.0, 2.0]), contacts, method="ablation", kind="bars", show=False
        )
    assert "when permuted" in figure.axes[0].get_xlabel()
