"""Draw the figure of the README from the results of ``make decode`` in ``results/``.

Run from the top of the repository, after ``make decode``::

    python doc/draw_readme.py
"""

from pathlib import Path

from mne_duin import (
    find_recordings,
    plot_contributions,
    read_decoding,
    read_epochs,
    sample_data_path,
)

ROOT = Path(__file__).parents[1]
DECODING = ROOT / "results" / "sub-01" / "ieeg"


def main():
    """Draw the contributions of the sample subject's channels."""
    classifier = read_decoding(DECODING).classifier
    run = find_recordings(sample_data_path(), subject="01")[-1]
    epochs, contacts = read_epochs(
        run,
        align="response_time",
        regions=["vSMC", "STG"],
        sfreq=classifier.info_["sfreq"],
        verbose=False,
    )
    names = {code: name for name, code in epochs.event_id.items()}
    y = [names[code] for code in epochs.events[:, 2]]
    contributions = classifier.channel_contributions("permutation", X=epochs, y=y)
    figure = plot_contributions(
        contributions, contacts, method="permutation", kind="surface", show=False
    )
    figure.savefig(ROOT / "doc" / "_static" / "readme.png", dpi=130)


if __name__ == "__main__":
    main()
