"""Every public name is documented, in its docstring and on the reference page.

All checks of numpydoc hold for all public names, but those that ask for sections which
the format leaves to the writer (extended summary, See Also, Examples), and RT02, which
forbids a name that the same format allows: that of a single returned value.
"""

import doctest
import importlib
import inspect
import re
import sys
from pathlib import Path

import pytest
from numpydoc.docscrape import get_doc_object
from numpydoc.validate import ERROR_MSGS, validate

import mne_duin

DOC = Path(__file__).parents[1] / "doc"
sys.path.insert(0, str(DOC))

from public_names import public_objects, stub_names  # noqa: E402

OPTIONAL = {"ES01", "SA01", "EX01", "RT02"}
CHECKS = set(ERROR_MSGS) - OPTIONAL


def find(full):
    """The object of a full name, as its owner stores it."""
    module, _, name = full.rpartition(".")
    return getattr(importlib.import_module(module), name)


def own_members(cls):
    """Public methods and properties that a class has from this package."""
    for owner in cls.__mro__:
        if not owner.__module__.startswith("mne_duin"):
            continue
        for name, member in vars(owner).items():
            known = isinstance(member, property | classmethod | staticmethod)
            if not name.startswith("_") and (known or inspect.isfunction(member)):
                yield name


def documented_names():
    """Full names of all public functions, classes and their members."""
    for full in public_objects().values():
        thing = find(full)
        if inspect.isclass(thing):
            yield full
            yield from sorted({f"{full}.{name}" for name in own_members(thing)})
        elif callable(thing):
            yield full


def has_examples(path):
    """Whether a file has an example that is not skipped."""
    examples = doctest.DocTestParser().get_examples(path.read_text(encoding="utf-8"))
    return any(not example.options.get(doctest.SKIP) for example in examples)


NAMES = list(documented_names())
TUTORIALS = "".join(
    path.read_text(encoding="utf-8") for path in DOC.parent.glob("tutorials/*.py")
)
# Their examples train on simulated subjects or read a recording.
LONG = {
    "mne_duin.baselines.networks._neuro_bert",
    "mne_duin.weights._linear",
    "mne_duin.baselines.networks._eeg_conformer",
    "mne_duin.baselines.networks._dewave",
    "mne_duin.baselines.networks._cnn_bigru",
    "mne_duin.estimators._mae",
    "mne_duin.estimators._staged",
    "mne_duin.weights._reading",
    "mne_duin.baselines._band_power",
    "mne_duin.baselines._lda",
    "mne_duin.baselines._riemann",
    "mne_duin.baselines._token_lda",
    "mne_duin.baselines.networks._cnn_2d",
    "mne_duin.channels._selection",
    "mne_duin.datasets.simulation._words",
    "mne_duin.estimators._cost",
    "mne_duin.estimators._ensemble",
    "mne_duin.estimators._new_subject",
    "mne_duin.estimators.tokens._decoder",
    "mne_duin.live._live_decoder",
    "mne_duin.viz._group",
}
MODULES = sorted(
    ".".join(path.relative_to(DOC.parent).with_suffix("").parts)
    for path in Path(mne_duin.__file__).parent.rglob("*.py")
    if has_examples(path)
)


def test_there_are_names():
    assert len(stub_names()) > 40
    assert len(NAMES) > 150
    assert set(MODULES) > LONG


@pytest.mark.parametrize("full", NAMES)
def test_docstring_passes_numpydoc(full):
    errors = validate(full)["errors"]
    assert not [(code, text) for code, text in errors if code in CHECKS]


@pytest.mark.parametrize("name", stub_names())
def test_every_name_of_the_stub_is_shown_in_use(name):
    thing = getattr(mne_duin, name)
    documented = get_doc_object(thing)["Examples"] if callable(thing) else []
    assert documented or re.search(rf"\b{name}\b", TUTORIALS)


@pytest.mark.parametrize("name", stub_names())
def test_every_name_of_the_stub_is_on_the_reference_page(name):
    page = (DOC / "api.rst").read_text(encoding="utf-8")
    first_part = page.partition("More, by folder")[0]
    assert re.search(rf"^(   |\.\. py:data:: ){name}$", first_part, re.MULTILINE)


def test_reference_page_has_no_other_names():
    page = (DOC / "api.rst").read_text(encoding="utf-8")
    listed = re.findall(r"^   (\w+)$", page, re.MULTILINE)
    modules = {"presets", "memory", "calibration"}
    assert sorted(listed) == sorted(set(listed))
    assert set(listed) - modules <= set(public_objects())


@pytest.mark.parametrize(
    "name",
    [pytest.param(n, marks=pytest.mark.slow) if n in LONG else n for n in MODULES],
)
def test_examples_run(name, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    failed, attempted = doctest.testmod(
        importlib.import_module(name), optionflags=doctest.ELLIPSIS
    )
    assert attempted
    assert not failed
