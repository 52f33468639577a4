"""Saved estimators come back whole, and know which runs they have learned from."""

import json
import pickle
import re

import numpy as np
import pytest
import safetensors
import torch
from harmful import Touch
from toy_trials import (
    CLASSIFIER,
    KINDS,
    KINDS_BY_TIME,
    TRAINING,
    as_epochs,
    make,
    output,
)

from mne_duin import DuINClassifier, DuINMAE, DuINVQVAE, read_estimator
from mne_duin.checkpoints import DamagedError, read_checkpoint, write_checkpoint
from mne_duin.estimators import _files
from mne_duin.evaluation._folds import trained_runs

PARTS = ("vqvae", "pretrained")


def parameters(estimator):
    values = estimator.get_params(deep=False)
    return {name: value for name, value in values.items() if name not in PARTS}


@pytest.mark.parametrize("kind", KINDS)
def test_saved_and_read_again(kind, trials, fitted, tmp_path):
    estimator = fitted[kind]
    assert estimator.save(tmp_path / "model") == tmp_path / "model"
    again = read_estimator(tmp_path / "model")
    assert type(again) is type(estimator)
    assert np.array_equal(output(again, trials[0]), output(estimator, trials[0]))
    assert again.score(*trials) == estimator.score(*trials)
    assert parameters(again) == parameters(estimator)
    assert again.history_.to_frame().equals(estimator.history_.to_frame())
    assert again.fit_groups_ == estimator.fit_groups_ == {"01", "02"}
    for name in ("ch_names_", "n_iter_", "best_iter_", "patch_size_", "bands_"):
        assert getattr(again, name) == getattr(estimator, name), name
    assert again.info_["sfreq"] == 1000
    for method in ("weights", "patterns"):
        before = estimator.channel_contributions(method, X=trials[0])
        assert again.channel_contributions(method, X=trials[0]).equals(before)


def test_the_codex_and_the_labels_are_kept(trials, fitted, tmp_path):
    vqvae = read_estimator(fitted["vqvae"].save(tmp_path / "vqvae"))
    assert np.array_equal(vqvae.codebook_, fitted["vqvae"].codebook_)
    assert np.array_equal(vqvae.code_counts_, fitted["vqvae"].code_counts_)
    mae = read_estimator(fitted["mae"].save(tmp_path / "mae"))
    expected = fitted["vqvae"].transform(trials[0])
    assert np.array_equal(mae.vqvae_.transform(trials[0]), expected)


@pytest.mark.parametrize("words", [["ba", "da"], [3, -1], ["嘴巴", "豆腐"]], ids=str)
def test_labels_of_any_kind_are_kept(words, trials, tmp_path):
    y = np.array(words)[np.arange(24) % 2]
    estimator = DuINClassifier(**CLASSIFIER | {"max_iter": 1}).fit(trials[0], y)
    again = read_estimator(estimator.save(tmp_path / "modèle 嘴"))
    assert again.classes_.dtype == estimator.classes_.dtype
    assert np.array_equal(again.predict(trials[0]), estimator.predict(trials[0]))


@pytest.mark.parametrize("kind", ["vqvae", "mae"])
def test_a_part_from_a_file_pretrains_like_the_original(kind, trials, fitted, tmp_path):
    again = read_estimator(fitted[kind].save(tmp_path / "part"))
    options = TRAINING | {"hidden_dim": 16, "use_codex": kind == "vqvae"}
    direct = DuINClassifier(fitted[kind], **options).fit(*trials)
    read = DuINClassifier(again, **options).fit(*trials)
    assert np.array_equal(
        read.predict_proba(trials[0]), direct.predict_proba(trials[0])
    )
    if kind == "vqvae":
        second = DuINMAE(again, **TRAINING).fit(*trials)
        expected = fitted["mae"].transform(trials[0])
        assert np.array_equal(second.transform(trials[0]), expected)


@pytest.mark.parametrize("kind", KINDS)
def test_reading_touches_no_random_state(kind, fitted, tmp_path):
    path = fitted[kind].save(tmp_path / "model")
    before = torch.get_rng_state()
    read_estimator(path)
    assert torch.equal(torch.get_rng_state(), before)


@pytest.mark.parametrize("kind", KINDS_BY_TIME)
def test_runs_are_named_as_the_evaluation_names_them(kind, vqvae, trials):
    epochs, y = trials
    X, run = epochs.get_data(), np.repeat(["1", "2"], 12)
    plain = make(kind, vqvae, max_iter=1).fit(as_epochs(X, run=run), y)
    known = {"01", "02"} if kind in ("mae", "finetuned") else set()
    assert plain.fit_groups_ == known | {"1", "2"}
    session = np.tile(["a", "b"], 12)
    both = make(kind, vqvae, max_iter=1).fit(as_epochs(X, run=run, session=session), y)
    assert both.fit_groups_ == known | {"a/1", "a/2", "b/1", "b/2"}
    numbers = make(kind, vqvae, max_iter=1).fit(as_epochs(X, run=run.astype(int)), y)
    assert numbers.fit_groups_ == plain.fit_groups_
    assert trained_runs(plain) == plain.fit_groups_


