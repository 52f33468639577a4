"""How many numbers each network of the comparison learns, next to the published table.

Counted for 10 channels, 3 s and 61 words, each network at its own sampling rate::

    python tests/benchmarks/parameter_counts.py
"""

from pathlib import Path

import numpy as np
import pandas as pd

from mne_duin import TSTCC, CNNBiGRU, DeWave, EEGConformer, NeuroBERT

TABLE = Path(__file__).parents[2] / "doc" / "benchmarks" / "parameter_counts.tsv"
PUBLISHED = {
    CNNBiGRU: 0.54e6,
    EEGConformer: 2.34e6,
    TSTCC: 0.32e6,
    NeuroBERT: 2.14e6,
    DeWave: 5.70e6,
}
N_CHANNELS, SECONDS, N_WORDS, SFREQ = 10, 3.0, 61, 1000.0


def count(kind):
    """Build a network as fit does, and count its parameters."""
    estimator = kind()
    estimator.classes_ = np.arange(N_WORDS)
    rate = estimator.network_sfreq or SFREQ
    module = estimator._build(N_CHANNELS, round(SECONDS * rate))
    return rate, sum(parameter.numel() for parameter in module.parameters())


def main():
    """Count and write the table."""
    rows = []
    for kind, published in PUBLISHED.items():
        rate, n_parameters = count(kind)
        rows.append(
            {
                "network": kind.__name__,
                "sampling rate (Hz)": f"{rate:g}",
                "parameters": n_parameters,
                "published (millions)": f"{published / 1e6:.2f}",
                "difference (%)": f"{100 * (n_parameters / published - 1):+.1f}",
            }
        )
    table = pd.DataFrame(rows)
    table.to_csv(TABLE, sep="\t", index=False)
    print(table.to_string(index=False))


if __name__ == "__main__":
    main()
