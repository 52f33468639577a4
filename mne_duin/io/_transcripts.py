"""Words that stand in transcripts: tables with start and end, and Praat TextGrids."""

from pathlib import Path

import numpy as np
import pandas as pd
from mne_bids import BIDSPath

from mne_duin.io._events import LABEL, read_events
from mne_duin.io._sidecars import check_fetched, compose, find_sidecars, read_table
from mne_duin.io._sidecars import to_numbers as numbers_in
from mne_duin.utils._checks import check_number, first_names, import_optional

STARTS = ("start", "onset", "begin", "start_time", "tmin", "xmin")
ENDS = ("end", "stop", "end_time", "tmax", "xmax", "offset")
WORDS = (LABEL, "word", "words", "text", "label", "phoneme", "phone", "token")
ENDINGS = (".tsv", ".csv", ".textgrid")
WORD_TIERS = ("words", "word")


def read_transcript(
    path: str | Path,
    *,
    tier: str | None = None,
    column: str | None = None,
    offset: float = 0.0,
) -> pd.DataFrame:
    """Read the words or phonemes of a transcript as events.

    Parameters
    ----------
    path : path-like
        A table (``.tsv`` or ``.csv``) with a row for each word, its start and its end
        or duration in seconds; or a Praat ``.TextGrid``.
    tier : str | None
        Which tier of a TextGrid, or which rows of a table with a column ``tier``. None
        takes the tier of words, or the only one.
    column : str | None
        The column of the words. None takes the first that is there of ``trial_type``,
        ``word``, ``text``, ``label``, ``phoneme``, ``phone`` and ``token``.
    offset : float
        When the audio begins, in seconds from the start of the recording.

    Returns
    -------
    events : pandas.DataFrame
        One row for each word, in order: ``onset`` and ``duration`` in seconds,
        ``trial_type`` (the word), ``tier``, and the other columns of a table as text.
        Rows without a word, and repeated ones, are left out.

    Raises
    ------
    FileNotFoundError
        If the file is not there.
    ImportError
        If a TextGrid is to be read and praatio is not installed.
    ValueError
        If start, end or word cannot be found, or several tiers are there and none is
        chosen; the message lists what is there.

    See Also
    --------
    read_stimulus_events : Words of all stimuli that events.tsv names.
    read_epochs : Takes these events as ``events``.

    Examples
    --------
    >>> words = read_transcript("stimuli/story.TextGrid", offset=3.2)  # doctest: +SKIP
    >>> epochs, contacts = read_epochs(path, events=words)  # doctest: +SKIP
    """
    path = Path(path)
    check_number("offset", offset)
    check_fetched(path)
    if not path.is_file():
        raise FileNotFoundError(f"There is no transcript {path}.")
    if path.suffix.lower() == ".textgrid":
        events = _read_textgrid(path)
    else:
        events = _read_words(path, column)
    events = _choose_tier(events, tier, path)
    events["onset"] += offset
    known = events[LABEL].notna() & (events[LABEL] != "") & events["onset"].notna()
    events = events[known].drop_duplicates(["onset", "tier", LABEL])
    return events.sort_values("onset", kind="stable").reset_index(drop=True)


def read_stimulus_events(
    bids_path: BIDSPath, *, tier: str | None = None, column: str | None = None
) -> pd.DataFrame:
    """Read the words of the stimuli that events.tsv names, when they were heard.

    Parameters
    ----------
    bids_path : mne_bids.BIDSPath
        The recording. Its events.tsv has a column ``stim_file``, and the folder
        ``stimuli`` of the dataset has a transcript of the same name.
    tier, column : str | None
        See :func:`read_transcript`.

    Returns
    -------
    events : pandas.DataFrame
        One row for each word: ``onset`` (when the stimulus began, plus the start of
        the word in the transcript) and ``duration`` in seconds, ``trial_type`` (the
        word), ``stim_file`` and ``tier``.

    Raises
    ------
    FileNotFoundError
        If there is no events.tsv, or no stimulus has a transcript; the message lists
        the transcripts that are there.
    ValueError
        If events.tsv has no column ``stim_file``.

    See Also
    --------
    read_transcript : Read one transcript.

    Examples
    --------
    >>> words = read_stimulus_events(path, tier="words")  # doctest: +SKIP
    >>> epochs, contacts = read_epochs(path, events=words)  # doctest: +SKIP
    """
    paths = find_sidecars(bids_path, "events", ".tsv")
    if not paths:
        raise FileNotFoundError(
            f"There is no events.tsv for {bids_path.basename}, so it is not known when "
            f"a stimulus began{transcripts_hint(bids_path)}."
        )
    played = read_events(paths[0])
    if "stim_file" not in played:
        raise ValueError(
            f"{paths[0]} has no column stim_file; it has {', '.join(played.columns)}. "
            "Use read_transcript(…, offset=…) with the time at which the audio began."
        )
    parts = []
    for _, row in played[played["stim_file"].notna()].iterrows():
        transcript = _transcript_of(bids_path.root, row["stim_file"])
        if transcript is None:
            continue
        words = read_transcript(
            transcript, tier=tier, column=column, offset=row["onset"]
        )
        parts.append(words.assign(stim_file=row["stim_file"]))
    if not parts:
        raise FileNotFoundError(
            f"None of the {played['stim_file'].nunique()} stimuli that {paths[0]} "
            f"names has a transcript{transcripts_hint(bids_path)}."
        )
    events = pd.concat(parts, ignore_index=True)
    return events.sort_values("onset", kind="stable").reset_index(drop=True)


