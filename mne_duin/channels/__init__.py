"""From contacts to channels: names, anatomy, regions, references, selection.

``_names`` reads shaft and number and knows what is no contact, ``_table`` handles the
contacts table, ``_pairs`` describes bipolar channels and ``_neighbors`` finds pairs of
neighbors; ``_spaces`` knows which spaces lead to MNI152; ``_atlas`` and ``_labels``
name the gray matter at every contact (``_label_columns`` takes the names that a lab's
own files bring along, ``_label_words`` reads their spellings); ``_regions`` groups
labels; ``_reference`` makes channels of contacts; ``_selection`` picks channels inside
the folds; ``_subjects`` puts several subjects into one Epochs object. Everything here
works on tables and MNE objects in memory.
"""

from mne_duin.channels._atlas import Atlas, load_atlas
from mne_duin.channels._labels import assign_labels, label_contacts
from mne_duin.channels._make import as_contacts as as_contacts
from mne_duin.channels._make import make_contacts
from mne_duin.channels._names import Contact, name_table, parse_contact
from mne_duin.channels._names import find_other_channels as find_other_channels
from mne_duin.channels._names import recorded_pairs as recorded_pairs
from mne_duin.channels._names import split_name as split_name
from mne_duin.channels._neighbors import bipolar_pairs
from mne_duin.channels._pairs import UNKNOWN as UNKNOWN
from mne_duin.channels._pairs import complete_pairs as complete_pairs
from mne_duin.channels._reference import REFERENCES as REFERENCES
from mne_duin.channels._reference import (
    reference_average,
    reference_bipolar,
    reference_laplacian,
    reference_shaft,
    reference_white_matter,
)
from mne_duin.channels._reference import reference_info as reference_info
from mne_duin.channels._reference import reference_matrix as reference_matrix
from mne_duin.channels._regions import REGIONS, assign_regions
from mne_duin.channels._selection import (
    ContributionSelector,
    RegionSelector,
    SelectedChannels,
)
from mne_duin.channels._selection import contacts_in_regions as contacts_in_regions
from mne_duin.channels._selection import no_contact_message as no_contact_message
from mne_duin.channels._spaces import SYSTEMS as SYSTEMS
from mne_duin.channels._spaces import is_known_space as is_known_space
from mne_duin.channels._spaces import side_of_x as side_of_x
from mne_duin.channels._spaces import space_family, to_mni152
from mne_duin.channels._subjects import stack_subjects

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
    "make_contacts",
    "name_table",
    "parse_contact",
    "reference_average",
    "reference_bipolar",
    "reference_laplacian",
    "reference_shaft",
    "reference_white_matter",
    "space_family",
    "stack_subjects",
    "to_mni152",
]
