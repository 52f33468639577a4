"""Simulated subjects who share their word codes and nothing else."""

import numpy as np
import pytest

from mne_duin.datasets import (
    SimulationSettings,
    simulate_cohort,
    simulate_subjects,
    simulate_word_reading,
)
from mne_duin.datasets.simulation._brain import draw_brain
from mne_duin.datasets.simulation._montages import montage_table
from mne_duin.datasets.simulation._subjects import (
    REPERTOIRE,
    _draw_repertoire,
    _share,
    draw_montage,
)

SMALL = {"n_runs": 1, "n_trials_per_word": 1, "n_words": 2, "sfreq": 350.0}


@pytest.fixture(scope="module")
def cohort():
    return simulate_subjects(3, random_state=1, **SMALL)


def test_every_subject_has_contacts_and_truth_of_its_own(cohort):
    assert list(cohort) == ["01", "02", "03"]
    for name, (epochs, contacts, truth) in cohort.items():
        assert epochs.ch_names == contacts.index.tolist() == truth.index.tolist()
        assert set(epochs.metadata["subject"]) == {name}
        assert len(epochs) == 2
        assert 0 < truth["planted"].sum() < len(truth)
    sides = [set(contacts["hemisphere"]) for _, contacts, _ in cohort.values()]
    assert sides == [{"L"}, {"R"}, {"L"}]
    first, third = cohort["01"], cohort["03"]
    assert not np.array_equal(first[0].get_data()[:, 0], third[0].get_data()[:, 0])
    both = first[1].index.intersection(third[1].index)
    assert (first[1].loc[both, "x"] != third[1].loc[both, "x"]).all()
    xyz = ["x", "y", "z"]
    distance = first[1].loc[both, xyz] - third[1].loc[both, xyz]
    assert np.linalg.norm(distance, axis=1).max() < 12
    assert not np.array_equal(first[2].loc[both], third[2].loc[both])


def test_the_seed_decides_and_more_subjects_leave_the_first_alone(cohort):
    again = simulate_subjects(1, random_state=1, **SMALL)["01"]
    assert np.array_equal(again[0].get_data(), cohort["01"][0].get_data())
    assert again[2].equals(cohort["01"][2])
    other = simulate_subjects(1, random_state=2, **SMALL)["01"]
    assert not np.array_equal(other[0].events, again[0].events) or not np.array_equal(
        other[0].get_data(), again[0].get_data()
    )


@pytest.mark.parametrize("side", ["left", "right"])
def test_equal_names_of_sources_mean_equal_answers(side):
    repertoire = _draw_repertoire(np.random.default_rng(0))
    found = {}
    for seed in range(3):
        rng = np.random.default_rng(seed)
        brain = draw_brain(rng, montage_table(draw_montage(rng, side)))
        events = _share(brain.events, repertoire)
        assert np.array_equal(events.positions, brain.events.positions)
        for row, name in enumerate(events.names):
            number = int(name.removeprefix("source")) - 1
            assert REPERTOIRE[number] == events.regions[row]
            assert events.lag[row] == repertoire[2][number]
            answer = events.evoked[row]
            assert np.array_equal(found.setdefault(name, answer), answer)
    assert len(found) >= 6


def test_signals_are_those_of_a_single_simulated_subject():
    several = simulate_subjects(1, random_state=0, **SMALL)["01"][0]
    one, _, _ = simulate_word_reading(random_state=0, **SMALL)
    ratio = several.get_data().std() / one.get_data().std()
    assert 0.7 < ratio < 1.4
    assert several.event_id == one.event_id
    assert np.allclose(several.times, one.times)


def test_recordings_of_a_cohort():
    settings = SimulationSettings(n_runs=2, n_trials_per_word=1, n_words=2, sfreq=350.0)
    recordings = simulate_cohort(2, settings, random_state=0)
    assert [len(r.raws) for r in recordings.values()] == [2, 2]
    assert (
        recordings["02"].contacts.index.tolist()
        == recordings["02"].raws[0].ch_names[:-1]
    )
    with pytest.raises(ValueError, match=r"`settings\.trouble` is for single subjects"):
        simulate_cohort(2, SimulationSettings(trouble=True))
    with pytest.raises(ValueError, match="`n_subjects` must be at least 1; got 0"):
        simulate_subjects(0)
    with pytest.raises(ValueError, match="`align` must be one of"):
        simulate_subjects(2, align="cue")
