"""References for depth electrodes: bipolar, Laplacian and shaft average.

Every reference is a matrix: its rows say how each new channel is made of the contacts
that were recorded. The matrix product is the whole computation, so a recording, its
epochs and a chunk of samples are referenced by the same line.
"""

import mne
import numpy as np
import pandas as pd
from mne.utils import logger

from mne_duin.channels.coordinates import to_mni305
from mne_duin.channels.matrices import reference_matrix


def reference_bipolar(inst, contacts, *, max_gap=1, max_distance="auto"):
    """Subtract the next contact of the shaft from every contact.

    Parameters
    ----------
    inst : mne.io.BaseRaw | mne.BaseEpochs
        The recording or its epochs. Bad channels are left out.
    contacts : pandas.DataFrame
        The contacts table; contacts are looked up by channel name.
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
        If there is no pair of neighbours.
    """
    options = {"max_gap": max_gap, "max_distance": max_distance}
    return apply_reference(inst, contacts, "bipolar", options)


def reference_laplacian(inst, contacts, *, max_gap=1):
    """Subtract the mean of the neighbours on the shaft from every contact.

    Parameters
    ----------
    inst : mne.io.BaseRaw | mne.BaseEpochs
        The recording or its epochs. Bad channels are left out.
    contacts : pandas.DataFrame
        The contacts table; contacts are looked up by channel name.
    max_gap : int
        Largest difference of the contact numbers of two neighbours.

    Returns
    -------
    inst : mne.io.BaseRaw | mne.BaseEpochs
        A copy with the contacts that have a neighbour. At the end of a shaft the one
        neighbour is subtracted.
    contacts : pandas.DataFrame
        The rows of these contacts.

    Raises
    ------
    ValueError
        If no contact has a neighbour.

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
    return apply_reference(inst, contacts, "laplacian", {"max_gap": max_gap})


def reference_shaft(inst, contacts):
    """Subtract the mean of its shaft from every contact.

    Parameters
    ----------
    inst : mne.io.BaseRaw | mne.BaseEpochs
        The recording or its epochs. Bad channels are left out.
    contacts : pandas.DataFrame
        The contacts table; contacts are looked up by channel name.

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


def apply_reference(inst, contacts, reference, options):
    """Apply a reference to a recording or epochs.

    Parameters
    ----------
    inst : mne.io.BaseRaw | mne.BaseEpochs
        The data.
    contacts : pandas.DataFrame
        The contacts table.
    reference : str
        See :func:`reference_matrix`.
    options : dict
        Keyword arguments of :func:`reference_matrix`.

    Returns
    -------
    inst : mne.io.BaseRaw | mne.BaseEpochs
        The new channels.
    contacts : pandas.DataFrame
        Their table.
    """
    bads = set(inst.info["bads"])
    used = [name for name in inst.ch_names if name in contacts.index]
    good = [name for name in used if name not in bads]
    if not used:
        raise ValueError(
            "No channel of the data is in `contacts`; the data has "
            f"{', '.join(inst.ch_names[:8])} and the table "
            f"{', '.join(map(str, contacts.index[:8]))}."
        )
    if len(good) < len(used):
        logger.info(
            f"Bad channels left out: {', '.join(sorted(set(used) - set(good)))}."
        )
    rest = [name for name in inst.ch_names if name not in used]
    if rest:
        logger.info(f"Channels without a contact left out: {', '.join(rest)}.")
    matrix, table = reference_matrix(contacts.loc[good], reference, **options)
    info = reference_info(inst.info, table, reference)
    data = np.matmul(matrix, inst.get_data(picks=good))
    return rebuild(inst, data, info), table


def reference_info(info, contacts, reference):
    """Make the info of referenced channels.

    Parameters
    ----------
    info : mne.Info
        The info of the recorded channels.
    contacts : pandas.DataFrame
        The table of the new channels.
    reference : str
        The reference.

    Returns
    -------
    info : mne.Info
        Channel types as recorded; positions in MNE's head frame where the space of the
        contacts leads to MNI305, none elsewhere.
    """
    origin = contacts.get("anode", pd.Series(contacts.index, contacts.index))
    kinds = dict(zip(info["ch_names"], info.get_channel_types(), strict=True))
    kinds = [kinds[name] for name in origin]
    new = mne.create_info(list(contacts.index), info["sfreq"], kinds)
    with new._unlock():
        for key in ("line_freq", "highpass", "lowpass", "meas_date", "subject_info"):
            new[key] = info[key]
        if reference != "none":
            new["custom_ref_applied"] = mne.io.constants.FIFF.FIFFV_MNE_CUSTOM_REF_ON
    return set_positions(new, contacts)


def set_positions(info, contacts):
    """Set channel positions from a contacts table.

    Parameters
    ----------
    info : mne.Info
        The info, changed in place.
    contacts : pandas.DataFrame
        The contacts table.

    Returns
    -------
    info : mne.Info
        The same info, in head coordinates by way of MNE's fsaverage fiducials, which
        survive saving to FIF.
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


def rebuild(inst, data, info):
    """Put referenced samples into an object like the one they came from.

    Parameters
    ----------
    inst : mne.io.BaseRaw | mne.BaseEpochs
        The object.
    data : ndarray, shape (..., n_channels, n_times)
        The new samples in volts.
    info : mne.Info
        Their info.

    Returns
    -------
    inst : mne.io.RawArray | mne.EpochsArray
        With the annotations, or events and metadata, of the original.
    """
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
