"""Open the file of a recording, in any format, as it describes itself.

What MNE does not look at is looked at here: whether a BrainVision header or an EEGLAB
file names another recording's samples, channels of EDF with other sampling rates, gaps
between the records of EDF+D, annotations that are not UTF-8, and recordings that are
cut into epochs.
"""

import tempfile
import warnings
from dataclasses import dataclass, field
from pathlib import Path

import mne
import numpy as np
import pandas as pd

from mne_duin.channels import parse_contact
from mne_duin.io._channels import INTRACRANIAL
from mne_duin.io._gaps import RawWithGaps, set_boundaries, stretches
from mne_duin.io._nwb import read_raw_nwb
from mne_duin.io._sidecars import check_fetched, compose
from mne_duin.utils._checks import import_optional


@dataclass
class Header:
    """What the file of a recording says about itself.

    Parameters
    ----------
    path : pathlib.Path
        The file.
    sfreq : float
        Sampling rate in Hz as written.
    named, used : pathlib.Path
        The file of the samples that the header names, and the one that is read.
    other_rates : dict of str -> float
        Channels that are left out because their rate in Hz is another one.
    encoding : str | None
        Encoding of the annotations where it is not UTF-8.
    """

    path: Path
    sfreq: float = 0.0
    named: Path | None = None
    used: Path | None = None
    other_rates: dict = field(default_factory=dict)
    encoding: str | None = None


def open_file(path, channels, verbose):
    """Open the file of a recording.

    Parameters
    ----------
    path : pathlib.Path
        The file.
    channels : pandas.DataFrame | None
        What channels.tsv says, for files without channel names and to know contacts.
    verbose : bool | str | int | None
        How much MNE logs.

    Returns
    -------
    raw : mne.io.BaseRaw
        The recording as the file describes it, names and words in composed Unicode.
    header : Header
        What the file says about itself.

    Raises
    ------
    FileNotFoundError
        If samples were not fetched, or are not there.
    ValueError
        If the file cannot be read.
    """
    check_fetched(path)
    header = Header(path, named=path, used=path)
    opener = OPENERS.get(path.suffix.lower(), _open_any)
    try:
        raw = opener(path, channels, header, verbose)
    except (ImportError, FileNotFoundError, _Refused):
        raise
    except Exception as error:
        raise ValueError(
            f"{path} cannot be opened ({type(error).__name__}: {error}); the file is "
            "damaged, incomplete or not what its ending says."
        ) from error
    if raw.n_times < 2:
        raise ValueError(
            f"{path} holds {raw.n_times} samples; there is nothing to read."
        )
    header.sfreq = float(raw.info["sfreq"])
    _compose_names(raw)
    return raw, header


class _Refused(ValueError):
    """An error that already says what is wrong with a file."""


def _compose_names(raw):
    """Bring channel names and annotations into composed Unicode, in place."""
    names = {name: compose(name) for name in raw.ch_names if compose(name) != name}
    if names:
        raw.rename_channels(names, verbose="error")
    marks = raw.annotations
    words = [compose(word) for word in marks.description]
    if words != list(marks.description):
        marks.description = np.array(words)


def _open_any(path, channels, header, verbose):
    """Open a file of a format about which nothing more is to be looked at."""
    return mne.io.read_raw(path, preload=False, verbose=verbose)


def _open_nwb(path, channels, header, verbose):
    """Open an NWB file; names and unit come from channels.tsv where it has none."""
    names = unit = None
    if channels is not None:
        contacts = channels[channels["kind"].isin(INTRACRANIAL)]
        units = contacts.get("units", pd.Series(dtype=object)).dropna()
        names, unit = (
            list(channels.index),
            (units.mode().iloc[0] if len(units) else None),
        )
    return read_raw_nwb(path, names, unit, verbose=verbose)


def _open_mef(path, channels, header, verbose):
    """Open a MEF3 folder."""
    import_optional("pymef", extra="mef", purpose="read MEF3 recordings")
    return mne.io.read_raw_mef(path, verbose=verbose)


