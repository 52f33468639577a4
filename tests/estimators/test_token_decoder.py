"""Labels of tokens and sequences: learned, predicted, decoded, refused, saved."""

import numpy as np
import pytest
import torch
from sklearn.base import clone, is_classifier
from sklearn.frozen import FrozenEstimator
from sklearn.model_selection import cross_val_score
from toy_tokens import DECODER, simulate_streams, token_labels
from toy_trials import SFREQ, one_by_one

from mne_duin import DuINTokenDecoder, add_subject, read_estimator
from mne_duin.estimators.tokens._heads import RIDGES, _choose_ridge
from mne_duin.sequences import FINALS, INITIALS, collapse, error_rate
from mne_duin.training import _engine


@pytest.fixture(scope="module")
def streams():
    return simulate_streams()


@pytest.fixture(scope="module")
def tiers(streams):
    y = np.empty(streams[1].shape, dtype=[("initial", object), ("final", object)])
    y["initial"] = np.vectorize(lambda label: label[0])(streams[1])
    y["final"] = "a"
    y["final"][:, ::3] = "i"
    y["final"][:, 1] = None
    return y


@pytest.fixture(scope="module")
def decoder(streams):
    options = DECODER | {"max_iter": 6, "context": 0}
    return DuINTokenDecoder(**options).fit(*streams)


@pytest.fixture(scope="module")
def ctc(streams):
    sequences = [collapse(own) for own in streams[1]]
    options = DECODER | {"max_iter": 6, "context": 0, "lr": 3e-3}
    return DuINTokenDecoder(loss="ctc", **options).fit(streams[0], sequences)


def test_tokens_are_learned(decoder, streams):
    epochs, y = simulate_streams(12, seed=1)
    probabilities = decoder.predict_proba(epochs)
    assert probabilities.shape == (12, 8, 3)
    assert np.allclose(probabilities.sum(-1), 1)
    assert decoder.classes_.tolist() == ["ba", "da", "ga"]
    predicted = decoder.predict(epochs)
    assert np.array_equal(predicted, decoder.classes_[probabilities.argmax(-1)])
    assert decoder.score(epochs, y) == np.mean(predicted == y) > 0.9
    assert decoder.decode(epochs) == [collapse(own) for own in predicted]
    assert decoder.history_["train_accuracy"][-1] > 0.9


def test_sequences_are_learned_without_times(ctc):
    epochs, y = simulate_streams(12, seed=1)
    truth = [collapse(own) for own in y]
    greedy = ctc.predict(epochs)
    assert ctc.predict_proba(epochs).shape == (12, 8, 4)
    assert error_rate(truth, greedy) < 0.15
    assert ctc.score(epochs, truth) == 1 - error_rate(truth, greedy)
    assert error_rate(truth, ctc.decode(epochs, beam_width=8)) < 0.15


def test_a_word_list_is_kept_to(ctc):
    epochs = simulate_streams(12, seed=1)[0]
    words = [["ba", "da"], ["ga"]]
    for said in ctc.decode(epochs, words=words):
        rest = list(said)
        while rest:
            word = ["ba", "da"] if rest[0] == "ba" else ["ga"]
            assert rest[: len(word)] == word
            rest = rest[len(word) :]
    with pytest.raises(ValueError, match=r"`words` has labels .* known ones: \['xi'\]"):
        ctc.decode(epochs, words=[["xi"]])


def test_tiers_have_heads_of_their_own(streams, tiers):
    epochs, _ = streams
    decoder = DuINTokenDecoder(**DECODER).fit(epochs, tiers)
    assert decoder.tiers_ == ("initial", "final")
    assert decoder.classes_["initial"].tolist() == ["b", "d", "g"]
    assert {k: v.shape for k, v in decoder.predict_proba(epochs).items()} == {
        "initial": (24, 8, 3),
        "final": (24, 8, 2),
    }
    predicted = decoder.predict(epochs)
    shares = []
    for tier in decoder.tiers_:
        labelled = tiers[tier] != None  # noqa: E711
        shares.append((predicted[tier] == tiers[tier])[labelled].mean())
    assert decoder.score(epochs, tiers) == pytest.approx(np.mean(shares))
    assert decoder.decode(epochs, tier="initial")[0] == collapse(
        predicted["initial"][0]
    )
    for wrong in (None, "tone"):
        with pytest.raises(
            ValueError, match=r"`tier` must be a tier \(initial, final\)"
        ):
            decoder.decode(epochs, tier=wrong)