@pytest.mark.parametrize("kind", KINDS_BY_TIME)
def test_unknown_runs_stay_unknown(kind, vqvae, trials, tmp_path):
    epochs, y = trials
    estimator = make(kind, vqvae, max_iter=1).fit(epochs, y)
    assert hasattr(estimator, "fit_groups_")
    estimator.fit(as_epochs(epochs.get_data(), word=y), y)
    assert not hasattr(estimator, "fit_groups_")
    assert trained_runs(estimator) is None
    again = read_estimator(estimator.save(tmp_path / "model"))
    assert not hasattr(again, "fit_groups_")


def test_a_file_still_knows_the_runs_of_the_earlier_stages(vqvae, trials, tmp_path):
    epochs, y = trials
    later = as_epochs(epochs.get_data(), run="03")
    mae = DuINMAE(vqvae, **TRAINING).fit(later)
    estimator = DuINClassifier(mae, **TRAINING).fit(
        as_epochs(later.get_data(), run="4"), y
    )
    again = read_estimator(estimator.save(tmp_path / "model"))
    assert trained_runs(again) == {"01", "02", "03", "4"} == trained_runs(estimator)
    del mae.fit_groups_
    anonymous = DuINClassifier(mae, **TRAINING).fit(later, y)
    assert trained_runs(read_estimator(anonymous.save(tmp_path / "model"))) is None


def test_a_random_stream_is_not_saved_and_the_rest_is(trials, tmp_path):
    options = CLASSIFIER | {"random_state": np.random.RandomState(0), "max_iter": 1}
    estimator = DuINClassifier(**options).fit(*trials)
    again = read_estimator(estimator.save(tmp_path / "model"))
    assert again.random_state is None
    assert np.array_equal(output(again, trials[0]), output(estimator, trials[0]))


def test_the_file_is_plain(fitted, tmp_path):
    path = fitted["classifier"].save(tmp_path / "sub" / "model.safetensors")
    with safetensors.safe_open(path, framework="pt") as file:
        meta = json.loads(file.metadata()["mne_duin"])["meta"]
    assert meta["class"] == "DuINClassifier"
    assert meta["learned"]["classes"] == ["ba", "da", "ga"]
    assert {"mne_duin", "python", "torch", "mne", "numpy"} <= set(meta["versions"])
    assert meta["learned"]["fingerprint"]["number of epochs"] == 24
    assert [p.name for p in path.parent.iterdir()] == ["model.safetensors"]


def test_the_header_lists_what_a_reader_needs(fitted, tmp_path):
    estimator = fitted["classifier"]
    path = estimator.save(tmp_path / "model")
    with safetensors.safe_open(path, framework="pt") as file:
        header = json.loads(file.metadata()["mne_duin"])
        scaler = {name for name in file.keys() if name.startswith("scaler.")}  # noqa: SIM118
    # Versions before could not unmix power, and would read it wrong.
    assert header["version"] == 2
    assert header["meta"]["parameters"]["n_layers"] == estimator.n_layers
    learned = header["meta"]["learned"]
    assert learned["ch_names"] == estimator.ch_names_
    assert learned["sfreq"] == 1000
    assert learned["history"] == estimator.history_.records
    assert learned["fingerprint"]["channels"] == estimator.ch_names_
    assert len(learned["fingerprint"]["values"]) == 64
    assert scaler == {"scaler.mean", "scaler.scale", "scaler.channel_mask"}
    assert read_estimator(path).fingerprint_ == learned["fingerprint"]


def test_files_that_hold_something_else(fitted, tmp_path):
    tensors, meta = read_checkpoint(fitted["vqvae"].save(tmp_path / "model"))
    write_checkpoint(tmp_path / "other", tensors, meta | {"class": "Transformer"})
    with pytest.raises(ValueError, match="holds a 'Transformer'; known are DuIN"):
        read_estimator(tmp_path / "other")
    with pytest.raises(FileNotFoundError, match="There is no checkpoint '.*missing'"):
        read_estimator(tmp_path / "missing")
    (tmp_path / "text").write_text("not a checkpoint")
    with pytest.raises(ValueError, match="text is damaged or not a checkpoint"):
        read_estimator(tmp_path / "text")


