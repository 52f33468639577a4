"""Arrays and tables in, one Figure out: everything that can be looked at.

Nothing here knows estimators or files. Values meet contacts by channel name
(``tables``), coordinates are carried to the frame of the picture (``glass`` draws in
MNI152, ``surface`` in MNI305), one ``theme`` gives colours and sizes. Where contacts
have no coordinates, montages (shaft by contact number) stand in for brains.
"""

from mne_duin.viz.ablation import plot_ablation
from mne_duin.viz.accuracy import plot_accuracy, results_table
from mne_duin.viz.brain3d import view_brain
from mne_duin.viz.code_meaning import plot_code_average, plot_code_words
from mne_duin.viz.code_tables import (
    CodeWordInformation,
    code_triggered_average,
    code_word_information,
)
from mne_duin.viz.codes import plot_codes
from mne_duin.viz.codex import code_usage, plot_code_usage, plot_codex
from mne_duin.viz.confusion import plot_confusion
from mne_duin.viz.contacts import plot_contacts
from mne_duin.viz.contributions import plot_contributions
from mne_duin.viz.filters import plot_patterns, plot_spatial_filters
from mne_duin.viz.group import group_contributions, plot_group_contributions
from mne_duin.viz.history import plot_history, plot_learning_curve
from mne_duin.viz.interactive import ContactsView, view_contacts
from mne_duin.viz.patches import plot_patch_filters
from mne_duin.viz.reconstruction import plot_reconstruction

__all__ = [
    "ContactsView",
    "code_triggered_average",
    "code_usage",
    "code_word_information",
    "CodeWordInformation",
    "group_contributions",
    "plot_ablation",
    "plot_accuracy",
    "plot_code_average",
    "plot_code_usage",
    "plot_code_words",
    "plot_codes",
    "plot_codex",
    "plot_confusion",
    "plot_contacts",
    "plot_contributions",
    "plot_group_contributions",
    "plot_history",
    "plot_learning_curve",
    "plot_patch_filters",
    "plot_patterns",
    "plot_reconstruction",
    "plot_spatial_filters",
    "results_table",
    "view_brain",
    "view_contacts",
]
