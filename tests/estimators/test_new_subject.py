"""A new patient: own layers are fitted, everything shared stays as it is."""

import numpy as np
import pandas as pd
import pytest
import torch
from toy_trials import CLASSIFIER, TRAINING, VQVAE, as_epochs, make, output, simulate

from mne_duin import (
    DuINClassifier,
    DuINMAE,
    DuINVQVAE,
    add_subject,
    read_estimator,
)
from mne_duin.channels import stack_subjects

STAGES = ("vqvae", "mae", "classifier")
LAYERS = ["spatial", pytest.param("patch", marks=pytest.mark.slow)]


def patient(name, n_channels, seed):
    X, y = simulate(12, n_channels, seed=seed)
    names = [f"{name}-{i}" for i in range(n_channels)]
    epochs = as_epochs(X, names=names, subject=name)
    return epochs, pd.DataFrame({"x": range(n_channels)}, names), y


@pytest.fixture(scope="module")
def cohort():
    """Two known subjects with 30 and 3 channels, and a new one between in name."""
    return {
        "ann": patient("ann", 3, 0),
        "cem": patient("cem", 30, 1),
        "bob": patient("bob", 6, 2),
    }


@pytest.fixture(scope="module")
def stacked(cohort):
    pairs = {name: cohort[name][:2] for name in ("ann", "cem")}
    y = np.concatenate([cohort[name][2] for name in ("ann", "cem")])
    return stack_subjects(pairs)[0], y


@pytest.fixture(
    scope="module", params=["spatial", pytest.param("patch", marks=pytest.mark.slow)]
)
def stages(request, stacked):
    epochs, y = stacked
    own = {"subject_layers": request.param}
    first = DuINVQVAE(**VQVAE | own).fit(epochs)
    return {
        "vqvae": first,
        "mae": make("mae", first).fit(epochs),
        "classifier": DuINClassifier(**CLASSIFIER | own).fit(epochs, y),
    }


def add(stages, kind, cohort, **options):
    epochs, _, y = cohort["bob"]
    labels = y if kind == "classifier" else None
    options = {"max_iter": 3, "random_state": 0, "verbose": False} | options
    return add_subject(stages[kind], epochs, labels, **options)


@pytest.mark.parametrize("kind", STAGES)
@pytest.mark.by_default("spatial-mae", "spatial-classifier")
def test_the_new_subject_is_known_and_the_old_ones_stay(kind, stages, stacked, cohort):
    before = {k: v.clone() for k, v in stages[kind].module_.state_dict().items()}
    old = output(stages[kind], stacked[0])
    added = add(stages, kind, cohort, batch_norm=False)
    assert added.subjects_.tolist() == ["ann", "bob", "cem"]
    assert list(added.contacts_) == ["ann", "cem", "bob"]
    assert added.contacts_["bob"] == cohort["bob"][0].ch_names
    np.testing.assert_allclose(output(added, stacked[0]), old, atol=1e-6)
    new = stack_subjects({"bob": cohort["bob"][:2]})[0]
    assert len(output(added, new)) == 12
    after = stages[kind].module_.state_dict()
    assert all(torch.equal(after[k], v) for k, v in before.items())
    with pytest.raises(ValueError, match=r"unknown subjects \['bob'\]"):
        output(stages[kind], new)


@pytest.mark.parametrize("kind", STAGES)
def test_only_own_layers_are_fitted(kind, stages, cohort):
    short = add(stages, kind, cohort, max_iter=1, lr=1e-12, batch_norm=False)
    long = add(stages, kind, cohort, max_iter=4, lr=1e-2, batch_norm=False)
    start, end = short.module_.state_dict(), long.module_.state_dict()
    moved = {}
    for name, value in end.items():
        same = torch.isclose(start[name], value, atol=1e-9)
        if "spatial." in name:
            assert same[[0, 2]].all()
            same = same[1]
        moved[name] = not same.all()
    own = [name for name in moved if "spatial." in name or "subjects.1." in name]
    assert not any(moved[name] for name in moved if name not in own)
    assert all(moved[name] for name in own if name.endswith("weight"))
    assert all(p.requires_grad for p in long.module_.parameters())


@pytest.mark.slow
@pytest.mark.parametrize("kind", STAGES)
def test_the_fit_lowers_its_loss(kind, stages, cohort):
    history = add(stages, kind, cohort, max_iter=15, lr=1e-2).history_
    losses = history.to_frame()["train_loss"]
    assert losses.iloc[-3:].mean() < losses.iloc[:3].mean()


@pytest.mark.slow
@pytest.mark.parametrize("kind", STAGES)
def test_the_seed_decides(kind, stages, cohort):
    new = stack_subjects({"bob": cohort["bob"][:2]})[0]
    torch.manual_seed(1)
    state = torch.random.get_rng_state()
    one, two = (output(add(stages, kind, cohort), new) for _ in range(2))
    assert np.array_equal(one, two)
    assert torch.equal(torch.random.get_rng_state(), state)


