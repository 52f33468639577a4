"""Several subjects in one Epochs object, and the way back to their contacts."""

import mne
import numpy as np
import pandas as pd
import pytest

from mne_duin.channels import stack_subjects


def subject(names, *, seed=0, words=("ba", "da"), n_epochs=6, sfreq=500.0, n_times=200):
    """Epochs and contacts with one column of metadata and one of the table."""
    rng = np.random.default_rng(seed)
    events = np.column_stack(
        [100 * np.arange(n_epochs), np.zeros(n_epochs), np.arange(n_epochs) % 2 + 1]
    ).astype(int)
    epochs = mne.EpochsArray(
        1e-5 * rng.standard_normal((n_epochs, len(names), n_times)),
        mne.create_info(list(names), sfreq, "seeg"),
        events=events,
        event_id={word: code + 1 for code, word in enumerate(words)},
        tmin=-0.1,
        metadata=pd.DataFrame({"run": np.repeat(["1", "2"], n_epochs // 2)}),
        verbose="error",
    )
    contacts = pd.DataFrame({"x": np.arange(len(names)) + 10.0 * seed}, list(names))
    return epochs, contacts


@pytest.fixture
def pair():
    return {"02": subject(["A1", "A2"]), "01": subject(["B1", "B2", "B3"], seed=1)}


def test_signals_come_back_by_subject_and_contact(pair):
    epochs, contacts = stack_subjects(pair)
    assert epochs.ch_names == ["slot001", "slot002", "slot003"]
    assert epochs.info["sfreq"] == 500
    assert contacts.index.names == ["subject", "slot"]
    assert len(contacts) == 5
    for name, (own, table) in pair.items():
        part = epochs[(epochs.metadata["subject"] == name).to_numpy()]
        np.testing.assert_array_equal(part.times, own.times)
        for (who, slot), row in contacts.iterrows():
            if who == name:
                given = own.get_data([row["contact"]])
                assert np.array_equal(part.get_data([slot]), given)
                assert row["x"] == table.loc[row["contact"], "x"]
    padding = epochs[(epochs.metadata["subject"] == "02").to_numpy()]
    assert not padding.get_data(["slot003"]).any()


def test_events_and_metadata_are_kept(pair):
    epochs, _ = stack_subjects(pair)
    assert epochs.event_id == {"ba": 1, "da": 2}
    assert epochs.events[:, 2].tolist() == [1, 2] * 6
    assert (np.diff(epochs.events[:, 0]) > 0).all()
    assert (
        epochs.metadata["run"].tolist() == ["1"] * 3 + ["2"] * 3 + ["1"] * 3 + ["2"] * 3
    )
    assert epochs.metadata["subject"].tolist() == ["02"] * 6 + ["01"] * 6
    assert set(epochs.metadata["contacts"]) == {"A1, A2", "B1, B2, B3"}


def test_codes_are_renumbered_where_the_subjects_disagree(pair):
    pair["03"] = subject(["C1"], seed=2, words=("da", "ga"))
    epochs, _ = stack_subjects(pair)
    assert epochs.event_id == {"ba": 1, "da": 2, "ga": 3}
    names = {code: name for name, code in epochs.event_id.items()}
    assert [names[c] for c in epochs.events[-6:, 2]] == ["da", "ga"] * 3


def test_another_order_of_the_subjects_changes_the_order_only(pair):
    one, contacts = stack_subjects(pair)
    other, table = stack_subjects(dict(reversed(pair.items())))
    back = np.r_[6:12, 0:6]
    assert np.array_equal(one.get_data(), other.get_data()[back])
    assert one.metadata.equals(other.metadata.iloc[back].reset_index(drop=True))
    assert contacts.sort_index().equals(table.sort_index())


def test_subjects_are_not_changed(pair):
    before = {
        k: (e.get_data(), e.events.copy(), c.copy()) for k, (e, c) in pair.items()
    }
    stack_subjects(pair)
    for name, (epochs, contacts) in pair.items():
        assert np.array_equal(epochs.get_data(), before[name][0])
        assert np.array_equal(epochs.events, before[name][1])
        assert contacts.equals(before[name][2])
        assert list(epochs.metadata) == ["run"]


def test_bad_and_other_channels_are_left_out_with_a_warning(pair):
    pair["01"][0].info["bads"] = ["B2"]
    with pytest.warns(RuntimeWarning, match=r"subjects\['01'\].*not used: B2"):
        epochs, contacts = stack_subjects(pair)
    assert len(epochs.ch_names) == 2
    assert contacts.loc["01", "contact"].tolist() == ["B1", "B3"]


def test_epochs_without_metadata_will_do(pair):
    epochs, _ = stack_subjects(
        {k: (e.copy().drop_channels([]), c) for k, (e, c) in pair.items()}
    )
    with mne.use_log_level("error"):
        for one, _ in pair.values():
            one.metadata = None
    bare, _ = stack_subjects(pair)
    assert np.array_equal(bare.get_data(), epochs.get_data())
    assert list(bare.metadata) == ["subject", "contacts"]


@pytest.mark.filterwarnings("ignore:The inplace keyword in DataFrame")
def test_files_keep_the_stack(pair, tmp_path):
    epochs, _ = stack_subjects(pair)
    epochs.save(tmp_path / "stack-epo.fif", verbose="error")
    again = mne.read_epochs(tmp_path / "stack-epo.fif", verbose="error")
    assert again.metadata["contacts"].tolist() == epochs.metadata["contacts"].tolist()
    assert again.metadata["subject"].tolist() == epochs.metadata["subject"].tolist()


def test_what_cannot_be_stacked(pair):
    with pytest.raises(ValueError, match="`subjects` is empty"):
        stack_subjects({})
    with pytest.raises(TypeError, match="`subjects` must be Mapping; got list"):
        stack_subjects(list(pair.values()))
    with pytest.raises(TypeError, match=r"subjects\['01'\]` must be \(Epochs, Data"):
        stack_subjects({"01": pair["01"][0]})
    with pytest.raises(ValueError, match=r"sampling rate in Hz: \{.*'03': 250.0"):
        stack_subjects(pair | {"03": subject(["C1"], sfreq=250.0)})
    with pytest.raises(ValueError, match=r"times of their epochs: .*100 samples"):
        stack_subjects(pair | {"03": subject(["C1"], n_times=100)})
    with pytest.raises(ValueError, match=r"'03' shares no class.*'ka'.*they have"):
        stack_subjects(pair | {"03": subject(["C1"], words=("ka", "ma"))})
    with pytest.raises(ValueError, match=r"subject '01' lack rows for 1 channels: B3"):
        stack_subjects({"01": (pair["01"][0], pair["01"][1].iloc[:2])})
    with pytest.raises(ValueError, match=r"subjects\['03'\]` has no epochs"):
        stack_subjects({"03": (pair["01"][0][:0], pair["01"][1])})


def test_a_silent_contact_is_no_padding(pair):
    pair["01"][0]._data[:, 1] = 0
    with pytest.raises(ValueError, match=r"all zeros.*padding: B2\. Mark them bad"):
        stack_subjects(pair)


def test_names_that_would_be_mixed_up():
    with pytest.raises(ValueError, match=r"must not hold ', '; got \['A, 1'\]"):
        stack_subjects({"01": subject(["A, 1", "A2"])})
    with pytest.raises(ValueError, match="a name twice"):
        stack_subjects({1: subject(["A1"]), "1": subject(["A1"])})