def test_the_published_label_sets(streams, tiers):
    classes = {"initial": INITIALS, "final": FINALS}
    options = DECODER | {"max_iter": 1, "hidden_dim": 128, "classes": classes}
    decoder = DuINTokenDecoder(preset="paper", **options, validation_fraction=0)
    decoder.fit(streams[0], tiers)
    assert decoder.module_.n_classes == (22, 36)
    assert decoder.module_.heads[0].context == 0
    head = decoder.module_.heads[1]
    assert (head.hidden.in_features, head.hidden.out_features) == (40, 128)
    quick = DuINTokenDecoder(**options).fit(streams[0], tiers)
    # Labels that never came are no likelier than those that did.
    means = quick.predict_proba(streams[0])["initial"].mean((0, 1))
    seen = np.isin(INITIALS, ["b", "d", "g"])
    assert means[~seen].max() < means[seen].min()


def test_masked_tokens_teach_nothing(streams):
    epochs, y = streams
    masked = y.copy()
    masked[:, -1] = None
    data = epochs.get_data().copy()
    options = DECODER | {"context": 0, "bands": "raw", "max_iter": 1}
    options |= {
        "init": "random",
        "head_init": "random",
        "lr": 1e-12,
        "max_shift": 0,
    }
    plain = DuINTokenDecoder(**options).fit(data, masked, sfreq=SFREQ)
    wrong = masked.copy()
    wrong[0, -1] = "ba"
    other = DuINTokenDecoder(**options).fit(data, wrong, sfreq=SFREQ)
    loss, changed = (one.history_["train_loss"][0] for one in (plain, other))
    assert loss != changed
    probabilities = plain.predict_proba(data)
    targets = np.searchsorted(plain.classes_, masked[:, :-1].astype(str))
    chosen = np.take_along_axis(probabilities[:, :-1], targets[..., None], -1)
    x, subject = plain._scaled(plain._check_fitted(data))
    assert plain._loss_of(x, subject, masked).mean() == pytest.approx(
        -np.log(chosen).mean(), rel=1e-5
    )


def test_other_lengths_than_in_training(decoder):
    epochs, y = simulate_streams(3, 12, seed=2)
    assert decoder.predict(epochs).shape == y.shape == (3, 12)
    assert decoder.score(epochs, y) > 0.6


def test_pretrained_encoders(vqvae, trials):
    epochs, y = trials
    decoder = DuINTokenDecoder(FrozenEstimator(vqvae), max_iter=1, verbose=False)
    fitted = clone(decoder).fit(epochs, token_labels(y))
    assert fitted.scaler_ is vqvae.scaler_
    assert fitted.module_.encoder.dim == vqvae.module_.encoder.dim
    assert "encoder.spatial.weight" in fitted.module_.state_dict()


@pytest.mark.parametrize("start", ["linear", "random"])
def test_the_linear_start_beats_chance_before_training(start, streams):
    sequences = [collapse(own) for own in streams[1]]
    options = DECODER | {"max_iter": 1, "lr": 1e-12, "context": 0}
    ctc = DuINTokenDecoder(loss="ctc", head_init=start, **options)
    rate = error_rate(sequences, ctc.fit(streams[0], sequences).predict(streams[0]))
    assert (rate < 0.2) == (start == "linear")