def test_more_contacts_than_anyone_before(stages, stacked, cohort):
    big = patient("dan", 40, 5)
    added = add_subject(stages["vqvae"], big[0], batch_norm=False, max_iter=1)
    assert len(added.ch_names_) == 40
    # The signal of every contact and its power in each band.
    n_each = 1 + len(added.bands_)
    counts = added.scaler_.channel_mask.sum(1)
    assert counts.tolist() == [n_each * n for n in (3, 30, 40)]
    old = stages["vqvae"].transform(stacked[0])
    assert np.array_equal(added.transform(stacked[0]), old)
    everyone = {k: cohort[k][:2] for k in ("ann", "cem")} | {"dan": big[:2]}
    assert added.transform(stack_subjects(everyone)[0]).shape == (36, 4)


def test_the_new_subject_can_be_fine_tuned_and_saved(stages, cohort, tmp_path):
    epochs, contacts, y = cohort["bob"]
    new = stack_subjects({"bob": (epochs, contacts)})[0]
    added = add(stages, "mae", cohort)
    again = read_estimator(added.save(tmp_path / "added"))
    assert np.array_equal(again.transform(new), added.transform(new))
    assert again.contacts_ == added.contacts_
    classifier = DuINClassifier(added, **TRAINING | {"hidden_dim": 16}).fit(new, y)
    assert classifier.predict(new).shape == (12,)
    table = classifier.channel_contributions()
    assert table["bob"].notna().sum() == 6
    assert table["ann"].notna().sum() == 3


def test_a_network_of_one_named_subject(cohort):
    epochs, _, y = cohort["cem"]
    alone = DuINVQVAE(**VQVAE).fit(epochs)
    added = add_subject(alone, cohort["ann"][0], max_iter=1, random_state=0)
    assert added.contacts_["cem"] == epochs.ch_names
    both = {name: cohort[name][:2] for name in ("ann", "cem")}
    assert added.transform(stack_subjects(both)[0]).shape == (24, 4)


def test_what_cannot_be_added(stages, cohort, trials):
    vqvae, classifier = stages["vqvae"], stages["classifier"]
    epochs, _, y = cohort["bob"]
    with pytest.raises(
        TypeError, match="`estimator` must be DuINVQVAE or DuINMAE or DuINC"
    ):
        add_subject("vqvae", epochs)
    with pytest.raises(TypeError, match="`X` must be BaseEpochs or list"):
        add_subject(vqvae, epochs.get_data())
    with pytest.raises(ValueError, match="`estimator` is not fitted"):
        add_subject(DuINVQVAE(), epochs)
    with pytest.raises(ValueError, match="without names of subjects"):
        add_subject(DuINVQVAE(**VQVAE | {"max_iter": 1}).fit(trials[0]), epochs)
    with pytest.raises(ValueError, match=r"knows subject 'ann' already"):
        add_subject(vqvae, cohort["ann"][0])
    with pytest.raises(ValueError, match="must be of one subject"):
        add_subject(vqvae, as_epochs(epochs.get_data()))
    with pytest.raises(ValueError, match="`y` is needed: a classifier"):
        add_subject(classifier, epochs)
    with pytest.raises(ValueError, match="DuINVQVAE needs no labels"):
        add_subject(vqvae, epochs, y)
    with pytest.raises(ValueError, match=r"shares no class.*\['la'\]; it knows \['ba'"):
        add_subject(classifier, epochs, np.where(y == "ba", "la", y))
    with pytest.raises(ValueError, match=r"sampling rate of 500 Hz.*fitted at 1000 Hz"):
        add_subject(vqvae, epochs.copy().resample(500, verbose="error"))
    with pytest.raises(ValueError, match="`lr` must be above 0"):
        add_subject(vqvae, epochs, lr=0)


def test_contacts_that_have_changed(stages, cohort):
    epochs, contacts, _ = cohort["ann"]
    order = epochs.copy().reorder_channels(epochs.ch_names[::-1])
    stacked = stack_subjects({"ann": (order, contacts)})[0]
    with pytest.raises(ValueError, match=r"subject 'ann' are not those.*another order"):
        stages["vqvae"].transform(stacked)
    fewer = stack_subjects({"ann": (epochs.copy().drop_channels(["ann-1"]), contacts)})
    with pytest.raises(ValueError, match=r"lost \['ann-1'\], new \[\]"):
        stages["vqvae"].transform(fewer[0])
    both, _ = stack_subjects({"ann": (epochs, contacts), "b": cohort["bob"][:2]})
    both.metadata["subject"] = "ann"
    with pytest.raises(ValueError, match="'ann' come from 2 lists of contacts"):
        DuINVQVAE(**VQVAE).fit(both)


def test_a_masked_stage_without_its_first_one(stages, cohort):
    mae = add(stages, "mae", cohort)
    mae.vqvae_ = None
    assert isinstance(mae, DuINMAE)
    with pytest.raises(ValueError, match="without its first stage"):
        add_subject(mae, patient("eve", 3, 8)[0])