def _open_brainvision(path, channels, header, verbose):
    """Open a BrainVision recording with the samples that bear its own name."""
    text = _decode(path)
    named = {
        key: value.strip().replace("$b", path.stem)
        for key, _, value in (line.partition("=") for line in text.splitlines())
        if key.strip() in ("DataFile", "MarkerFile")
    }
    header.named = header.used = path.with_name(named.get("DataFile", path.name))
    own = path.with_name(path.stem + header.named.suffix)
    markers = path.with_name(named.get("MarkerFile", path.stem + ".vmrk"))
    if header.named.stem != path.stem:
        if own.exists() or own.is_symlink():
            header.used = own
        else:
            _check_owner(path, header.named)
        if path.with_suffix(".vmrk").exists():
            markers = path.with_suffix(".vmrk")
    check_fetched(header.used)
    check_fetched(markers)
    if not header.used.exists():
        raise FileNotFoundError(
            f"{path} names its samples DataFile={header.named.name}, which is not "
            f"there; restore the file or correct the header."
        )
    try:
        if header.used != header.named:
            raw = _open_corrected(path, header.used, markers, verbose)
        else:
            raw = mne.io.read_raw_brainvision(path, verbose=verbose)
    except UnicodeDecodeError:
        header.encoding = "Latin-1"
        raw = _open_corrected(path, header.used, markers, verbose)
    set_boundaries(raw)
    return raw


def _check_owner(path, named):
    """Complain if the samples that a header names belong to another recording."""
    other = named.with_suffix(path.suffix)
    if named.exists() and other.exists() and other != path:
        raise _Refused(
            f"{path.name} names the samples of another recording, {named.name} (which "
            f"belongs to {other.name}), and {path.stem}{named.suffix} is not there. "
            "Correct the header, or restore the file."
        )


def _decode(path):
    """Return a text file as text; one that is not UTF-8 is read as Latin-1."""
    data = path.read_bytes()
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:
        return data.decode("latin-1")


def _open_corrected(path, samples, markers, verbose):
    """Open a BrainVision recording by copies of its texts, corrected.

    They name the files of the recording, and are in the encoding that they declare.
    """
    with tempfile.TemporaryDirectory() as folder:
        header, copied = Path(folder) / path.name, Path(folder) / "markers.vmrk"
        files = {"DataFile": samples.resolve(), "MarkerFile": markers.resolve()}
        if markers.exists():
            files["MarkerFile"] = copied
            text = _with_infos(_decode(markers), {"Codepage": "UTF-8"})
            copied.write_text(text, encoding="utf-8")
        text = _with_infos(_decode(path), {"Codepage": "UTF-8", **files})
        header.write_text(text, encoding="utf-8")
        return mne.io.read_raw_brainvision(header, verbose=verbose)


def _with_infos(text, values):
    """Return the text of a BrainVision file with other values in [Common Infos]."""
    lines = text.splitlines()
    lines = [line for line in lines if line.partition("=")[0].strip() not in values]
    heads = [line.strip().lower() for line in lines]
    place = heads.index("[common infos]") + 1 if "[common infos]" in heads else 1
    lines[place:place] = [f"{key}={value}" for key, value in values.items()]
    return "\n".join(lines) + "\n"


def _open_eeglab(path, channels, header, verbose):
    """Open an EEGLAB recording; one that is cut into epochs as concatenated trials."""
    with warnings.catch_warnings():
        # Boundaries are looked after here, and events come from events.tsv.
        warnings.filterwarnings("ignore", "The data contains 'boundary' events")
        warnings.filterwarnings("ignore", "At least one epoch has multiple events")
        try:
            raw = mne.io.read_raw_eeglab(path, verbose=verbose)
        except TypeError as error:
            if "number of trials" not in str(error):
                raise
            return _concatenated(mne.read_epochs_eeglab(path, verbose=verbose))
    header.named = header.used = Path(raw.filenames[0])
    if header.used.stem != path.stem:
        _check_owner(path, header.used)
    set_boundaries(raw)
    return raw


def _concatenated(epochs):
    """Return the trials of Epochs one after the other, with boundaries between them."""
    n_times = len(epochs.times)
    data = np.concatenate(list(epochs.get_data(copy=False)), axis=1)
    raw = mne.io.RawArray(data, epochs.info, verbose="error")
    set_boundaries(raw, np.arange(n_times, raw.n_times, n_times))
    return raw


