"""A new patient: everything shared stays as it is, own layers are fitted."""

from copy import deepcopy
from dataclasses import replace
from typing import Any

import mne
import numpy as np
from numpy.typing import ArrayLike

from mne_duin.estimators._classifier import DuINClassifier
from mne_duin.estimators._mae import DuINMAE
from mne_duin.estimators._trained import note_runs
from mne_duin.estimators._vqvae import DuINVQVAE
from mne_duin.estimators.presets import LIMITS, resolve
from mne_duin.nn import OneSubject
from mne_duin.training import (
    ChannelScaler,
    private_randomness,
    train,
)
from mne_duin.utils._checks import check_number, check_type, draw_seed
from mne_duin.utils._epochs import as_array, learn_contacts
from mne_duin.utils._slots import COLUMN, slot_names, slot_numbers
from mne_duin.utils._unmixing import learn_unmixing


def add_subject(
    estimator,
    X,
    y: ArrayLike | None = None,
    *,
    name: str | None = None,
    batch_norm: bool = True,
    max_iter: int = 20,
    batch_size: int = 16,
    lr: float = 3e-3,
    random_state: int | np.random.RandomState | None = None,
    verbose: bool | None = None,
):
    """Teach a fitted network one more subject.

    Only the subject's own layers are fitted: its spatial maps, or its patch encoder and
    regression head with ``subject_layers="patch"``. They start from the principal
    components of its channels and then learn by what the network was trained on: the
    first stage to reconstruct the signal from its codes, the second to predict hidden
    codes, neither of which asks for labels, and a classifier to name words. Shared
    layers, codex and the maps of all other subjects do not change. Afterwards fine-tune
    with a few trials: ``DuINClassifier(added).fit(epochs, y)``.

    Parameters
    ----------
    estimator : DuINVQVAE | DuINMAE | DuINClassifier
        A fitted estimator; it is not changed. Of a masked stage the first stage learns
        the subject as well.
    X : Epochs
        Epochs of the new subject: segments without labels, or trials. Channels are of
        any number and name.
    y : array, shape (n_epochs,) | None
        Labels, for a classifier only; all must be known to it.
    name : str | None
        Name of the subject; None takes ``metadata["subject"]``.
    batch_norm : bool
        Whether the running statistics of batch normalization become those of the new
        subject. With False the codes of all other subjects stay exactly as they were.
    max_iter : int
        Passes over the data.
    batch_size : int
        Epochs per step.
    lr : float
        Highest learning rate.
    random_state : None | int | RandomState
        Seed of batches, crops and masks.
    verbose : bool | None
        Whether to show a progress bar; None follows MNE's log level.

    Returns
    -------
    added : DuINVQVAE | DuINMAE | DuINClassifier
        A copy that knows the subject. It takes stacked epochs,
        see :func:`stack_subjects`; ``history_`` is that of this fit.

    Raises
    ------
    TypeError
        If the estimator is none of this package or ``X`` are no Epochs.
    ValueError
        If it is not fitted or was fitted without names of subjects, or if the subject
        is known already, has no name, another sampling rate or an unknown label.

    Examples
    --------
    >>> from mne_duin import DuINVQVAE, add_subject, simulate_subjects, stack_subjects
    >>> cohort = simulate_subjects(
    ...     3, n_runs=1, n_trials_per_word=1, sfreq=1000.0, random_state=0
    ... )
    >>> known = {name: cohort[name][:2] for name in ("01", "02")}
    >>> vqvae = DuINVQVAE(
    ...     n_layers=1, n_decoder_layers=1, n_codes=8, max_iter=2, verbose=False
    ... )
    >>> vqvae.fit(stack_subjects(known)[0])  # doctest: +ELLIPSIS
    DuINVQVAE(...)
    >>> added = add_subject(vqvae, cohort["03"][0], max_iter=2, verbose=False)
    >>> new, contacts = stack_subjects({"03": cohort["03"][:2]})
    >>> added.subjects_.tolist(), added.transform(new).shape
    (['01', '02', '03'], (8, 30))
    """
    _check_estimator(estimator)
    check_type("X", X, (mne.BaseEpochs, list))
    options: dict[str, Any] = {
        "max_iter": max_iter,
        "batch_size": batch_size,
        "lr": lr,
    }
    for number, value in options.items():
        check_number(number, value, **LIMITS[number])
    epochs = as_array(X)
    if not np.isclose(epochs.sfreq, estimator.info_["sfreq"]):
        raise ValueError(
            f"`X` has a sampling rate of {epochs.sfreq:g} Hz; the estimator was fitted "
            f"at {estimator.info_['sfreq']:g} Hz. Resample it."
        )
    name = _check_name(estimator, epochs, name)
    _check_labels(estimator, y, len(epochs))
    seed = draw_seed(random_state)
    options |= {"seed": seed, "verbose": verbose, "batch_norm": batch_norm}
    return _add(estimator, epochs, y, name, options)


