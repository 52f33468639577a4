"""Arrays and tables in, one Figure out: everything that can be looked at.

Nothing here knows estimators or files. Values meet contacts by channel name
(``_align``), ``brain`` draws contacts on brains and montages, one ``_theme`` gives
colors and sizes. Where contacts have no coordinates, montages (shaft by contact number)
replace brains.
"""

from mne_duin.viz._accuracy import plot_ablation, plot_accuracy, results_table
from mne_duin.viz._code_meaning import (
    CodeWordInformation,
    code_triggered_average,
    code_word_information,
    plot_code_average,
    plot_code_words,
)
from mne_duin.viz._codes import plot_codes
from mne_duin.viz._codex import code_usage, plot_code_usage, plot_codex
from mne_duin.viz._confusion import plot_confusion
from mne_duin.viz._contact_kernels import plot_contact_kernels
from mne_duin.viz._contributions import plot_contributions
from mne_duin.viz._filters import plot_patterns, plot_spatial_filters
from mne_duin.viz._group import group_contributions, plot_group_contributions
from mne_duin.viz._history import plot_history, plot_learning_curve
from mne_duin.viz._patches import plot_patch_filters
from mne_duin.viz._pretraining import plot_pretraining
from mne_duin.viz._reconstruction import plot_reconstruction
from mne_duin.viz.brain._browser import ContactsView, view_contacts
from mne_duin.viz.brain._contacts import plot_contacts
from mne_duin.viz.brain._pyvista import view_brain

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
    "plot_contact_kernels",
    "plot_contacts",
    "plot_contributions",
    "plot_group_contributions",
    "plot_history",
    "plot_learning_curve",
    "plot_patch_filters",
    "plot_patterns",
    "plot_pretraining",
    "plot_reconstruction",
    "plot_spatial_filters",
    "results_table",
    "view_brain",
    "view_contacts",
]
