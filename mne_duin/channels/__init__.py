"""From contacts to channels: names, anatomy, regions, references, selection.

``names`` reads shaft and number, ``tables`` handles the contacts table and ``pairs``
finds neighbours; ``coordinates`` knows which spaces lead to MNI152;
``atlas`` and ``labels`` name the grey matter at every contact (``label_columns`` takes
the names that electrodes.tsv brings along); ``regions`` groups labels; ``matrices`` and
``reference`` make bipolar, Laplacian and shaft-average channels; ``selection`` and
``contribution`` pick channels inside the folds; ``subjects`` puts several subjects into
one Epochs object. Everything here works on tables and MNE objects in memory.
"""

from .atlas import Atlas, load_atlas
from .contribution import ContributionSelector, SelectedChannels
from .coordinates import space_family, to_mni152
from .labels import assign_labels, label_contacts
from .names import Contact, parse_contact
from .pairs import bipolar_pairs
from .reference import reference_bipolar, reference_laplacian, reference_shaft
from .regions import REGIONS, assign_regions
from .selection import RegionSelector
from .subjects import stack_subjects
from .tables import name_table

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