def _check_estimator(estimator):
    check_type("estimator", estimator, (DuINVQVAE, DuINMAE, DuINClassifier))
    if "module_" not in vars(estimator):
        raise ValueError(
            "`estimator` is not fitted; fit it on the known subjects first."
        )
    if estimator.subjects_.tolist() == [""]:
        raise ValueError(
            "`estimator` was fitted without names of subjects; fit it on epochs with "
            'metadata["subject"] (see stack_subjects).'
        )
    if isinstance(estimator, DuINMAE) and estimator.vqvae_ is None:
        raise ValueError(
            "This masked stage was read without its first stage, whose codes it "
            "predicts; a subject cannot learn from it."
        )


def _check_name(estimator, epochs, name):
    """Return the name of the one new subject."""
    found = [] if epochs.subject is None else np.unique(epochs.subject).tolist()
    if name is None:
        if len(found) != 1:
            raise ValueError(
                f"`X` must be of one subject; its metadata name {found}. Say which by "
                "`name`, or give the epochs of one subject."
            )
        name = found[0]
    elif len(found) > 1:
        raise ValueError(f"`X` must be of one subject; its metadata name {found}.")
    if str(name) in [str(one) for one in estimator.subjects_]:
        raise ValueError(
            f"The estimator knows subject {str(name)!r} already; it knows "
            f"{estimator.subjects_.tolist()}."
        )
    return str(name)


def _check_labels(estimator, y, n_epochs):
    is_classifier = isinstance(estimator, DuINClassifier)
    if is_classifier != (y is not None):
        raise ValueError(
            "`y` is needed: a classifier learns a new subject from labeled trials. "
            "Without labels add the subject to the earlier stage."
            if is_classifier
            else f"`y` is for a classifier; {type(estimator).__name__} needs no labels."
        )
    if y is not None and np.shape(y) != (n_epochs,):
        raise ValueError(
            f"`y` must have one label per epoch, shape ({n_epochs},); got shape "
            f"{np.shape(y)}."
        )