@pytest.mark.parametrize("n_epochs", [12, 24])
def test_few_sequences_are_enough_for_clear_signals(n_epochs):
    epochs, y = simulate_streams(n_epochs)
    sequences = [collapse(own) for own in y]
    options = DECODER | {"max_iter": 1, "lr": 1e-12, "context": 0, "loss": "ctc"}
    decoder = DuINTokenDecoder(**options).fit(epochs, sequences)
    assert error_rate(sequences, decoder.predict(epochs)) < 0.1


def test_with_too_few_sequences_to_compare_ridges_the_strongest_is_taken():
    components, targets = torch.zeros(3, 8, 5), torch.zeros(3, 2, dtype=torch.long)
    assert _choose_ridge(components, targets, 4, 1) == RIDGES[0]


@pytest.mark.parametrize("noise", [0.3, 3.0])
def test_the_ridge_of_a_sequence_head_suits_the_noise(noise):
    rng = np.random.default_rng(0)
    targets = torch.from_numpy(rng.integers(3, size=(60, 2)))
    components = torch.from_numpy(noise * rng.standard_normal((60, 8, 30))).float()
    for time in range(2):
        components[torch.arange(60), 2 + 3 * time, targets[:, time]] += 3.0
    ridge = _choose_ridge(components, targets, 4, 100)
    assert (ridge > 3) == (noise > 1)


@pytest.mark.parametrize("loss", ["cross-entropy", "ctc"])
def test_heads_from_a_linear_model_have_a_learning_rate_of_their_own(loss, streams):
    epochs, y = streams
    if loss == "ctc":
        y = [collapse(own) for own in y]
    options = DECODER | {"loss": loss, "max_iter": 2, "lr_min": 0.0}

    def weights(lr, **own):
        decoder = DuINTokenDecoder(**options | {"lr": lr} | own).fit(epochs, y)
        return decoder.module_.heads[0].hidden.weight.detach()

    start = weights(1e-12, head_lr_scale=0.0)
    assert torch.equal(weights(1e-3, head_lr_scale=0.0), start)
    quick = (weights(1e-3) - start).abs().max()
    full = (weights(1e-3, head_lr_scale=1.0) - start).abs().max()
    assert 0 < quick < full / 5
    # A random head knows nothing yet, and learns at the full rate.
    start = weights(1e-12, head_init="random")
    learned = weights(1e-3, head_init="random", head_lr_scale=0.0)
    assert (learned - start).abs().max() > 1e-4


def test_validation_chooses_a_pass(streams):
    epochs, y = streams
    sequences = [collapse(own) for own in y]
    first = DuINTokenDecoder(**DECODER, validation_fraction=0.25).fit(epochs, y)
    assert first.best_iter_ == np.argmax(first.history_["valid_accuracy"]) + 1
    held_out = (epochs[:6], sequences[:6])
    ctc = DuINTokenDecoder(loss="ctc", **DECODER)
    ctc.fit(epochs[6:], sequences[6:], validation=held_out)
    assert ctc.best_iter_ == np.argmin(ctc.history_["valid_loss"]) + 1
    with pytest.raises(
        ValueError, match="With 2 epochs no validation epochs can be he"
    ):
        DuINTokenDecoder(**DECODER, validation_fraction=0.1).fit(epochs[:2], y[:2])


@pytest.mark.parametrize("kind", ["tokens", "tiers", "ctc"])
def test_files(kind, streams, tiers, decoder, ctc, tmp_path):
    epochs, _ = streams
    fitted = {"tokens": decoder, "ctc": ctc}.get(kind)
    if fitted is None:
        fitted = DuINTokenDecoder(**DECODER, classes=None).fit(epochs, tiers)
    again = read_estimator(fitted.save(tmp_path / "decoder"))
    assert type(again) is DuINTokenDecoder
    assert again.tiers_ == fitted.tiers_
    before, after = fitted.predict_proba(epochs), again.predict_proba(epochs)
    if kind == "tiers":
        before, after = before["final"], after["final"]
        assert again.classes_["final"].tolist() == ["a", "i"]
    assert np.array_equal(before, after)
    assert again.decode(epochs, tier="final" if kind == "tiers" else None)


