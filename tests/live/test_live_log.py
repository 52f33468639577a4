"""What was decided is on disk at once, and can be decided once more."""

import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from live_trials import ONSETS, RATE

from mne_duin import DecisionLog, LiveDecoder, make_lda, read_log, replay_log
from mne_duin.live._log import LINES, SAMPLES, logged_decisions

HERE = Path(__file__).parent
# Pushes chunks without an end, as fast as the disk takes them.
FOREVER = """
import sys
sys.path.insert(0, {here!r})
from live_trials import ONSETS, RATE, make_raw, prepared
from mne_duin import DecisionLog, LiveDecoder, make_lda
raw = make_raw()
epochs, contacts = prepared(raw, causal=True)
lda = make_lda("evoked").fit(epochs, epochs.metadata["trial_type"].to_numpy())
live = LiveDecoder(lda, contacts)
live.log = DecisionLog({folder!r})
live.start(raw.ch_names, RATE)
for onset in ONSETS:
    live.mark("cue", onset)
data = raw.get_data()
while True:
    for first in range(0, data.shape[1], 16):
        live.push(data[:, first : first + 16])
"""


def recorded(subject, folder, **options):
    """Run a recording with faults and a log; return the decisions."""
    live = LiveDecoder(subject.lda, subject.contacts, **options)
    live.log = DecisionLog(folder)
    live.start(subject.raw.ch_names, RATE)
    data = subject.raw.get_data().astype(np.float32)
    data[0, 3000] = np.nan
    stamps = 7.0 + np.arange(data.shape[1]) / RATE
    for onset in ONSETS:
        live.mark("cue", 7.0 + onset)
    found = []
    for first in [*range(0, 5000, 100), *range(5300, data.shape[1], 100)]:
        part = slice(first, first + 100)
        found += live.push(data[:, part], stamps[part])
    found += live.finish()
    live.log.close()
    return found


def test_a_log_is_replayed_to_the_same_decisions(subject, tmp_path):
    found = recorded(subject, tmp_path)
    done = replay_log(tmp_path, LiveDecoder(subject.lda, subject.contacts))
    assert [one.to_dict() for one in done.recorded] == [one.to_dict() for one in found]
    assert done.replayed == found
    assert done.largest_difference == 0.0
    assert {one.decided for one in found} == {True, False}


def test_another_decoder_is_noticed(subject, tmp_path):
    recorded(subject, tmp_path)
    other = make_lda("evoked").fit(subject.epochs, np.roll(subject.y, 1))
    done = replay_log(tmp_path, LiveDecoder(other, subject.contacts))
    assert done.largest_difference > 0.01
    changed = LiveDecoder(subject.lda, subject.contacts, cues=["go"])
    with pytest.raises(ValueError, match=r"other settings \(cues\)"):
        replay_log(tmp_path, changed)


def test_a_log_is_never_written_over(subject, tmp_path):
    recorded(subject, tmp_path)
    before = (tmp_path / LINES).read_bytes()
    with pytest.raises(FileExistsError, match="has a log already"):
        DecisionLog(tmp_path)
    assert (tmp_path / LINES).read_bytes() == before


def test_damage_is_told(subject, tmp_path):
    recorded(subject, tmp_path)
    samples = bytearray((tmp_path / SAMPLES).read_bytes())
    samples[50_000] ^= 1
    (tmp_path / SAMPLES).write_bytes(samples)
    with pytest.raises(ValueError, match="chunk at byte .* is damaged"):
        replay_log(tmp_path, LiveDecoder(subject.lda, subject.contacts))
    lines = (tmp_path / LINES).read_bytes()
    (tmp_path / LINES).write_bytes(lines[:-3])
    with pytest.warns(RuntimeWarning, match="last line was cut off"):
        assert len(read_log(tmp_path)) == lines.count(b"\n") - 1
    (tmp_path / LINES).write_bytes(lines.replace(b'"samples"', b'"samp', 1))
    with pytest.raises(ValueError, match="line 28 is damaged|line 2 is damaged"):
        read_log(tmp_path)
    with pytest.raises(FileNotFoundError, match="has no log"):
        read_log(tmp_path / "nothing")


@pytest.mark.slow
def test_what_was_decided_survives_kill_9(subject, tmp_path):
    folder = tmp_path / "log"
    code = FOREVER.format(here=str(HERE), folder=str(folder))
    process = subprocess.Popen([sys.executable, "-c", code])
    deadline = time.monotonic() + 120
    lines = folder / LINES
    try:
        while time.monotonic() < deadline:
            if lines.exists() and lines.read_bytes().count(b'"decision"') > 20:
                break
            assert process.poll() is None
            time.sleep(0.05)
    finally:
        process.send_signal(signal.SIGKILL)
        process.wait()
    kept = logged_decisions(read_log(folder))
    assert len(kept) > 10
    expected = subject.lda.predict_proba(subject.epochs)
    for one, own in zip(kept, expected, strict=False):
        np.testing.assert_allclose(one.probabilities, own, rtol=0, atol=1e-10)
    done = replay_log(folder, LiveDecoder(subject.lda, subject.contacts))
    assert done.largest_difference == 0.0
