"""Arrays and tables in, one Figure out: everything that can be looked at.

Nothing here knows estimators or files. Values meet contacts by channel name
(``tables``), coordinates are carried to the frame of the picture (``glass`` draws in
MNI152, ``surface`` in MNI305), one ``theme`` gives colours and sizes. Where contacts
have no coordinates, montages (shaft by contact number) stand in for brains.
"""

from mne_duin.viz.accuracy import plot_accuracy
from mne_duin.viz.codex import code_usage, plot_code_usage, plot_codex
from mne_duin.viz.confusion import plot_confusion
from mne_duin.viz.contacts import plot_contacts
from mne_duin.viz.contributions import plot_contributions
from mne_duin.viz.history import plot_history, plot_learning_curve
from mne_duin.viz.reconstruction import plot_reconstruction

__all__ = [
    "code_usage",
    "plot_accuracy",
    "plot_code_usage",
    "plot_codex",
    "plot_confusion",
    "plot_contacts",
    "plot_contributions",
    "plot_history",
    "plot_learning_curve",
    "plot_reconstruction",
]