@pytest.mark.slow
def test_cross_validation(streams):
    epochs, y = streams
    options = DECODER | {"max_iter": 2, "context": 0}
    decoder = DuINTokenDecoder(**options)
    assert not is_classifier(decoder)
    scores = cross_val_score(decoder, epochs, y, cv=2)
    assert (scores > 0.6).all()
    sequences = [collapse(own) for own in y]
    ctc = clone(decoder).set_params(loss="ctc", lr=3e-3, max_iter=6)
    assert (cross_val_score(ctc, epochs, sequences, cv=2) > 0.5).all()
    single = clone(decoder).fit(one_by_one(epochs), y)
    assert np.array_equal(
        single.predict(epochs), clone(decoder).fit(*streams).predict(epochs)
    )


def test_contributions_of_a_token_decoder(decoder, streams):
    epochs, y = streams
    for method in ("weights", "patterns", "permutation"):
        options = {} if method == "weights" else {"X": epochs}
        options |= {"y": y} if method == "permutation" else {}
        values = decoder.channel_contributions(method, **options)
        assert values.index.tolist() == epochs.ch_names
        assert np.isfinite(values).all()
    assert (decoder.channel_contributions("permutation", X=epochs, y=y) > 0).all()


def change(y, **labels):
    """A copy of token labels with some of them changed."""
    y = y.copy()
    for where, label in labels.items():
        y[{"first": (0, 0), "all": slice(None)}[where]] = label
    return y


@pytest.mark.parametrize(
    ("options", "spoil", "message"),
    [
        ({}, lambda y: y[:, :-1], r"one label per token, shape \(24, 8\); got .*24, 7"),
        ({}, lambda y: y[:, 0], r"one label per token, shape \(24, 8\); got .*\(24,\)"),
        ({}, lambda y: change(y, all=None), "every token is masked"),
        ({}, lambda y: change(y, all="ba"), "`y` has one label only, 'ba'"),
        ({"classes": ["ba", "da"]}, lambda y: y, r"2 known ones: \['ga'\]"),
        ({"classes": ["ba", "da", "ga", "ba"]}, lambda y: y, "names a label twice"),
        ({"classes": {"a": ["ba"]}}, lambda y: y, "a dict of tiers exactly where"),
        ({"max_shift": 0.06}, lambda y: y, "`max_shift` must be at most half a token"),
        (
            {"loss": "hinge"},
            lambda y: y,
            "`loss` must be one of 'cross-entropy', 'ctc'",
        ),
        (
            {"head_init": "linear"},
            lambda y: y,
            "`head_init` must be one of 'lda', 'r",
        ),
        ({"hidden_dim": 5}, lambda y: y, "`hidden_dim` must be at least 6; got 5"),
        ({"context": -1}, lambda y: y, "`context` must be at least 0 .*got -1"),
    ],
)
def test_token_labels_that_cannot_be_learned(options, spoil, message, streams):
    with pytest.raises(ValueError, match=message):
        DuINTokenDecoder(**DECODER | options).fit(streams[0], spoil(streams[1]))


@pytest.mark.parametrize(
    ("options", "spoil", "message"),
    [
        ({}, lambda y: y[1:], "one sequence per epoch, 24; got 23"),
        (
            {},
            lambda y: [["ba"] * 9, *y[1:]],
            "epoch 0 has 9 labels and needs 17 tokens",
        ),
        ({}, lambda y: [["ba"] * 5, *y[1:]], "epoch 0 has 5 labels and needs 9 tokens"),
        ({}, lambda y: [["ba"]] * 24, "`y` has one label only, 'ba'"),
        ({"classes": {"a": ["ba"]}}, lambda y: y, "loss='ctc' has one tier"),
        (
            {"head_init": "lda"},
            lambda y: y,
            "`head_init` must be one of 'linear', 'r",
        ),
        ({"label_smoothing": 0.1}, lambda y: y, "has no use for `label_smoothing`"),
    ],
)
def test_sequences_that_cannot_be_learned(options, spoil, message, streams):
    sequences = [collapse(own) for own in streams[1]]
    decoder = DuINTokenDecoder(loss="ctc", **DECODER | options)
    with pytest.raises(ValueError, match=message):
        decoder.fit(streams[0], spoil(sequences))


