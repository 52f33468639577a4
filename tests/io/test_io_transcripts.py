"""Words that stand in transcripts, and what becomes of them as events."""

import bids_examples as examples
import numpy as np
import pandas as pd
import pytest

from mne_duin.io import read_epochs, read_stimulus_events, read_transcript

PLAIN = {"reference": "none", "l_freq": None, "h_freq": None, "notch": None}
PLAIN |= {"sfreq": None, "tmin": 0.0, "tmax": 0.5}
STARTS = np.array([0.5, 1.25, 2.0, 4.5])
TOKENS = ["ba", "na", "ba", "da"]
GRID = """File type = "ooTextFile"
Object class = "TextGrid"

0
6
<exists>
2
"IntervalTier"
"words"
0
6
{}
{}
"IntervalTier"
"phones"
0
6
2
0
0.5
"b"
0.5
6
"a"
"""


def write_table(path, *, sep="\t", start="start", end="end", word="word"):
    """Write a transcript as a table, with an index and a repeated word."""
    rows = [
        {"": i, start: s, end: s + 0.25, word: w, "token": w}
        for i, (s, w) in enumerate(zip(STARTS, TOKENS, strict=True))
    ]
    rows.insert(2, rows[1] | {"token": ","})
    rows.append({"": 9, start: 5.0, end: 5.1, word: "n/a", "token": "n/a"})
    path.parent.mkdir(exist_ok=True)
    pd.DataFrame(rows).to_csv(path, sep=sep, index=False)
    return path


def write_grid(path):
    """Write a TextGrid with a tier of words and one of phones."""
    rows, end = [], 0.0
    for start, token in zip(STARTS, TOKENS, strict=True):
        rows += [f'{end}\n{start}\n""', f'{start}\n{start + 0.25}\n"{token}"']
        end = start + 0.25
    rows.append(f'{end}\n6\n""')
    path.parent.mkdir(exist_ok=True)
    path.write_text(GRID.format(len(rows), "\n".join(rows)), encoding="utf-8")
    return path


@pytest.mark.parametrize(
    "names", [{}, {"start": "onset", "end": "stop", "word": "text"}]
)
@pytest.mark.parametrize(("ending", "sep"), [(".tsv", "\t"), (".csv", ",")])
def test_a_table_of_words(tmp_path, ending, sep, names):
    path = write_table(tmp_path / f"story{ending}", sep=sep, **names)
    events = read_transcript(path, offset=3.0)
    np.testing.assert_allclose(events["onset"], STARTS + 3.0)
    np.testing.assert_allclose(events["duration"], 0.25)
    assert list(events["trial_type"]) == TOKENS
    assert "token" in events
    chosen = read_transcript(path, column="token")
    assert list(chosen["trial_type"]) == ["ba", "na", ",", "ba", "da"]


def test_a_textgrid_gives_the_same_words(tmp_path):
    pytest.importorskip("praatio")
    grid = read_transcript(write_grid(tmp_path / "story.TextGrid"))
    table = read_transcript(write_table(tmp_path / "story.tsv"))
    shared = ["onset", "duration", "trial_type"]
    pd.testing.assert_frame_equal(grid[shared], table[shared])
    phones = read_transcript(tmp_path / "story.TextGrid", tier="phones")
    assert list(phones["trial_type"]) == ["b", "a"]
    with pytest.raises(ValueError, match="`tier` 'none' .* words, phones"):
        read_transcript(tmp_path / "story.TextGrid", tier="none")


def test_what_is_missing_is_named(tmp_path):
    with pytest.raises(FileNotFoundError, match="no transcript"):
        read_transcript(tmp_path / "nothing.tsv")
    path = write_table(tmp_path / "story.tsv", start="when", word="what")
    with pytest.raises(ValueError, match="column for the start of each word.*'when'"):
        read_transcript(path)
    (tmp_path / "bad.TextGrid").write_text("no grid")
    pytest.importorskip("praatio")
    with pytest.raises(ValueError, match="is not a TextGrid"):
        read_transcript(tmp_path / "bad.TextGrid")


def test_a_transcript_becomes_trials(dataset):
    path = write_table(dataset.root / "stimuli" / "story.tsv")
    words = read_transcript(path, offset=1.0)
    for given in (words, write_table(dataset.root / "here.tsv")):
        epochs, _ = read_epochs(dataset, events=given, **PLAIN)
        assert epochs.event_id == {"ba": 1, "da": 2, "na": 3}
        assert len(epochs) == 4
    with pytest.raises(ValueError, match="one table or transcript for each recording"):
        read_epochs([dataset], events=[words, words], **PLAIN)
    with pytest.raises(ValueError, match="must have the column onset"):
        read_epochs(dataset, events=words.drop(columns="onset"), **PLAIN)


def test_stimuli_that_events_name(dataset):
    write_table(dataset.root / "stimuli" / "story.tsv")

    def play(table):
        names = ["story.wav", "tone.wav", "n/a", "story.wav", "n/a", "n/a", "n/a"]
        return table.assign(stim_file=names)

    examples.edit(dataset.root, "*run-1_events.tsv", play)
    events = read_stimulus_events(dataset)
    np.testing.assert_allclose(
        events["onset"], np.concatenate([STARTS + 2, STARTS + 14])
    )
    assert set(events["stim_file"]) == {"story.wav"}
    epochs, _ = read_epochs(dataset, events="stimuli", **PLAIN)
    assert list(epochs.metadata["onset"]) == list(events["onset"])


def test_transcripts_are_named_where_events_are_missing(dataset):
    write_table(dataset.root / "stimuli" / "story.tsv")
    with pytest.raises(ValueError, match="has no column stim_file"):
        read_stimulus_events(dataset)
    (file,) = dataset.root.rglob("*run-1_events.tsv")
    file.unlink()
    vmrk = next(dataset.root.rglob("*run-1_ieeg.vmrk"))
    lines = vmrk.read_text(encoding="utf-8").splitlines()
    kept = [line for line in lines if not line.startswith("Mk") or "New" in line]
    vmrk.write_text("\n".join(kept) + "\n", encoding="utf-8")
    hint = "stimuli/story.tsv.*read_transcript"
    with pytest.raises(FileNotFoundError, match=f"no events.tsv.*{hint}"):
        read_epochs(dataset, **PLAIN)
    with pytest.raises(FileNotFoundError, match=f"not known when .*{hint}"):
        read_stimulus_events(dataset)
