"""What reading has to say is said once, in a line each."""

import warnings

import pytest
from mne.utils import catch_logging, logger, warn

from mne_duin.workflows._notices import collected, merge

RUNS = [f"sub-01_task-reading_run-{number}_ieeg.vhdr" for number in (1, 2, 3)]


def test_the_same_of_several_recordings_is_one_sentence():
    said = [f"{name} is resampled from 512 to 1000 Hz." for name in RUNS]
    assert merge(said) == ["each of 3 recordings is resampled from 512 to 1000 Hz."]
    assert merge(said[:1] * 2) == said[:1]
    assert merge(["one", "two", "one"]) == ["one", "two"]


def test_one_line_on_contacts_and_one_on_recordings():
    with catch_logging(verbose="INFO") as log, collected("01"):
        for name in RUNS:
            logger.info(f"{name} is resampled.")
            logger.info("Bad contact(s) left out: A1.")
    assert log.getvalue().splitlines() == [
        "Contacts of sub-01: Bad contact(s) left out: A1.",
        "Recordings of sub-01: each of 3 recordings is resampled.",
    ]


def say(error=None):
    """What reading may do."""
    with collected("01"):
        for _ in range(3):
            warn("no events.")
        if error is not None:
            raise error


def test_warnings_stay_warnings():
    with pytest.warns(RuntimeWarning, match="Recordings of sub-01: no ev") as said:
        say()
    assert len(said) == 1


def test_nothing_is_swallowed_by_an_error():
    with warnings.catch_warnings(record=True) as found:
        warnings.simplefilter("always")
        with pytest.raises(ValueError, match="stop"):
            say(ValueError("stop"))
    assert ["no events" in str(each.message) for each in found] == [True]
