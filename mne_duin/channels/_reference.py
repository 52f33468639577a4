"""References: bipolar, Laplacian, shaft average, common average and white matter.

Every reference is a matrix: its rows say how each new channel is made of the contacts
that were recorded. The matrix product is the whole computation, so a recording, its
epochs and a chunk of samples are referenced by the same line. Channels that were
recorded as the difference of two contacts are kept as they are.
"""

import re

import mne
import numpy as np
import pandas as pd
from mne.utils import logger, warn

from mne_duin.channels._make import as_contacts
from mne_duin.channels._neighbors import bipolar_pairs
from mne_duin.channels._pairs import complete_pairs, pair_table
from mne_duin.channels._spaces import to_mni305
from mne_duin.channels._table import as_name_table, is_pair
from mne_duin.utils._checks import check_option, first_names

REFERENCES = ("bipolar", "laplacian", "shaft", "average", "white-matter", "none")
WHITE_COLUMNS = re.compile(
    r"^(?:wm|white_?matter|gr[ae]y_white|tissue)$", re.IGNORECASE
)
WHITE = re.compile(r"white|^wm$|^(?:1(?:\.0)?|yes|true)$", re.IGNORECASE)
WHITE_LABEL = re.compile(r"white.?matter|^wm[-_ ]|callos|^CC_", re.IGNORECASE)
DEEP = 2.0  # mm from gray matter, for a contact that the template puts in white matter


def reference_bipolar(
    inst, contacts: pd.DataFrame | None = None, *, max_gap: int = 1, max_distance="auto"
) -> tuple:
    """Subtract the next contact of the shaft from every contact.

    Channels that were recorded as the difference of two contacts (``A1-A2``) are kept
    as they are.

    Parameters
    ----------
    inst : mne.io.BaseRaw | mne.BaseEpochs
        The recording or its epochs. Bad channels are left out.
    contacts : pandas.DataFrame | DigMontage | None
        The contacts table; contacts are looked up by channel name. None makes it of the
        montage of the data.
    max_gap, max_distance : int, float | "auto" | None
        See :func:`bipolar_pairs`.

    Returns
    -------
    inst : mne.io.BaseRaw | mne.BaseEpochs
        A copy with the pairs only, in the order of their anodes in the data.
    contacts : pandas.DataFrame
        One row for each pair: ``anode``, ``cathode``, the midpoint in ``x``, ``y``,
        ``z``, both labels in ``anode_label`` and ``cathode_label``, and the label of
        the pair: the common one, else that of the contact nearer to its label
        (``label_distance``), else the anode's. ``label_rule`` says which it was.

    Raises
    ------
    ValueError
        If there is no pair of neighbors.
    """
    options = {"max_gap": max_gap, "max_distance": max_distance}
    return apply_reference(inst, contacts, "bipolar", options)


def reference_laplacian(
    inst, contacts: pd.DataFrame | None = None, *, max_gap: int = 1, max_distance="auto"
) -> tuple:
    """Subtract the mean of the neighbors on the shaft from every contact.

    Parameters
    ----------
    inst : mne.io.BaseRaw | mne.BaseEpochs
        The recording or its epochs. Bad channels are left out.
    contacts : pandas.DataFrame | DigMontage | None
        The contacts table; contacts are looked up by channel name. None makes it of the
        montage of the data.
    max_gap, max_distance : int, float | "auto" | None
        See :func:`bipolar_pairs`; the neighbors of a contact are those that it would be
        paired with.

    Returns
    -------
    inst : mne.io.BaseRaw | mne.BaseEpochs
        A copy with the contacts that have a neighbor. At the end of a shaft the one
        neighbor is subtracted.
    contacts : pandas.DataFrame
        The rows of these contacts.

    Raises
    ------
    ValueError
        If no contact has a neighbor.

    Examples
    --------
    >>> import mne
    >>> import pandas as pd
    >>> from mne_duin import reference_laplacian
    >>> names = ["A1", "A2", "A3"]
    >>> info = mne.create_info(names, 1000.0, "seeg")
    >>> raw = mne.io.RawArray([[1.0], [2.0], [6.0]], info, verbose=False)
    >>> contacts = pd.DataFrame({"shaft": "A", "number": [1, 2, 3]}, index=names)
    >>> changed, _ = reference_laplacian(raw, contacts)
    >>> changed.get_data()[:, 0].tolist()
    [-1.0, -1.5, 4.0]
    """
    options = {"max_gap": max_gap, "max_distance": max_distance}
    return apply_reference(inst, contacts, "laplacian", options)


