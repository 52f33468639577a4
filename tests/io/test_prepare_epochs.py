"""Recordings without BIDS are cut and processed as those in a BIDS folder."""

import mne
import numpy as np
import pandas as pd
import pytest

from mne_duin import (
    find_recordings,
    make_contacts,
    prepare_epochs,
    read_contacts,
    read_epochs,
    read_raw,
    sample_data_path,
)

OPTIONS = {"tmin": -0.2, "tmax": 0.6, "sfreq": 256.0, "h_freq": 100.0, "verbose": False}


@pytest.fixture(scope="module")
def recorded():
    path = find_recordings(sample_data_path(), subject="01")[0]
    raw = read_raw(path, verbose=False)
    return path, raw, read_contacts(path)


def test_the_result_is_that_of_read_epochs(recorded):
    path, raw, contacts = recorded
    expected, table = read_epochs(path, **OPTIONS, regions=["STG"])
    epochs, own = prepare_epochs(
        raw, None, make_contacts(contacts), **OPTIONS, regions=["STG"]
    )
    np.testing.assert_array_equal(epochs.get_data(), expected.get_data())
    np.testing.assert_array_equal(epochs.events, expected.events)
    assert epochs.event_id == expected.event_id
    pd.testing.assert_frame_equal(own, table)
    assert own.attrs["processing"] == table.attrs["processing"]
    assert own.attrs["processing"]["notch"] == (50.0, 100.0)
    assert own.attrs["excluded"]["FA'2"] == "marked bad"


def test_all_kinds_of_events_give_the_same_trials(recorded):
    _, raw, contacts = recorded
    short = raw.copy().crop(0, 60)
    # Events of MNE lie on samples of the recording; another rate rounds them again.
    options = OPTIONS | {"sfreq": None}
    reference, _ = prepare_epochs(short, None, contacts, **options)
    events, event_id = mne.events_from_annotations(short, verbose=False)
    frame = pd.DataFrame(
        {"onset": short.annotations.onset, "word": short.annotations.description}
    )
    shift = short.first_time if short.info["meas_date"] is not None else 0.0
    frame["onset"] -= shift
    kinds = short.get_channel_types()
    by_number, _ = prepare_epochs(short, events, contacts, event_id, **options)
    by_table, _ = prepare_epochs(short, frame, contacts, label_column="word", **options)
    for epochs in (by_number, by_table):
        np.testing.assert_allclose(epochs.get_data(), reference.get_data(), atol=1e-12)
        names = [dict(map(reversed, e.event_id.items())) for e in (epochs, reference)]
        words = [
            [own[code] for code in e.events[:, 2]]
            for own, e in zip(names, (epochs, reference), strict=True)
        ]
        assert words[0] == words[1]
    assert short.get_channel_types() == kinds


def test_files_of_eeg_formats_are_read(recorded, tmp_path):
    """EEGLAB knows no contacts: names and a table of positions make them."""
    pytest.importorskip("eeglabio")
    _, raw, contacts = recorded
    names = [n for n in contacts.index[:6] if n in raw.ch_names]
    short = raw.copy().pick(names).crop(0, 60).load_data(verbose=False)
    short.set_channel_types(dict.fromkeys(names, "eeg"), verbose="error")
    short.info["bads"] = []
    expected, _ = prepare_epochs(short, None, contacts.loc[names], **OPTIONS)
    short.export(tmp_path / "word.set", verbose=False)
    again = mne.io.read_raw_eeglab(tmp_path / "word.set", preload=True, verbose="error")
    with again.info._unlock():
        again.info["line_freq"] = 50.0
    epochs, table = prepare_epochs(again, None, contacts.loc[names], **OPTIONS)
    scale = np.abs(expected.get_data()).max()
    np.testing.assert_allclose(
        epochs.get_data(), expected.get_data(), atol=1e-4 * scale
    )
    assert set(epochs.get_channel_types()) == {"seeg"}
    assert set(again.get_channel_types()) == {"eeg"}
    assert len(table) == len(epochs.ch_names)


def test_messages_say_what_is_missing(recorded):
    _, raw, contacts = recorded
    short = raw.copy().crop(0, 20)
    with pytest.raises(TypeError, match="`raw` must be"):
        prepare_epochs("file.set", None, contacts)
    with pytest.raises(ValueError, match="list of 2 tables"):
        prepare_epochs([short, short], [None], contacts, **OPTIONS)
    with pytest.raises(ValueError, match="shape .n_events, 3."):
        prepare_epochs(short, np.zeros((4, 2)), contacts, **OPTIONS)
    silent = short.copy().set_annotations(None)
    with pytest.raises(ValueError, match="no annotations that could be trials"):
        prepare_epochs(silent, None, contacts, **OPTIONS)
    with pytest.raises(ValueError, match="must be a dict of names and numbers"):
        prepare_epochs(short, np.array([[900, 0, 1]]), contacts, ["yes"], **OPTIONS)
