"""The commands, and a saved decoding as a live decoder."""

import numpy as np
import pytest
from live_trials import ONSETS, RATE, prepared

import mne_duin
from mne_duin import DuINClassifier, read_live_decoder
from mne_duin.cli import main
from mne_duin.workflows._derivative import write_contacts


def save(folder, epochs, contacts, y):
    """Save what `mne-duin decode` keeps of a decoder."""
    network = DuINClassifier(n_layers=1, max_iter=1, random_state=0, verbose=False)
    network.fit(epochs, y).save(folder / "sub-01_desc-x_classifier.safetensors")
    write_contacts(folder / "sub-01_desc-x_contacts.tsv", contacts, {})
    return network


def test_a_saved_decoding_decides_as_it_did(subject, tmp_path):
    network = save(tmp_path, subject.epochs, subject.contacts, subject.y)
    live = read_live_decoder(tmp_path).start(subject.raw.ch_names, RATE)
    for onset in ONSETS[:3]:
        live.mark("cue", onset)
    found = live.push(subject.raw.get_data(stop=2560))
    expected = network.predict_proba(subject.epochs[:3])
    probabilities = np.array([one.probabilities for one in found])
    np.testing.assert_allclose(probabilities, expected, rtol=0, atol=1e-5)


def test_a_zero_phase_decoding_is_refused(subject, tmp_path, capsys):
    save(tmp_path, *prepared(subject.raw), subject.y)
    status = main(["live", "--model", str(tmp_path), "--stream", "amplifier"])
    assert status == 2
    message = capsys.readouterr().err
    assert "zero-phase" in message
    assert "mne-duin decode --causal" in message


def test_options_become_arguments(monkeypatch, tmp_path, capsys):
    calls = {}

    def read(model, **options):
        calls["read"] = options
        return "decoder"

    def run(decoder, stream, **options):
        calls["run"] = options | {"decoder": decoder, "stream": stream}
        return "summary"

    monkeypatch.setattr(mne_duin, "read_live_decoder", read)
    monkeypatch.setattr(mne_duin, "run_live", run)
    command = ["live", "--model", str(tmp_path), "--stream", "s", "--log", "here"]
    assert main([*command, "--rename", "EEG1=A1", "--bads", "A2"]) == 0
    assert calls["read"]["mode"] == "continuous"
    assert calls["read"]["rename"] == {"EEG1": "A1"}
    assert calls["read"]["bads"] == ["A2"]
    # Nothing listens and no page is there unless it is asked for.
    assert calls["run"]["page"] is None
    assert calls["run"]["results"] is None
    assert main([*command, "--markers", "m", "--page", "0", "--no-terminal"]) == 0
    assert calls["read"]["mode"] == "triggered"
    assert calls["run"]["terminal"] is False
    assert "Log: here" in capsys.readouterr().out
    with pytest.raises(SystemExit):
        main([*command, "--rename", "EEG1"])
    assert "must be OLD=NEW" in capsys.readouterr().err


def test_replay_needs_one_recording(capsys):
    root = str(mne_duin.sample_data_path())
    assert main(["replay", root, "--subject", "01"]) == 2
    assert "There are 4 recordings" in capsys.readouterr().err
