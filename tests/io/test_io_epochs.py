"""read_epochs and read_segments on a valid dataset: what comes back, and from where."""

import re

import bids_examples as examples
import mne
import numpy as np
import pandas as pd
import pytest

import mne_duin
from mne_duin.io import find_recordings, read_epochs, read_raw, read_segments
from mne_duin.io._contacts import read_contacts

PAIRS = ["TI'1-TI'2", "TI'2-TI'3", "TI'3-TI'4", "B1-B2", "B2-B3", "B3-B4"]
PLAIN = {"l_freq": None, "h_freq": None, "notch": None, "sfreq": None}


def test_trials_of_two_runs(base_dataset):
    runs = find_recordings(base_dataset.root)
    epochs, contacts = read_epochs(runs)
    assert isinstance(epochs, mne.BaseEpochs)
    assert epochs.get_data().shape == (14, 6, 3000)
    assert epochs.times[[0, -1]] == pytest.approx([-0.5, 2.499])
    assert epochs.ch_names == list(contacts.index) == PAIRS
    assert set(epochs.get_channel_types()) == {"seeg"}
    assert epochs.event_id == {"ba": 1, "da": 2, "ga": 3}
    assert epochs.info["line_freq"] == 50
    meta = epochs.metadata
    assert list(meta["run"]) == ["1"] * 7 + ["2"] * 7
    assert set(meta["subject"]) == {"01"}
    columns = {"onset", "duration", "trial_type", "response_time", "talker", "task"}
    assert columns <= set(meta.columns)
    assert meta["response_time"].dtype.kind == "f"
    names = {code: name for name, code in epochs.event_id.items()}
    assert [names[code] for code in epochs.events[:, 2]] == list(meta["trial_type"])
    assert len(np.unique(epochs.events[:, 0])) == 14


def test_unfiltered_trials_are_the_recorded_samples(base_dataset):
    epochs, contacts = read_epochs(base_dataset, tmin=-0.25, tmax=1.0, **PLAIN)
    raw = read_raw(base_dataset)
    start = np.round((epochs.metadata["onset"] - 0.25) * raw.info["sfreq"]).astype(int)
    for row, first in enumerate(start):
        for name, pair in contacts.iterrows():
            ends = raw.get_data([pair["anode"], pair["cathode"]], first, first + 640)
            np.testing.assert_allclose(
                epochs.get_data(name)[row, 0], ends[0] - ends[1], atol=1e-15
            )


@pytest.mark.parametrize("reference", ["none", "laplacian", "shaft", None])
def test_references(base_dataset, reference):
    epochs, contacts = read_epochs(base_dataset, reference=reference)
    assert epochs.ch_names == list(contacts.index)
    assert len(contacts) == 8
    assert "EKG" not in epochs.ch_names


def test_regions_choose_contacts_before_reading(base_dataset, monkeypatch):
    seen = []
    get_data = mne.io.BaseRaw.get_data

    def spy(self, picks=None, **kwargs):
        seen.append(len(picks))
        return get_data(self, picks=picks, **kwargs)

    monkeypatch.setattr(mne.io.BaseRaw, "get_data", spy)
    epochs, contacts = read_epochs(base_dataset, regions="STG")
    assert set(contacts["region"]) == {"STG"}
    assert epochs.ch_names == ["B1-B2", "B2-B3", "B3-B4"]
    assert set(seen) == {4}
    whole, _ = read_epochs(base_dataset)
    np.testing.assert_allclose(
        epochs.get_data(), whole.get_data(epochs.ch_names), atol=1e-18
    )


def test_labels_from_the_atlas_or_from_a_column(base_dataset):
    _, contacts = read_epochs(base_dataset)
    assert set(contacts["atlas"]) == {"desikan-killiany"}
    assert contacts["label_distance"].max() <= 5
    _, destrieux = read_epochs(base_dataset, atlas="destrieux")
    assert destrieux["label"].str.startswith("ctx_").all()
    _, column = read_epochs(base_dataset, label_source="my_label", regions="vSMC")
    assert list(column.index) == PAIRS[:3]
    assert set(column["atlas"]) == {"electrodes.tsv:my_label"}
    assert {"size", "my_label"} <= set(contacts.columns)


@pytest.mark.parametrize(
    ("event_id", "codes", "count"),
    [
        (None, {"ba": 1, "da": 2, "ga": 3}, 7),
        ("da", {"da": 1}, 2),
        (["ga", "ba"], {"ba": 1, "ga": 2}, 5),
        ({"ba": 7, "ga": 9}, {"ba": 7, "ga": 9}, 5),
    ],
)
def test_choosing_labels(base_dataset, event_id, codes, count):
    epochs, _ = read_epochs(base_dataset, event_id)
    assert epochs.event_id == codes
    assert len(epochs) == count
    assert set(epochs.events[:, 2]) == set(codes.values())


