"""Shared descriptions reach the docstrings, once each."""

import inspect
from pathlib import Path

import pytest

import mne_duin
from mne_duin.utils._docs import DOCS, PLACE, fill_doc

CLASSES = [mne_duin.DuINVQVAE, mne_duin.DuINMAE, mne_duin.DuINClassifier]


def members(cls):
    return [cls, *(m for m in vars(cls).values() if inspect.isfunction(m))]


@pytest.mark.parametrize("cls", CLASSES, ids=lambda cls: cls.__name__)
def test_no_place_is_left_empty(cls):
    documented = [one for base in cls.__mro__ for one in members(base)]
    texts = [one.__doc__ for one in documented if one.__doc__]
    assert len(texts) > 10
    assert not [text for text in texts if PLACE.search(text)]
    for name in ("max_iter", "batch_size", "weight_decay", "device", "verbose"):
        assert f"{name} " in cls.__doc__ or f"{name}," in cls.__doc__


def test_every_entry_is_used():
    package = mne_duin.__path__[0]
    used = set()
    for path in sorted(Path(package).rglob("*.py")):
        text = path.read_text(encoding="utf-8")
        used |= {name for _, name in PLACE.findall(text)}
    assert used >= set(DOCS)


def test_descriptions_are_as_far_indented_as_their_place():
    @fill_doc
    class Counter:
        """Count.

        Parameters
        ----------
        %(progress)s
        """

        def count(self, X):
            """Count epochs.

            Parameters
            ----------
            %(X)s
            """

    assert inspect.getdoc(Counter).splitlines()[4:] == [
        "verbose : bool | None",
        "    Whether to show a progress bar; None follows MNE's log level.",
    ]
    assert inspect.getdoc(Counter.count).splitlines()[-1] == "    The epochs."


def test_an_unknown_entry_is_named():
    def nothing():
        """Do nothing.

        %(nonsense)s
        """

    with pytest.raises(KeyError, match="No parameter 'nonsense' is described in"):
        fill_doc(nothing)
