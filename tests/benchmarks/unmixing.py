"""Where can sources be separated by when their power changes?

In every band, channels are whitened and then, if that makes them more independent on
left-out epochs, separated by joint diagonalization (``mne_duin/utils/_unmixing.py``).
This measures the gain on left-out epochs, in thousandths of a nat per channel and
window, for 80 and 320 trials: in simulations with as many sources as channels
(``plain_speech.py`` without anatomy), with contacts in a brain
(:func:`mne_duin.simulate_unit_speech`), and with more sources than channels
(``honest_opponent.py``), where separating was seen to reduce accuracy. It also lists
the sample dataset. In brackets is in how many subjects sources were separated. The
least gain was chosen on seeds 11 to 14 and 31::

    python tests/benchmarks/unmixing.py
"""

from pathlib import Path

import honest_opponent
import mne
import numpy as np
import pandas as pd
import plain_speech

from mne_duin import (
    find_recordings,
    read_epochs,
    sample_data_path,
    simulate_unit_speech,
)
from mne_duin.utils import _unmixing
from mne_duin.utils._bands import BANDS, UNMIXED

TABLE = Path(__file__).parents[2] / "doc" / "benchmarks" / "unmixing.tsv"
AMOUNTS = 80, 320
N_TRIALS = 40  # per word


def plain(seed):
    """Return trials without anatomy."""
    return plain_speech.simulate("both", seed, 0.01, n_trials=N_TRIALS)[0]


def anatomy(seed):
    """Return trials of contacts in a brain."""
    options = {"hours": 0.01, "n_trials_per_word": N_TRIALS, "random_state": seed}
    return simulate_unit_speech(kind="both", **options)[0]


def many_sources(kind):
    """Return the simulation with more sources than channels of a kind."""

    def simulate(seed):
        X = honest_opponent.words(kind, seed)[0]
        info = mne.create_info(X.shape[1], honest_opponent.SFREQ, "seeg")
        return mne.EpochsArray(X, info, verbose=False)

    return simulate


def sample(_):
    """Return the trials of the sample dataset."""
    runs = find_recordings(sample_data_path(), subject="01", task="wordreading")
    return read_epochs(runs, align="response_time", regions=["vSMC", "STG"])[0]


SIMULATIONS = {
    "no anatomy": (plain, (31, 41, 42, 43)),
    "anatomy": (anatomy, (11, 12, 101, 102, 103)),
    "many sources, phase-locked": (many_sources("phase-locked"), (12, 13, 21, 22)),
    "many sources, both": (many_sources("both"), (12, 13, 21, 22)),
    "many sources, power": (many_sources("power"), (12, 13, 21, 22)),
    "sample data": (sample, (0,)),
}


def measure(epochs):
    """Return by band the gain on left-out epochs, and whether it is enough."""
    data, sfreq = epochs.get_data(), epochs.info["sfreq"]
    heard, original = [], _unmixing.left_out_gain

    def left_out_gain(*arguments):
        heard.append(original(*arguments))
        return heard[-1]

    _unmixing.left_out_gain = left_out_gain
    try:
        for name, edges in BANDS.items():
            _unmixing.learn_unmixing(data, sfreq, {name + UNMIXED: edges})
    finally:
        _unmixing.left_out_gain = original
    least, errors = _unmixing.LEAST_GAIN, _unmixing.LEAST_ERRORS
    return {
        name: (1000 * gain, gain >= max(least, errors * error))
        for name, (gain, error) in zip(BANDS, heard, strict=True)
    }


def main():
    """Measure every simulation and write the table."""
    rows = []
    for name, (simulate, seeds) in SIMULATIONS.items():
        recordings = [simulate(seed) for seed in seeds]
        for n_trials in AMOUNTS:
            found = [measure(epochs[:n_trials]) for epochs in recordings]
            row = {"simulation": name, "subjects": len(seeds), "trials": n_trials}
            for band in BANDS:
                gains, chosen = zip(*(one[band] for one in found), strict=True)
                row[band] = f"{np.mean(gains):.1f} ({sum(chosen)})"
            rows.append(row)
            print(row, flush=True)
    pd.DataFrame(rows).to_csv(TABLE, sep="\t", index=False)


if __name__ == "__main__":
    with mne.utils.use_log_level("ERROR"):
        main()