def test_another_label_column(base_dataset):
    epochs, _ = read_epochs(base_dataset, label_column="talker")
    assert epochs.event_id == {"t0": 1, "t1": 2}


def test_alignment_to_a_latency(base_dataset):
    onset, _ = read_epochs(base_dataset, **PLAIN)
    spoken, _ = read_epochs(base_dataset, align="response_time", **PLAIN)
    for row, latency in enumerate(onset.metadata["response_time"]):
        shift = int(round((onset.metadata["onset"][row] + latency) * 512))
        shift -= int(round(onset.metadata["onset"][row] * 512))
        np.testing.assert_allclose(
            spoken.get_data()[row, :, :1000],
            onset.get_data()[row, :, shift : shift + 1000],
            atol=1e-18,
        )
    zero = spoken.metadata["onset"] + spoken.metadata["response_time"]
    np.testing.assert_allclose(spoken.metadata["time_zero"], zero)


def test_alignment_to_a_following_label(dataset):
    def add_speech(events):
        words = events.iloc[[0, 1, 3]].assign(sample="n/a")
        words["onset"] = [f"{float(v) + 0.7:.2f}" for v in words["onset"]]
        words["trial_type"] = "speech"
        return pd.concat([events, words])

    examples.edit(dataset.root, "*run-1_events.tsv", add_speech)
    words = list(examples.WORDS)
    with pytest.warns(RuntimeWarning, match="4 of 7 trials have no 'speech'; dropped"):
        epochs, _ = read_epochs(dataset, words, align="speech")
    assert list(epochs.metadata["time_zero"]) == pytest.approx([2.7, 6.7, 14.7])
    assert [bool(reason) for reason in epochs.drop_log] == [0, 0, 1, 0, 1, 1, 1]
    assert epochs.drop_log[2] == ("NO_ALIGN",)


def test_another_event_before_the_mark_is_reported(dataset):
    def add_speech(events):
        last = events.iloc[[1]].assign(onset="6.9", trial_type="speech", sample="n/a")
        return pd.concat([events, last])

    examples.edit(dataset.root, "*run-1_events.tsv", add_speech)
    with pytest.warns(RuntimeWarning) as caught:
        epochs, _ = read_epochs(dataset, "ba", align="speech")
    said = [str(warning.message) for warning in caught]
    assert any("1 of 3 trials have another event (da) before" in text for text in said)
    assert any("2 of 3 trials have no 'speech'" in text for text in said)
    assert list(epochs.metadata["time_zero"]) == [6.9]


def test_two_trials_at_one_time_are_refused(dataset):
    def same(events):
        events.loc[1, "response_time"] = "-3.6"

    examples.edit(dataset.root, "*run-1_events.tsv", same)
    with pytest.raises(ValueError, match="puts two trials at the same time"):
        read_epochs(dataset, align="response_time")


def test_trials_without_a_latency_are_dropped(dataset):
    def blank(events):
        events.loc[2, "response_time"] = "n/a"

    examples.edit(dataset.root, "*run-1_events.tsv", blank)
    with pytest.warns(RuntimeWarning, match="1 of 7 trials have no 'response_time'"):
        epochs, _ = read_epochs(dataset, align="response_time")
    assert len(epochs) == 6
    assert list(epochs.selection) == [0, 1, 3, 4, 5, 6]


def test_bad_spans_are_dropped_and_counted(dataset):
    def mark(events):
        bad = events.iloc[[1]].assign(sample="n/a")
        bad["onset"], bad["duration"], bad["trial_type"] = "5.0", "4.9", "BAD_seizure"
        return pd.concat([events, bad])

    examples.edit(dataset.root, "*run-1_events.tsv", mark)
    with pytest.warns(RuntimeWarning, match="2 of 7 trials touch a span marked BAD"):
        epochs, _ = read_epochs(dataset)
    assert [reason for reason in epochs.drop_log if reason] == [("BAD",)] * 2
    assert "BAD_seizure" not in epochs.event_id
    segments, _ = read_segments(dataset, 4.0, 2.0)
    start = segments.metadata["onset"]
    assert not ((start < 9.9) & (start + 4.0 > 5.0)).any()


def test_bad_contacts_are_left_out_and_never_bridged(dataset):
    def mark(channels):
        channels.loc[channels["name"] == "TI'2", "status"] = "bad"

    examples.edit(dataset.root, "*run-2_channels.tsv", mark)
    runs = find_recordings(dataset.root)
    with mne.utils.catch_logging(verbose="info") as log:
        epochs, contacts = read_epochs(runs)
    assert "Bad contact(s) left out: TI'2" in log.getvalue()
    assert epochs.ch_names == PAIRS[2:]
    assert "TI'2" not in set(contacts["anode"]) | set(contacts["cathode"])