def reference_shaft(inst, contacts: pd.DataFrame | None = None) -> tuple:
    """Subtract the mean of its shaft from every contact.

    Parameters
    ----------
    inst : mne.io.BaseRaw | mne.BaseEpochs
        The recording or its epochs. Bad channels are left out.
    contacts : pandas.DataFrame | DigMontage | None
        The contacts table; contacts are looked up by channel name. None makes it of the
        montage of the data.

    Returns
    -------
    inst : mne.io.BaseRaw | mne.BaseEpochs
        A copy with the contacts of shafts with two contacts or more.
    contacts : pandas.DataFrame
        The rows of these contacts.

    Raises
    ------
    ValueError
        If no shaft has two contacts.

    Examples
    --------
    >>> import mne
    >>> import pandas as pd
    >>> from mne_duin import reference_shaft
    >>> names = ["A1", "A2", "A3"]
    >>> info = mne.create_info(names, 1000.0, "seeg")
    >>> raw = mne.io.RawArray([[1.0], [2.0], [6.0]], info, verbose=False)
    >>> contacts = pd.DataFrame({"shaft": "A", "number": [1, 2, 3]}, index=names)
    >>> changed, _ = reference_shaft(raw, contacts)
    >>> changed.get_data()[:, 0].round(2).tolist()
    [-2.0, -1.0, 3.0]
    """
    return apply_reference(inst, contacts, "shaft", {})


def reference_average(inst, contacts: pd.DataFrame | None = None) -> tuple:
    """Subtract the mean of all contacts from every contact.

    Parameters
    ----------
    inst : mne.io.BaseRaw | mne.BaseEpochs
        The recording or its epochs. Bad channels are left out.
    contacts : pandas.DataFrame | DigMontage | None
        The contacts table; contacts are looked up by channel name. None makes it of the
        montage of the data.

    Returns
    -------
    inst : mne.io.BaseRaw | mne.BaseEpochs
        A copy with the contacts.
    contacts : pandas.DataFrame
        The rows of these contacts.

    Raises
    ------
    ValueError
        If there are fewer than two contacts.

    Examples
    --------
    >>> import mne
    >>> import pandas as pd
    >>> from mne_duin import reference_average
    >>> names = ["A1", "A2", "B1"]
    >>> info = mne.create_info(names, 1000.0, "seeg")
    >>> raw = mne.io.RawArray([[1.0], [2.0], [6.0]], info, verbose=False)
    >>> contacts = pd.DataFrame({"shaft": list("AAB"), "number": [1, 2, 1]}, names)
    >>> changed, _ = reference_average(raw, contacts)
    >>> changed.get_data()[:, 0].round(2).tolist()
    [-2.0, -1.0, 3.0]
    """
    return apply_reference(inst, contacts, "average", {})


def reference_white_matter(inst, contacts: pd.DataFrame | None = None) -> tuple:
    """Subtract the mean of the contacts in white matter from every other contact.

    Parameters
    ----------
    inst : mne.io.BaseRaw | mne.BaseEpochs
        The recording or its epochs. Bad channels are left out.
    contacts : pandas.DataFrame
        The contacts table. Which contacts lie in white matter is taken from a column of
        the lab (``WM``, ``whitematter``, ``gray_white``), else from labels that say so,
        else from ``tissue`` (see :func:`assign_labels`): white, and at least 2 mm from
        gray matter.

    Returns
    -------
    inst : mne.io.BaseRaw | mne.BaseEpochs
        A copy with the contacts that do not lie in white matter.
    contacts : pandas.DataFrame
        The rows of these contacts.

    Raises
    ------
    ValueError
        If no contact is known to lie in white matter.

    References
    ----------
    Mercier et al., Advances in human intracranial electroencephalography research,
    guidelines and good practices, NeuroImage 260 (2022) 119438.

    Examples
    --------
    >>> import mne
    >>> import pandas as pd
    >>> from mne_duin import reference_white_matter
    >>> names = ["A1", "A2", "B1"]
    >>> info = mne.create_info(names, 1000.0, "seeg")
    >>> raw = mne.io.RawArray([[1.0], [2.0], [6.0]], info, verbose=False)
    >>> contacts = pd.DataFrame({"WM": ["no", "yes", "yes"]}, names)
    >>> changed, _ = reference_white_matter(raw, contacts)
    >>> changed.get_data().tolist()
    [[-3.0]]
    """
    return apply_reference(inst, contacts, "white-matter", {})