def test_a_pickle_is_not_run(tmp_path):
    mark = tmp_path / "mark"
    (tmp_path / "model").write_bytes(pickle.dumps(Touch(mark)))
    pickle.loads((tmp_path / "model").read_bytes())
    assert mark.exists(), "the trap itself must work"
    mark.unlink()
    with pytest.raises(ValueError, match="model is damaged or not a checkpoint"):
        read_estimator(tmp_path / "model")
    assert not mark.exists()


def places(value, path=()):
    """Paths to all whole numbers in nested dicts and tuples."""
    if type(value) is int:
        yield path
    parts = value.items() if isinstance(value, dict) else ()
    if isinstance(value, list | tuple):
        parts = enumerate(value)
    for key, part in parts:
        yield from places(part, (*path, key))


def with_value(value, path, new):
    """The same with another value at a path."""
    if not path:
        return new
    pairs = value.items() if isinstance(value, dict) else enumerate(value)
    parts = {k: with_value(v, path[1:], new) if k == path[0] else v for k, v in pairs}
    return parts if isinstance(value, dict) else list(parts.values())


def value_at(value, path):
    for key in path:
        value = value[key]
    return value


# As many steps come out of a patch for some other strides, and weights do not tell from
# how many tokens they were learned.
UNDETERMINED = {"conv_strides", "patch_size", "max_tokens"}
KNOWN = {kind.__name__: kind for kind in (DuINClassifier, DuINMAE, DuINVQVAE)}


@pytest.mark.parametrize("kind", ["vqvae", "classifier"])
def test_sizes_of_the_network_are_those_of_the_weights(kind, fitted):
    tensors, meta = _files.to_state(fitted[kind])
    found = list(places(meta["network"]))
    assert len(found) >= 12
    for path in found:
        value = value_at(meta["network"], path)
        wrong = [0, 10**12, "3"] + ([] if UNDETERMINED & {*path} else [value + 1])
        for new in wrong:
            lie = meta | {"network": with_value(meta["network"], path, new)}
            with pytest.raises(DamagedError, match="holds no whole estimator"):
                _files.from_state(tensors, lie, KNOWN)


@pytest.mark.parametrize(
    ("name", "change"),
    [
        ("classes", lambda v: [*v, "more"]),
        ("classes", lambda v: v[:-1]),
        ("classes", lambda v: [*v[:-1], "x" * 50_000_000]),
        ("classes", lambda v: 10**9),
        ("subjects", lambda v: [*v, "more"]),
        ("subjects", lambda v: []),
        ("ch_names", lambda v: [*v, "more"]),
        ("ch_names", lambda v: v[1:]),
        ("sfreq", lambda v: -1),
        ("sfreq", lambda v: float("nan")),
        ("bands", lambda v: {**v, "more": [70, 150]}),
        ("history", lambda v: 3),
    ],
)
def test_lists_are_those_of_the_weights(name, change, fitted, tmp_path):
    tensors, meta = _files.to_state(fitted["classifier"])
    learned = meta["learned"] | {name: change(meta["learned"][name])}
    write_checkpoint(tmp_path / "model", tensors, meta | {"learned": learned})
    message = f"^{re.escape(str(tmp_path / 'model'))} holds no whole estimator"
    with pytest.raises(DamagedError, match=message):
        read_estimator(tmp_path / "model")


@pytest.mark.parametrize("drop", ["module.encoder.spatial.bias", "scaler.mean"])
def test_missing_and_added_weights_are_refused(drop, fitted):
    tensors, meta = _files.to_state(fitted["classifier"])
    rest = {name: value for name, value in tensors.items() if name != drop}
    with pytest.raises(DamagedError, match=f"holds no whole.*{re.escape(drop[7:])}"):
        _files.from_state(rest, meta, KNOWN)
    more = tensors | {"module.more": torch.zeros(2)}
    with pytest.raises(DamagedError, match="more has shape"):
        _files.from_state(more, meta, KNOWN)


@pytest.mark.parametrize(
    "change",
    [
        lambda own: {},
        lambda own: own | {"unmixing.more": own["unmixing.high-gamma-unmixed"]},
        lambda own: {name: value[:, 1:] for name, value in own.items()},
    ],
)
def test_unmixing_is_that_of_the_bands(change, fitted):
    tensors, meta = _files.to_state(fitted["classifier"])
    own = {name: v for name, v in tensors.items() if name.startswith("unmixing.")}
    assert "unmixing.high-gamma-unmixed" in own
    rest = {name: value for name, value in tensors.items() if name not in own}
    with pytest.raises(DamagedError, match="holds no whole.*the unmixing is not that"):
        _files.from_state(rest | change(own), meta, KNOWN)