def test_overlapping_trials_are_reported(base_dataset):
    with mne.utils.catch_logging(verbose="info") as log:
        read_epochs(base_dataset, tmin=-1.0, tmax=3.5, l_freq=1.0)
    assert "6 trial(s) overlap the next one" in log.getvalue()


def test_trials_beyond_the_recording_are_dropped(base_dataset):
    with pytest.warns(RuntimeWarning, match="1 of 7 trials reach beyond"):
        epochs, _ = read_epochs(base_dataset, tmax=4.5)
    assert len(epochs) == 6


def test_segments(base_dataset):
    runs = find_recordings(base_dataset.root)
    segments, contacts = read_segments(runs)
    assert segments.get_data().shape == (12, 6, 8000)
    assert list(segments.metadata["onset"][:3]) == [0, 4, 8]
    assert list(segments.metadata["run"]) == ["1"] * 6 + ["2"] * 6
    np.testing.assert_allclose(
        segments.get_data()[0, :, 4000:], segments.get_data()[1, :, :4000], atol=1e-18
    )
    apart, _ = read_segments(runs[0], 5.0, 0.0, regions="vSMC")
    assert apart.get_data().shape == (6, 3, 5000)
    assert segments.ch_names == list(contacts.index)


def test_segments_and_trials_hold_the_same_signal(base_dataset):
    segments, _ = read_segments(base_dataset, 30.0, 0.0)
    epochs, _ = read_epochs(base_dataset)
    first = int(epochs.metadata["onset"][2] * 1000) - 500
    np.testing.assert_allclose(
        epochs.get_data()[2],
        segments.get_data()[0, :, first : first + 3000],
        atol=1e-18,
    )


MESSAGES = [
    ({"event_id": "zz"}, "no event 'zz'.*there are: ba, da, ga"),
    ({"event_id": []}, "no event"),
    ({"label_column": "word"}, "`label_column` 'word' is not a column.*talker"),
    ({"h_freq": 300.0}, "`h_freq` 300 Hz needs a sampling rate above 600 Hz.*512 Hz"),
    ({"sfreq": 300.0}, "`h_freq` 200 Hz.*the sampling rate `sfreq` is 300 Hz"),
    ({"regions": "MTG"}, r"No contact lies in MTG.*STG \(3\), vSMC \(3\)"),
    ({"regions": "Broca"}, "no preset 'Broca'"),
    ({"reference": "median"}, "`reference` must be one of 'bipolar'"),
    ({"tmax": -1.0}, "`tmax` must be"),
    ({"align": "nothing"}, "`align` 'nothing' is neither a column.*nor a label"),
    ({"align": "sample"}, "must be seconds from the onset"),
    ({"notch": "line"}, "`notch` must be"),
    ({"space": "Mars"}, "`space` 'Mars' is not there.*fsaverage"),
    ({"label_source": "nothing"}, "no column 'nothing'"),
]


@pytest.mark.parametrize(
    ("options", "match"), MESSAGES, ids=lambda value: str(value)[:30]
)
def test_bad_arguments_are_named(base_dataset, options, match):
    with pytest.raises(ValueError, match=re.compile(match, re.DOTALL)):
        read_epochs(base_dataset, **options)


@pytest.mark.parametrize(
    ("options", "match"),
    [
        ({"duration": 0}, "`duration` must be"),
        ({"overlap": 8.0}, "`overlap` must be"),
        ({"duration": 60.0}, "None of the 0 windows of 60 s"),
    ],
)
def test_bad_segments_are_named(base_dataset, options, match):
    with pytest.raises(ValueError, match=match):
        read_segments(base_dataset, **options)


def test_runs_of_two_subjects_are_refused(base_dataset):
    with pytest.raises(ValueError, match="`bids_path` is an empty list"):
        read_epochs([])
    with pytest.raises(TypeError, match="`bids_path` must be a BIDSPath"):
        read_epochs("sub-01")
    with pytest.raises(FileNotFoundError, match="no subject '02'.*there: 01"):
        read_contacts(base_dataset.copy().update(subject="02"))


@pytest.mark.parametrize(
    "name", ["read_epochs", pytest.param("read_segments", marks=pytest.mark.slow)]
)
def test_verbose_false_is_silent(name, capsys):
    path = mne_duin.find_recordings(mne_duin.sample_data_path(), subject="01")[0]
    level = mne.set_log_level("INFO", return_old_level=True)
    try:
        getattr(mne_duin, name)(path, verbose=False)
        assert capsys.readouterr().out == ""
        getattr(mne_duin, name)(path)
    finally:
        mne.set_log_level(level)
    assert "left out" in capsys.readouterr().out