def apply_reference(inst, contacts, reference, options):
    """Apply a reference to a recording or epochs; see :func:`reference_matrix`."""
    contacts = as_contacts(contacts, inst)
    bads = set(inst.info["bads"])
    used = [name for name in inst.ch_names if name in contacts.index]
    pairs = complete_pairs(contacts, inst.ch_names)
    if len(pairs) > len(contacts):  # recorded pairs of contacts that the table has
        contacts = pairs
        used = [name for name in inst.ch_names if name in contacts.index]
    good = [name for name in used if name not in bads]
    if not used:
        raise ValueError(
            "No channel of the data is in `contacts`; the data has "
            f"{first_names(inst.ch_names)} and the table {first_names(contacts.index)}."
        )
    if len(good) < len(used):
        lost = sorted(set(used) - set(good))
        logger.info(f"Bad channels left out: {first_names(lost)}.")
    rest = [name for name in inst.ch_names if name not in used]
    if rest:
        logger.info(f"Channels without a contact left out: {first_names(rest)}.")
    matrix, table = reference_matrix(contacts.loc[good], reference, **options)
    info = reference_info(inst.info, table, reference)
    data = np.matmul(matrix, inst.get_data(picks=good))
    return _rebuild(inst, data, info), table


def reference_matrix(
    contacts: pd.DataFrame, reference: str, *, max_gap=1, max_distance="auto"
) -> tuple[np.ndarray, pd.DataFrame]:
    """Build the matrix and the table of a reference.

    Parameters
    ----------
    contacts : pandas.DataFrame
        The good contacts that were recorded, in the order of the data.
    reference : str
        One of ``REFERENCES``.
    max_gap, max_distance : int, float | "auto" | None
        See :func:`bipolar_pairs`.

    Returns
    -------
    matrix : ndarray, shape (n_new_channels, n_channels)
        The new channels are ``matrix @ data``.
    contacts : pandas.DataFrame
        The table of the new channels.

    Raises
    ------
    ValueError
        If the reference leaves no channel.
    """
    check_option("reference", reference, REFERENCES)
    contacts = as_name_table(contacts)
    if reference == "none":
        return np.eye(len(contacts)), complete_pairs(contacts)
    recorded = is_pair(contacts)
    single = contacts[~recorded]
    if reference == "bipolar":
        matrix, table = _bipolar(single, max_gap, max_distance)
    else:
        matrix = _contact_matrix(single, reference, max_gap, max_distance)
        kept = matrix.any(axis=1)
        matrix, table = matrix[kept], single[kept].copy()
    if recorded.any():
        _report_recorded(contacts.index[recorded], reference)
        matrix, table = _add_recorded(contacts, recorded, matrix, table)
    _report_left_out(contacts, matrix, reference)
    return matrix, table


def _bipolar(contacts, max_gap, max_distance):
    """Return the matrix (n_pairs, n_contacts) and the table of bipolar channels."""
    place = {name: row for row, name in enumerate(contacts.index)}
    pairs = bipolar_pairs(contacts, max_gap=max_gap, max_distance=max_distance)
    ends = [(place[anode], place[cathode]) for anode, cathode in pairs]
    anodes, cathodes = np.array(ends, dtype=int).reshape(-1, 2).T
    units = np.eye(len(contacts))
    table = pair_table(contacts.iloc[anodes], contacts.iloc[cathodes])
    return units[anodes] - units[cathodes], table


def _contact_matrix(contacts, reference, max_gap, max_distance):
    """Return the matrix of a reference that keeps contacts; rows left out are zero."""
    n_contacts = len(contacts)
    kept = np.ones(n_contacts, dtype=bool)
    if reference == "average":
        near = np.ones((n_contacts, n_contacts))
        kept[:] = n_contacts > 1
    elif reference == "white-matter":
        white = _in_white_matter(contacts)
        near, kept = np.tile(white.astype(float), (n_contacts, 1)), ~white
    elif reference == "shaft":
        shaft = contacts["shaft"].to_numpy(dtype=object)
        known = contacts["shaft"].notna().to_numpy()
        near = ((shaft[:, None] == shaft) & known[:, None] & known).astype(float)
        kept = near.sum(axis=1) > 1
    else:
        near = np.zeros((n_contacts, n_contacts))
        place = {name: row for row, name in enumerate(contacts.index)}
        for pair in bipolar_pairs(contacts, max_gap=max_gap, max_distance=max_distance):
            i, j = (place[name] for name in pair)
            near[i, j] = near[j, i] = 1
        kept = near.any(axis=1)
    mean = near / np.maximum(near.sum(axis=1, keepdims=True), 1)
    return (np.eye(n_contacts) - mean) * kept[:, None]