def _add(estimator, epochs, y, name, options):
    """Return a copy of an estimator that knows the subject."""
    added = deepcopy(estimator)
    if isinstance(estimator, DuINMAE):
        added.vqvae_ = added.vqvae = _add(estimator.vqvae_, epochs, None, name, options)
    position = _grow_input(added, epochs, name)
    metadata = epochs.metadata
    if metadata is not None:
        metadata = metadata.assign(**{"subject": name, COLUMN: ""})
    note_runs(added, metadata, estimator)
    with private_randomness(options["seed"]):
        n_bands = 1 + len(added.bands_)
        added.module_.add_subject(position, added.n_features_in_, n_bands)
        data = _own_data(added, epochs, y, name)
        _start(added, position, data, options["batch_norm"])
    fit = OneSubject(added.module_, position)
    recipe = resolve(added, added._stage)
    step = added._subject_step(recipe, data)
    added.history_, added.best_iter_ = train(
        fit,
        lambda fit, batch: step(fit.network, batch),
        data,
        max_iter=options["max_iter"],
        batch_size=options["batch_size"],
        lr=options["lr"],
        n_warmup=max(options["max_iter"] // 10, 1),
        seed=options["seed"],
        name=f"subject {name}",
        verbose=options["verbose"],
    )
    fit.release()
    added.n_iter_ = len(added.history_)
    return added


def _own_data(added, epochs, y, name):
    """Put the subject's epochs on the device, as its network sees them."""
    n_slots, size = added.n_features_in_, added.patch_size_
    index = np.full(len(epochs), added.subjects_.tolist().index(name))
    inputs = added._inputs(_as_slots(epochs, n_slots), index)
    n_times = inputs.shape[-1] // size * size
    x = added.scaler_.apply(inputs[..., :n_times], index)
    options = {}
    if y is not None:
        options["y"] = np.searchsorted(added.classes_, _known_labels(added, y))
    else:
        crop = resolve(added, added._stage)["crop_duration"]
        options["n_times"] = added._crop_samples(crop)
    return added._on_device(x, index, **options)


def _known_labels(added, y):
    y = np.asarray(y)
    unknown = sorted(set(y.tolist()) - set(added.classes_.tolist()), key=str)
    if unknown:
        raise ValueError(
            f"`y` shares no class with what the classifier knows for {unknown[:5]}; it "
            f"knows {added.classes_.tolist()[:10]}."
        )
    return y


def _start(added, position, data, batch_norm):
    """Give the subject's layers their start and batch normalization its statistics."""
    module, encoder = added.module_, added.module_.encoder
    if isinstance(added, DuINMAE):
        # What the first stage has just learned of the subject.
        encoder.copy_subject(added.vqvae_.module_.encoder, position)
    else:
        module.start_subject(position, data.x)
    if encoder.has_own_statistics or batch_norm:
        encoder.calibrate(data.x, data.subject, position)


def _grow_input(added, epochs, name):
    """Add a subject to names, contacts and scales."""
    before, n_before = added.subjects_, added.n_features_in_
    subjects = sorted([*map(str, before), name])
    position = subjects.index(name)
    own = _own_contacts(epochs, name)
    n_slots = max(n_before, len(own))
    contacts = added.contacts_
    if contacts is None:
        # The channels of the known subjects become the contacts of their slots.
        real = added.scaler_.channel_mask[:, :n_before]
        contacts = {
            str(subject): [
                n for n, is_real in zip(added.ch_names_, row, strict=True) if is_real
            ]
            for subject, row in zip(before, real, strict=True)
        }
        _check_packed(real)
    added.subjects_ = np.array(subjects)
    added.contacts_ = contacts | {name: own}
    added.ch_names_ = slot_names(n_slots)
    added.n_features_in_ = n_slots
    added.info_ = mne.create_info(added.ch_names_, added.info_["sfreq"], "seeg")
    own = _as_slots(epochs, n_slots)
    added.unmixing_ = _grow_unmixing(added, n_before, position, own)
    added.scaler_ = _grow_scaler(added, n_before, position, own)
    return position


def _own_contacts(epochs, name):
    """Return the names of the subject's contacts in the order of the data."""
    numbers = slot_numbers(epochs.ch_names)
    if numbers is None:
        return list(epochs.ch_names)
    contacts = learn_contacts(epochs, np.unique(epochs.subject))
    if contacts is None or numbers != list(range(1, len(numbers) + 1)):
        raise ValueError(
            "`X` has channel slots but no list of contacts; give the epochs of the "
            "subject as they were before stacking."
        )
    return next(iter(contacts.values()))


def _check_packed(real):
    """Refuse padding that lies between channels, which slots cannot say."""
    if (np.diff(real.astype(int), axis=1) > 0).any():
        raise ValueError(
            "The known subjects have padded channels before real ones; stack them with "
            "stack_subjects and fit again."
        )


def _as_slots(epochs, n_slots):
    """Pad the signal of one subject to all slots."""
    data = epochs.data[:, :n_slots]
    widths = ((0, 0), (0, n_slots - data.shape[1]), (0, 0))
    return replace(epochs, data=np.pad(data, widths), ch_names=slot_names(n_slots))


def _grow_unmixing(added, n_before, position, epochs):
    """Return the unmixing of all subjects in all slots."""
    n_slots = added.n_features_in_
    new = learn_unmixing(epochs.data, added.info_["sfreq"], added.bands_)
    grown = {}
    for name, old in added.unmixing_.items():
        wide = np.tile(np.eye(n_slots), (len(old), 1, 1))
        wide[:, :n_before, :n_before] = old
        grown[name] = np.insert(wide, position, new[name][0], axis=0)
    return grown


def _grow_scaler(added, n_before, position, epochs):
    """Return the scales of all subjects in all slots."""
    old, n_slots = added.scaler_, added.n_features_in_
    real = np.arange(n_slots) < len(added.contacts_[str(added.subjects_[position])])
    inputs = added._inputs(epochs, np.full(len(epochs), position))
    own = ChannelScaler.learn(
        inputs, np.zeros(len(inputs), int), 1, added.ch_names_, real[None]
    )
    grown = []
    for name, padding in (("mean", 0), ("scale", 1), ("channel_mask", False)):
        value = getattr(old, name)
        value = value.reshape(len(value), -1, n_before)
        widths = ((0, 0), (0, 0), (0, n_slots - n_before))
        value = np.pad(value, widths, constant_values=padding).reshape(len(value), -1)
        grown.append(np.insert(value, position, getattr(own, name)[0], axis=0))
    return ChannelScaler(*grown)
