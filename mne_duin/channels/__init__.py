"""From contacts to channels: names, anatomy, regions, references, selection.

``names`` reads shaft and number, ``tables`` handles the contacts table and ``pairs``
finds neighbours; ``coordinates`` knows which spaces lead to MNI152;
``atlas`` and ``labels`` name the grey matter at every contact (``label_columns`` takes
the names that electrodes.tsv brings along); ``regions`` groups labels; ``matrices`` and
``reference`` make bipolar, Laplacian and shaft-average channels; ``selection`` and
``contribution`` pick channels inside the folds; ``subjects`` puts several subjects into
one Epochs object. Everything here works on tables and MNE objects in memory.
"""

from mne_duin.channels.atlas import Atlas, load_atlas
from mne_duin.channels.contribution import ContributionSelector, SelectedChannels
from mne_duin.channels.coordinates import space_family, to_mni152
from mne_duin.channels.labels import assign_labels, label_contacts
from mne_duin.channels.names import Contact, parse_contact
from mne_duin.channels.pairs import bipolar_pairs
from mne_duin.channels.reference import (
    reference_bipolar,
    reference_laplacian,
    reference_shaft,
)
from mne_duin.channels.regions import REGIONS, assign_regions
from mne_duin.channels.selection import RegionSelector
from mne_duin.channels.subjects import stack_subjects
from mne_duin.channels.tables import name_table

__all__ = [
    "REGIONS",
    "Atlas",
    "Contact",
    "ContributionSelector",
    "RegionSelector",
    "SelectedChannels",
    "assign_labels",
    "assign_regions",
    "bipolar_pairs",
    "label_contacts",
    "load_atlas",
    "name_table",
    "parse_contact",
    "reference_bipolar",
    "reference_laplacian",
    "reference_shaft",
    "space_family",
    "stack_subjects",
    "to_mni152",
]