def _in_white_matter(contacts) -> np.ndarray:
    """Return which contacts lie in white matter, by the best source there is."""
    for column in contacts.columns:
        lab_column = WHITE_COLUMNS.match(str(column)) and not (
            column == "tissue" and "label_distance" in contacts
        )
        if lab_column:
            return contacts[column].astype(str).str.contains(WHITE).to_numpy()
    labels = contacts.get("label", pd.Series("", contacts.index)).astype("string")
    white = labels.str.contains(WHITE_LABEL).fillna(False).to_numpy(dtype=bool)
    if not white.any() and {"tissue", "label_distance"} <= set(contacts.columns):
        deep = ~(contacts["label_distance"] < DEEP)
        white = ((contacts["tissue"] == "white") & deep).to_numpy(dtype=bool)
    if not white.any():
        raise ValueError(
            "No contact is known to lie in white matter, which the reference "
            "'white-matter' needs: neither a column WM or whitematter of "
            "electrodes.tsv nor the labels nor the atlas say so. Use another reference."
        )
    return white


def _add_recorded(contacts, recorded, matrix, table):
    """Put the channels that were recorded as pairs back, in the order of the data."""
    single = np.flatnonzero(~recorded)
    wide = np.zeros((len(matrix), len(contacts)))
    wide[:, single] = matrix
    kept = np.flatnonzero(recorded)
    pairs = complete_pairs(contacts).iloc[kept]
    whole = np.vstack([wide, np.eye(len(contacts))[kept]])
    # A new channel stands where its contact stands: the anode, of weight above zero.
    order = np.argsort((whole > 0).argmax(axis=1), kind="stable")
    table = pd.concat([table, pairs]) if len(table) else pairs
    return whole[order], table.iloc[order]


def _report_recorded(names, reference):
    """Say that recorded pairs are kept; aloud if another reference was asked for."""
    text = (
        f"{len(names)} channel(s) were recorded as differences of two contacts and are "
        f"kept as they are: {first_names(names)}."
    )
    if reference == "bipolar":
        logger.info(text)
    else:
        warn(f"{text} The {reference} reference cannot be made of them.")


def _report_left_out(contacts, matrix, reference):
    """Log the contacts that a reference does not use, or say that none is left."""
    unused = contacts.index[~matrix.any(axis=0)]
    if not len(matrix):
        raise ValueError(
            f"The {reference} reference leaves no channel: no two of the "
            f"{len(contacts)} contact(s) are neighbors on a shaft "
            f"({first_names(contacts.index)}). Use reference='none', or allow a larger "
            "max_gap or max_distance."
        )
    if len(unused):
        logger.info(
            f"{len(unused)} contact(s) have no neighbor for the {reference} "
            f"reference and are left out: {first_names(unused)}."
        )


def reference_info(info: mne.Info, contacts: pd.DataFrame, reference: str) -> mne.Info:
    """Make the info of referenced channels.

    Channel types are as recorded; positions are in MNE's head frame where the space of
    the contacts leads to MNI305, and missing elsewhere.
    """
    kinds = dict(zip(info["ch_names"], info.get_channel_types(), strict=True))
    anodes = contacts.get("anode", pd.Series(None, contacts.index, dtype=object))
    origin = [n if n in kinds else anode for n, anode in anodes.items()]
    types = [kinds[name] for name in origin]
    new = mne.create_info(list(contacts.index), info["sfreq"], types)
    with new._unlock():
        for key in ("line_freq", "highpass", "lowpass", "meas_date", "subject_info"):
            new[key] = info[key]
        if reference != "none":
            new["custom_ref_applied"] = mne.io.constants.FIFF.FIFFV_MNE_CUSTOM_REF_ON
    return _set_positions(new, contacts)


def _set_positions(info, contacts):
    """Set channel positions of an info in place, from a contacts table.

    They are in head coordinates by way of MNE's fsaverage fiducials, which survive
    saving to FIF.
    """
    xyz = (
        to_mni305(contacts) if "x" in contacts else np.full((len(contacts), 3), np.nan)
    )
    known = np.isfinite(xyz).all(axis=1)
    if not known.any():
        return info
    places = dict(zip(contacts.index[known], xyz[known] / 1000, strict=True))
    montage = mne.channels.make_dig_montage(places, coord_frame="mni_tal")
    montage.add_mni_fiducials()
    info.set_montage(montage, on_missing="ignore", verbose="error")
    return info


def _rebuild(inst, data, info):
    """Put samples (…, n_channels, n_times) in volts into an object like ``inst``."""
    if isinstance(inst, mne.io.BaseRaw):
        raw = mne.io.RawArray(data, info, first_samp=inst.first_samp, verbose="error")
        return raw.set_annotations(inst.annotations.copy(), verbose="error")
    if not isinstance(inst, mne.BaseEpochs):
        raise TypeError(f"`inst` must be Raw or Epochs; got {type(inst).__name__}.")
    return mne.EpochsArray(
        data,
        info,
        events=inst.events,
        tmin=inst.tmin,
        event_id=inst.event_id,
        metadata=inst.metadata,
        selection=inst.selection,
        drop_log=inst.drop_log,
        baseline=None,
        proj=False,
        verbose="error",
    )