@dataclass
class _EDFHeader:
    """The part of an EDF or BDF header that says how its records are laid out."""

    names: list
    sizes: np.ndarray
    seconds: float
    n_records: int
    data_offset: int
    kind: str
    width: int

    @property
    def is_text(self):
        """Which channels hold annotations."""
        return np.array([name.endswith(" Annotations") for name in self.names])


def _read_edf_header(path):
    """Read how the records of an EDF or BDF file are laid out."""
    with open(path, "rb") as file:
        start = file.read(256)
        n = int(start[252:256])
        fields = file.read(256 * n)
    names = [fields[16 * i : 16 * i + 16].decode("latin-1").strip() for i in range(n)]
    sizes = [int(fields[216 * n + 8 * i : 216 * n + 8 * i + 8]) for i in range(n)]
    width = 3 if path.suffix.lower() == ".bdf" else 2
    offset, sizes = int(start[184:192]), np.array(sizes)
    n_records = (path.stat().st_size - offset) // max(int(sizes.sum()) * width, 1)
    return _EDFHeader(
        names,
        sizes,
        float(start[244:252]) or 1.0,
        n_records,
        offset,
        start[192:236].decode("latin-1").strip(),
        width,
    )


def _open_edf(path, channels, header, verbose):
    """Open EDF or BDF: contacts at their own rate, records where they begin."""
    layout = _read_edf_header(path)
    rate, header.other_rates = _contact_rate(layout, channels)
    read = mne.io.read_raw_bdf if layout.width == 3 else mne.io.read_raw_edf
    options = {"exclude": list(header.other_rates), "verbose": verbose}
    try:
        raw = read(path, **options)
    except Exception as error:
        if "invalid byte" not in str(error) and not isinstance(
            error, UnicodeDecodeError
        ):
            raise
        header.encoding = "Latin-1"
        raw = read(path, encoding="latin1", **options)
    begins = _record_begins(path, layout)
    if begins is None:
        return raw
    places = stretches(begins, int(round(rate * layout.seconds)), rate)
    if len(places) == 1:
        return raw
    encoding = "latin1" if header.encoding else "utf8"
    annotations = mne.read_annotations(path, encoding=encoding)
    return RawWithGaps(raw, places, annotations, verbose=verbose)


def _contact_rate(layout, channels):
    """Return the rate of most contacts, and the channels that have another one."""
    rates = layout.sizes / layout.seconds
    signals = np.flatnonzero(~layout.is_text)
    if len(np.unique(rates[signals])) <= 1:
        return (rates[signals[0]] if len(signals) else 1.0), {}
    names = [compose(name) for name in layout.names]
    kinds = {} if channels is None else channels["kind"].to_dict()
    contacts = [
        index
        for index in signals
        if (
            kinds.get(names[index]) in INTRACRANIAL
            if kinds
            else parse_contact(names[index])
        )
    ]
    values, counts = np.unique(rates[contacts or signals], return_counts=True)
    rate = values[counts.argmax()]
    others = {
        layout.names[index]: float(rates[index])
        for index in signals
        if rates[index] != rate
    }
    return float(rate), others


def _record_begins(path, layout):
    """Return when each record of an EDF+D file begins in seconds, else None."""
    texts = np.flatnonzero(layout.is_text)
    if not layout.kind.startswith(("EDF+D", "BDF+D")) or not len(texts):
        return None
    size = int(layout.sizes.sum()) * layout.width
    first = int(layout.sizes[: texts[0]].sum()) * layout.width
    last = first + int(layout.sizes[texts[0]]) * layout.width
    records = np.memmap(path, np.uint8, "r", layout.data_offset)
    records = records[: layout.n_records * size].reshape(layout.n_records, size)
    begins = []
    for record in records[:, first:last]:
        stamp = bytes(record).split(b"\x14", 1)[0].split(b"\x15", 1)[0]
        begins.append(float(stamp))
    return np.array(begins)


# In this order they are preferred where a recording lies in several formats.
OPENERS = {
    ".vhdr": _open_brainvision,
    ".edf": _open_edf,
    ".bdf": _open_edf,
    ".set": _open_eeglab,
    ".nwb": _open_nwb,
    ".mefd": _open_mef,
}