def test_arguments_of_the_other_loss(decoder, ctc, streams):
    epochs = streams[0]
    with pytest.raises(ValueError, match="loss='cross-entropy' has no use for `words`"):
        decoder.decode(epochs, words=[["ba"]])
    with pytest.raises(ValueError, match="no use for `tier`, `silence`, `min_tokens`"):
        ctc.decode(epochs, tier="a", silence="-", min_tokens=2)
    with pytest.raises(ValueError, match="`beam_width` must be at least 1"):
        ctc.decode(epochs, beam_width=0)


def test_an_epoch_may_be_silent(streams):
    epochs, y = streams
    sequences = [(), *(collapse(own) for own in y[1:])]
    ctc = DuINTokenDecoder(loss="ctc", **DECODER).fit(epochs, sequences)
    assert np.isfinite(ctc.history_["train_loss"]).all()
    silent = y.copy()
    silent[:8] = None
    tokens = DuINTokenDecoder(**DECODER | {"batch_size": 4}).fit(epochs, silent)
    assert np.isfinite(tokens.history_["train_loss"]).all()
    assert torch.isfinite(tokens.module_.heads[0].hidden.weight).all()


def test_several_subjects(streams):
    epochs, y = streams
    subject = np.repeat(["01", "02"], 12)
    data = epochs.get_data()
    # As many filters as inputs: fewer are chosen for each subject by itself.
    sizes = {"n_filters": 12, "conv_filters": (8, 8, 12)}
    options = DECODER | sizes | {"max_iter": 6, "context": 0, "sfreq": SFREQ}
    decoder = DuINTokenDecoder(**options).fit(data, y, subject=subject)
    assert decoder.subjects_.tolist() == ["01", "02"]
    assert decoder.score(data, y, subject=subject) > 0.8
    with pytest.raises(ValueError, match=r"unknown subjects \['03'\]"):
        decoder.predict(data[:1], subject=["03"])
    with pytest.raises(TypeError, match="`estimator` must be DuINVQVAE or .* got D"):
        add_subject(decoder, epochs, name="03")


def interrupt(*arguments):
    raise KeyboardInterrupt("enough")


@pytest.mark.parametrize(
    "loss", ["cross-entropy", pytest.param("ctc", marks=pytest.mark.slow)]
)
def test_an_interrupted_training_goes_on(loss, streams, tmp_path, monkeypatch):
    epochs, y = streams
    y = [collapse(own) for own in y] if loss == "ctc" else y
    options = DECODER | {"max_iter": 4, "loss": loss, "validation_fraction": 0.25}
    whole = DuINTokenDecoder(**options).fit(epochs, y)
    passes = iter([_engine._train_pass, _engine._train_pass, interrupt])
    with monkeypatch.context() as patch:
        patch.setattr(_engine, "_train_pass", lambda *args: next(passes)(*args))
        with pytest.raises(KeyboardInterrupt, match="enough"):
            DuINTokenDecoder(**options).fit(epochs, y, checkpoint_dir=tmp_path)
    again = DuINTokenDecoder(**options).fit(epochs, y, checkpoint_dir=tmp_path)
    assert again.best_iter_ == whole.best_iter_
    for name, value in whole.module_.state_dict().items():
        assert torch.equal(value, again.module_.state_dict()[name])
    with pytest.raises(ValueError, match="had other parameters: lr .* -> 0.5"):
        DuINTokenDecoder(**options | {"lr": 0.5}).fit(
            epochs, y, checkpoint_dir=tmp_path
        )
