"""Decoders other than networks are saved and read without pickles."""

import mne
import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer

from mne_duin import (
    DecoderEnsemble,
    DuINClassifier,
    make_band_power,
    make_lda,
    make_riemann,
    make_xdawn_riemann,
    read_model,
    save_decoder,
)
from mne_duin.weights._linear import KNOWN

DECODERS = {
    "lda": make_lda,
    "lda-both": lambda: make_lda("both"),
    "lda-high-gamma": lambda: make_lda("high-gamma"),
    "lda-calibrated": lambda: make_lda(calibrated=True),
    "ridge": lambda: make_band_power("ridge"),
    "svm": lambda: make_band_power("svm"),
    "riemann": make_riemann,
    "xdawn": make_xdawn_riemann,
    "riemann-lda": lambda: make_riemann("lda", n_windows=4, calibrated=True),
}


@pytest.fixture(scope="module")
def trials():
    rng = np.random.default_rng(0)
    info = mne.create_info(["A1", "A2", "A3"], 400.0, "seeg")
    data = 1e-5 * rng.standard_normal((24, 3, 400))
    epochs = mne.EpochsArray(data, info, verbose="error")
    return epochs, np.repeat(["ba", "da", "嘴巴"], 8)


@pytest.mark.parametrize("name", DECODERS)
@pytest.mark.by_default("lda", "ridge", "xdawn")
def test_decoders_come_back_as_they_were(name, trials, tmp_path):
    epochs, y = trials
    decoder = DECODERS[name]().fit(epochs, y)
    path = save_decoder(decoder, tmp_path / "decoder.skops")
    again = read_model(path)
    assert np.array_equal(again.classes_, decoder.classes_)
    expected = decoder.predict_proba(epochs)
    assert np.array_equal(again.predict_proba(epochs), expected)
    assert save_decoder(again, path).read_bytes()


def test_networks_go_to_safetensors(trials, tmp_path):
    epochs, y = trials
    network = DuINClassifier(n_layers=1, max_iter=1, verbose=False).fit(epochs, y)
    path = save_decoder(network, tmp_path / "network.safetensors")
    assert np.array_equal(read_model(path).predict(epochs), network.predict(epochs))
    with pytest.raises(ValueError, match=r"ends with \.safetensors; got"):
        save_decoder(network, tmp_path / "network.skops")


def test_what_cannot_be_saved_is_told(trials, tmp_path):
    epochs, y = trials
    path = tmp_path / "decoder.skops"
    with pytest.raises(ValueError, match="must be a fitted decoder"):
        save_decoder(make_lda(), path)
    with pytest.raises(ValueError, match=r"ends with \.skops"):
        save_decoder(make_lda().fit(epochs, y), tmp_path / "lda.safetensors")
    both = DecoderEnsemble([("a", make_lda()), ("b", make_lda("evoked"))])
    with pytest.raises(TypeError, match="members of an ensemble one by one"):
        save_decoder(both.fit(epochs, y), path)
    assert not path.exists()


def harmful(values):
    return values


def test_a_file_that_asks_for_other_code_is_refused(trials, tmp_path):
    epochs, y = trials
    signals = epochs.get_data(copy=True).reshape(len(y), -1)
    pipeline = make_pipeline(FunctionTransformer(harmful), LogisticRegression())
    # Importing it takes seconds; no other test needs it.
    import skops.io

    path = tmp_path / "decoder.skops"
    path.write_bytes(skops.io.dumps(pipeline.fit(signals, y)))
    with pytest.raises(ValueError, match="harmful, which no decoder of mne_duin"):
        read_model(path)
    assert not any(name.startswith("builtins") or "os." in name for name in KNOWN)


@pytest.mark.parametrize("cut", [0, 10, 1000, -1])
def test_a_damaged_file_is_told(cut, trials, tmp_path):
    epochs, y = trials
    path = save_decoder(make_lda().fit(epochs, y), tmp_path / "decoder.skops")
    path.write_bytes(path.read_bytes()[:cut])
    with pytest.raises(ValueError, match=r"decoder\.skops' is damaged"):
        read_model(path)


def test_a_missing_file_is_told(tmp_path):
    with pytest.raises(FileNotFoundError, match="There is no file"):
        read_model(tmp_path / "decoder.skops")