def find_transcripts(root):
    """Return the transcripts in the folder ``stimuli`` of a dataset."""
    folder = Path(root) / "stimuli"
    return sorted(
        path
        for path in folder.rglob("*")
        if path.suffix.lower() in ENDINGS and not path.name.startswith(".")
    )


def transcripts_hint(bids_path):
    """Return the end of a sentence that names the transcripts of a dataset."""
    there = find_transcripts(bids_path.root)
    if not there:
        return ""
    names = first_names((p.relative_to(bids_path.root).as_posix() for p in there), 5)
    return (
        f"; the dataset has {names}: read the words with read_transcript(path, "
        "offset=…) and pass them as events="
    )


def _transcript_of(root, stimulus):
    """Return the transcript of the same name as a stimulus file, or None."""
    stem = Path(str(stimulus)).stem.casefold()
    named = [path for path in find_transcripts(root) if path.stem.casefold() == stem]
    return named[0] if named else None


def _read_textgrid(path):
    """Read all tiers of a TextGrid."""
    textgrid = import_optional(
        "praatio.textgrid", extra="praat", purpose="read Praat TextGrids"
    )
    try:
        grid = textgrid.openTextgrid(str(path), includeEmptyIntervals=False)
    except Exception as error:
        raise ValueError(f"{path} is not a TextGrid ({error}).") from error
    rows = []
    for name in grid.tierNames:
        for entry in grid.getTier(name).entries:
            # An interval is (start, end, label), a point is (time, label).
            start, end, word = entry[0], entry[-2], entry[-1]
            rows.append((start, end - start, compose(word).strip(), compose(name)))
    columns = ["onset", "duration", LABEL, "tier"]
    return pd.DataFrame(rows, columns=columns).astype({LABEL: object, "tier": object})


def _read_words(path, column):
    """Read a table of words."""
    sep = "," if path.suffix.lower() == ".csv" else "\t"
    table = read_table(path, words=True, sep=sep)
    lower = {str(name).lower(): name for name in reversed(list(table.columns))}
    start = next((lower[name] for name in STARTS if name in lower), None)
    end = next((lower[name] for name in ENDS if name in lower), None)
    word = next((lower[name] for name in WORDS if name in lower), None)
    word = word if column is None else column
    missing = [
        what
        for what, name in (("start", start), ("word", word))
        if name is None or name not in table
    ]
    if missing:
        raise ValueError(
            f"{path} has no column for the {' and the '.join(missing)} of each word; "
            f"it has {', '.join(map(repr, table.columns))}. Name the column of the "
            "words with column=."
        )
    onset = numbers_in(path, table, start)
    if "duration" in lower:
        duration = np.nan_to_num(numbers_in(path, table, lower["duration"]))
    elif end is not None:
        duration = np.nan_to_num(numbers_in(path, table, end) - onset)
    else:
        duration = np.zeros(len(table))
    events = pd.DataFrame({"onset": onset, "duration": duration, LABEL: table[word]})
    events["tier"] = table.get("tier", pd.Series("word", table.index, dtype=object))
    rest = [c for c in table if c not in (*events.columns, start, "") and str(c)]
    rest = [c for c in rest if not str(c).startswith("Unnamed")]
    return pd.concat([events, table[rest]], axis=1)


def _choose_tier(events, tier, path):
    """Keep the rows of one tier."""
    there = list(dict.fromkeys(events["tier"].dropna()))
    if tier is None:
        of_words = [name for name in there if name.casefold() in WORD_TIERS]
        wanted = there if len(there) <= 1 else of_words
        if len(wanted) != 1 and there:
            raise ValueError(
                f"{path} has several tiers ({first_names(there)}); choose one with "
                "tier=."
            )
    elif compose(tier) not in there:
        raise ValueError(
            f"`tier` {tier!r} is not in {path}; there are {first_names(there)}."
        )
    else:
        wanted = [compose(tier)]
    return events[events["tier"].isin(wanted)].copy()
