"""The whole path for one subject: from a BIDS folder to decoded words and a report."""

from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

import matplotlib.pyplot as plt
import mne
import numpy as np
import pandas as pd
from sklearn.base import BaseEstimator, clone
from sklearn.frozen import FrozenEstimator

from mne_duin.baselines import make_lda
from mne_duin.baselines._calibration import MIN_TRIALS
from mne_duin.estimators import (
    DecoderEnsemble,
    DuINCells,
    DuINClassifier,
    DuINMAE,
    DuINVQVAE,
    make_duin,
)
from mne_duin.estimators._files import plain
from mne_duin.estimators._probe import judge_pretraining
from mne_duin.estimators.presets import resolve
from mne_duin.evaluation import evaluate_each, summarize_curve
from mne_duin.report import make_report
from mne_duin.training import choose_device, jobs_at_once
from mne_duin.utils._bands import UNMIXED
from mne_duin.utils._checks import as_list, check_option
from mne_duin.utils._docs import fill_doc
from mne_duin.utils._epochs import run_names
from mne_duin.utils._moved import former_parameters
from mne_duin.utils._numbers import percent
from mne_duin.viz import results_table
from mne_duin.weights import save_decoder
from mne_duin.workflows._analysis import Analysis
from mne_duin.workflows._derivative import write_config, write_contacts
from mne_duin.workflows._held_out import LastRun
from mne_duin.workflows._outputs import open_writer, read_stage
from mne_duin.workflows._pretraining import (
    LEAST_FOR_CELLS,
    choose_pretraining,
    fit_stages,
)
from mne_duin.workflows._reading import (
    DURATION,
    OVERLAP,
    find_runs,
    read_words,
    reading_rate,
)
from mne_duin.workflows._results import write_report, write_results, write_scores
from mne_duin.workflows._writing import AnalysisWriter

PRESETS = ("quick", "paper")
MAIN, SCRATCH, LDA = "Du-IN", "Du-IN, no pre-training", "shrinkage LDA"
CODEX_ONLY, WITH_LDA = "Du-IN, codex only", "Du-IN with LDA"
BOTH = "Du-IN, both networks"  # the pre-trained one and the one from scratch
# Where the pre-trained encoder is of no use, Du-IN is trained from scratch.
UNUSED = "Du-IN, pre-trained (not used)"


@dataclass(frozen=True)
class WordDecoding:
    """What :func:`decode_words` found.

    Parameters
    ----------
    results : dict of str to DecodingResult
        Held-out results by name; the first is Du-IN, pre-trained if that is of use.
    contacts : DataFrame
        The channels that were decoded.
    vqvae : DuINVQVAE | None
        The fitted first stage; None where cells were hidden.
    mae : DuINMAE | None
        The fitted second stage; None where cells were hidden.
    classifier : DuINClassifier
        The fitted third stage.
    folder : Path | None
        Where report, tables and models were written.
    report : Path | None
        The report.
    curve : DataFrame | None
        Accuracy with few and with more training trials per word, see
        :func:`~mne_duin.learning_curve`; None where a run was not held out or words
        have too few trials.
    lda : estimator | None
        The fitted LDA.
    cells : DuINCells | None
        The network that predicts hidden cells; None where codes were learned.
    """

    results: dict
    contacts: pd.DataFrame
    vqvae: DuINVQVAE | None
    mae: DuINMAE | None
    classifier: DuINClassifier
    folder: Path | None
    report: Path | None = None
    curve: pd.DataFrame | None = None
    lda: BaseEstimator | None = None
    cells: DuINCells | None = None

    @property
    def result(self):
        """The main result, of Du-IN."""
        return self.results[MAIN]

    def __str__(self):
        table = results_table(self.results).drop(columns="classes")
        parts = [table.to_string(), str(self.result)]
        if self.curve is not None:
            parts.insert(1, describe_curve(self.curve))
        return "\n\n".join(parts)


@fill_doc
@former_parameters(label_source="labels")
def decode_words(
    root,
    subject,
    *,
    session=None,
    task=None,
    run=None,
    acquisition=None,
    regions=("vSMC", "STG"),
    preset="quick",
    out=None,
    desc=None,
    overwrite=False,
    event_id=None,
    label_column="trial_type",
    where=None,
    onset=None,
    align=None,
    tmin=-0.5,
    tmax=2.5,
    reference="bipolar",
    atlas="desikan-killiany",
    space=None,
    label_source="auto",
    fs_subject=None,
    subjects_dir=None,
    max_distance=None,
    l_freq=0.5,
    h_freq=200.0,
    notch="auto",
    sfreq="auto",
    causal=False,
    reject="auto",
    cv="last-run",
    pretraining="auto",
    pretrained=None,
    models=True,
    checkpoint_dir=None,
    n_jobs="auto",
    device="auto",
    precision="auto",
    random_state=0,
    verbose=None,
):
    """Decode words from the recordings of one subject, with an honest comparison.

    The last run is held out. On the other runs the encoder is pre-trained without
    labels and fine-tuned on the words; a shrinkage LDA and a network without
    pre-training learn from the same trials. Du-IN and the LDA, and both networks, also
    are ensembles (:class:`DecoderEnsemble`). All are tested on the run that none has
    seen. A pre-trained encoder from which a linear discriminant reads no more of the
    training trials than from the signal is not used, with a warning.

    Parameters
    ----------
    %(subject_of_bids)s
    %(recordings)s
    out : path-like | None
        BIDS derivative dataset that gets the results, such as
        ``root / "derivatives" / "mne_duin"``; None writes nothing. See Notes.
    %(job_output)s
    %(trial_options)s
    %(reference_and_anatomy)s
    cv : int | str
        ``"last-run"``, or another way of splitting of :func:`evaluate`, which then
        pre-trains inside each fold. The saved decoder then learns from all trials.
    %(pretraining)s
    pretrained : path-like | None
        What :func:`pretrain` wrote (a file or the folder of the analysis), in place of
        the pre-training; None pre-trains on the runs that are not held out.
    models : bool
        Whether to write the networks as well.
    checkpoint_dir : path-like | None
        Folder for checkpoints of the pre-training, which an interrupted call continues
        from; see :meth:`mne_duin.DuINVQVAE.fit`.
    n_jobs : int | "auto"
        Trainings that run at the same time, by joblib. Where a run is held out,
        ``"auto"`` takes as many as there are free cores, at most four (each needs
        about 1 GB); on a GPU, and with other ``cv``, one.
    %(job_machine)s

    Returns
    -------
    decoding : WordDecoding
        Results, contacts and fitted estimators.

    Raises
    ------
    FileNotFoundError, ValueError
        If the data cannot be decoded as asked, or ``out`` is not a place for results;
        the message says why and what to do.
    FileExistsError
        If there is an earlier analysis of this name and ``overwrite`` is False, or a
        file that this package did not write.
    OSError
        If ``out`` cannot be written; this is checked before anything is learned.

    Notes
    -----
    ``sub-XX[/ses-XX]/ieeg/sub-XX[_ses-XX][_task-XX]_desc-NAME_…`` are: ``report.html``;
    ``predictions.tsv`` of Du-IN and ``model-…_predictions.tsv`` of the others;
    ``metrics.tsv``; ``learningcurve.tsv``, where words have more than five training
    trials; ``contacts.tsv``, positions to 0.01 mm; ``classifier.safetensors``, and
    ``mae.safetensors``, which holds the VQ-VAE as well, or ``cells.safetensors``;
    ``config.yaml``, which ``mne-duin decode --config`` takes; and ``manifest.json``.
    Every table has a sidecar that says what its columns hold.

    Examples
    --------
    >>> decoding = decode_words(
    ...     sample_data_path(), "01", align="response_time", out="results"
    ... )  # doctest: +SKIP
    >>> print(decoding)  # doctest: +SKIP
    """
    given = dict(locals())
    check_option("preset", preset, PRESETS)
    known = {} if pretrained is None else read_pretrained(pretrained, subject)
    given["sfreq"] = reading_rate(given, _last(known))
    paths = find_runs(root, subject, session, task, run, acquisition)
    writing = open_writer("decode", given, paths)
    with mne.utils.use_log_level(verbose), writing as writer:
        single = cv == "last-run"
        segments = not known and (single or "run" in str(cv))
        epochs, contacts, segments = read_words(paths, given, segments=segments)
        if single:
            check_trials(epochs)
        common = {
            "preset": preset,
            "device": device,
            "precision": precision,
            "random_state": random_state,
            "verbose": verbose if isinstance(verbose, bool) else None,
        }
        folder = None if writer is None else writer.folder
        if n_jobs == "auto":
            # Every fold that pre-trains holds a copy of the recording. Later on our own
            # processes would be taken for others that use the cores.
            n_jobs = jobs_at_once(choose_device(device)) if single else 1
        learn = _learn if single else partial(_cross_validate, cv=cv)
        learn = partial(learn, pretraining=pretraining, known=known, n_jobs=n_jobs)
        decoding = learn(epochs, segments, contacts, common, folder, checkpoint_dir)
        if writer is None:
            return decoding
        settings = describe_settings(given) | _recipe(decoding, epochs)
        return _write(decoding, epochs, settings, writer, models, n_jobs)


def describe_settings(given):
    """Say in words what was asked for, for the methods text.

    Parameters
    ----------
    given : dict
        Parameters of :func:`decode_words` by name.

    Returns
    -------
    settings : dict of str to object
        Settings by name.
    """
    return {
        "label column": given["label_column"],
        "time zero": given["align"] or "onset",
        "epoch": f"{given['tmin']:g} to {given['tmax']:g} s",
        "regions": ", ".join(map(str, as_list(given["regions"]))) or "all",
        "preset": given["preset"],
        "random_state": given["random_state"],
    }


def read_pretrained(path, subject=None):
    """Read the pre-trained stages of an analysis.

    Parameters
    ----------
    path : path-like
        A file or the folder of what :func:`pretrain` wrote.
    subject : str | None
        Whose, where the folder holds those of several.

    Returns
    -------
    stages : dict of str to estimator
        ``vqvae`` and ``mae``, or ``cells``.

    Raises
    ------
    FileNotFoundError, ValueError
        If there is no such file, there are several, or it holds something else.
    """
    kinds = {"mae": DuINMAE, "cells": DuINCells}
    path = Path(path)
    there = [
        name
        for name in kinds
        if path.name.endswith(f"{name}.safetensors")
        or (path.is_dir() and any(path.rglob(f"*_{name}.safetensors")))
    ]
    if len(there) > 1:
        raise ValueError(
            f"{str(path)!r} holds networks of two kinds of pre-training "
            f"({', '.join(there)}); give the path of the file you mean."
        )
    name = there[0] if there else "mae"
    stage = read_stage(path, name, command="pretrain", subject=subject)
    if not isinstance(stage, kinds[name]):
        raise ValueError(
            f"{str(path)!r} holds a {type(stage).__name__}; `pretrained` must be the "
            f"{kinds[name].__name__} that `mne-duin pretrain` wrote "
            f"(…_{name}.safetensors)."
        )
    return {"vqvae": stage.vqvae_, "mae": stage} if name == "mae" else {"cells": stage}


def _last(stages):
    """Return the stage that a classifier goes on from, None without any."""
    return list(stages.values())[-1] if stages else None


def check_trials(epochs):
    """Check that there is something to learn from and something to test on.

    Parameters
    ----------
    epochs : Epochs
        The trials, with the run of each in ``metadata["run"]``.

    Raises
    ------
    ValueError
        If there is one run only, one class only, or a class with fewer than three
        trials before the last run.
    """
    runs = run_names(epochs.metadata)
    if len(np.unique(runs)) < 2:
        raise ValueError(
            "Only one run has trials, but at least one run is needed for training and "
            "one for testing. Pass more runs, or evaluate your own estimators with "
            "mne_duin.evaluate(..., cv=5)."
        )
    names = {code: name for name, code in epochs.event_id.items()}
    labels = np.array([names[code] for code in epochs.events[:, 2]])
    classes = np.unique(labels)
    if len(classes) < 2:
        raise ValueError(
            f"All trials have the label {str(classes[0])!r}; decoding needs at least "
            "two classes."
        )
    training = labels[runs != runs[-1]]
    for name in classes:
        count = np.count_nonzero(training == name)
        if count < MIN_TRIALS:
            raise ValueError(
                f"The class {str(name)!r} has {count} trials in the training runs; at "
                f"least {MIN_TRIALS} are needed. Leave it out with `event_id`, or add "
                "runs."
            )


def _learn(
    epochs,
    segments,
    contacts,
    common,
    folder,
    checkpoint_dir,
    *,
    pretraining,
    known,
    n_jobs,
):
    """Evaluate the baseline and the networks on the run that is held out."""
    last = LastRun(epochs, common["random_state"], n_jobs)
    held_out, amounts = last.names, [None, *last.amounts]
    simple = {(LDA, few): make_lda() for few in amounts}
    scratch = {(SCRATCH, few): DuINClassifier(**common) for few in amounts}
    # These need no encoder: other processes fit them while this one pre-trains.
    last.begin(scratch | simple)
    duration = len(epochs.times) / epochs.info["sfreq"]
    stages = known or _pretrain(
        segments, held_out, pretraining, common, checkpoint_dir, duration
    )
    stage = _last(stages)
    mne.utils.logger.info(
        f"{len(epochs)} trials of {len(epochs.event_id)} words in {len(contacts)} "
        f"channels; run {', '.join(held_out)} is held out."
    )
    is_used, weight = _is_used(DuINClassifier(stage, **common), epochs, held_out)
    pretrained = MAIN if is_used else UNUSED
    networks = {(pretrained, few): DuINClassifier(stage, **common) for few in amounts}
    if is_used and "vqvae" in stages:
        # What masked modeling adds to the codex is of interest where it is used.
        networks[CODEX_ONLY, None] = DuINClassifier(stages["vqvae"], **common)
    last.finish(networks)
    results, models = last.results, last.models
    main = pretrained if is_used else SCRATCH
    ensembles = {(WITH_LDA, few): _with_lda(models[main, few]) for few in amounts}
    if is_used:
        weights = weight, 1 - weight
        for few in amounts:
            pair = models[MAIN, few], models[SCRATCH, few]
            ensembles[BOTH, few] = _pool_networks(*pair, weights)
    last.finish(ensembles)
    order = [CODEX_ONLY, SCRATCH, BOTH, LDA, WITH_LDA]
    if not is_used:
        results[MAIN] = replace(results[SCRATCH], estimator=MAIN)
        for few in last.amounts:
            row = last.curves.pop((SCRATCH, few))
            last.curves[MAIN, few] = row.assign(estimator=MAIN)
        order.insert(0, UNUSED)
    order.insert(0, MAIN)
    return WordDecoding(
        {name: results[name] for name in order if name in results},
        contacts,
        stages.get("vqvae"),
        stages.get("mae"),
        models[main, None],
        folder,
        curve=last.curve(order),
        lda=models[LDA, None],
        cells=stages.get("cells"),
    )


def _is_used(classifier, epochs, held_out):
    """Return whether the pre-trained encoder is of use, and its weight in an ensemble.

    Both are decided on the training trials.
    """
    learns = np.flatnonzero(~np.isin(run_names(epochs.metadata), held_out))
    y = epochs.events[learns, 2]
    is_used, why, weight = judge_pretraining(classifier, epochs[learns], y)
    if not is_used:
        mne.utils.warn(
            f"{why} So the pre-trained encoder is not used: {MAIN!r} is trained from "
            "scratch, and the pre-trained one is in the tables for comparison."
        )
    elif why:
        mne.utils.logger.info(why)
    return is_used, weight


def _pool_networks(pretrained, scratch, weights):
    """Return the ensemble of two fitted networks."""
    pair = [("duin", pretrained), ("scratch", scratch)]
    pair = [(name, FrozenEstimator(network)) for name, network in pair]
    return DecoderEnsemble(pair, weights=weights)


def _with_lda(network):
    """Return the ensemble of a fitted network and an LDA."""
    lda = make_lda(calibrated=True)
    return DecoderEnsemble([("duin", FrozenEstimator(network)), ("lda", lda)])


def describe_curve(curve):
    """Return the accuracies with few training trials per word as text.

    Parameters
    ----------
    curve : DataFrame
        What :func:`~mne_duin.learning_curve` or :func:`summarize_curve` returned.

    Returns
    -------
    text : str
        One row per number of trials, one column per estimator, and which one is best.
    """
    table = curve if "low" in curve else summarize_curve(curve)
    wide = table.pivot(index="n_per_class", columns="estimator", values="accuracy")
    wide = wide[table["estimator"].unique()].rename_axis(None, axis=1)
    wide = wide.rename_axis("trials per word")
    best = "; ".join(f"{row.idxmax()} with {amount}" for amount, row in wide.iterrows())
    lines = wide.map(percent).reset_index().to_string(index=False)
    return f"Learning curve, run held out as above:\n{lines}\nHighest: {best}."


def _pretrain(segments, held_out, pretraining, common, checkpoint_dir, trial_duration):
    """Fit the stages without labels, on the runs that are not held out."""
    allowed = ~np.isin(run_names(segments.metadata), held_out)
    segments = segments[np.flatnonzero(allowed)]
    seconds = _seconds(segments)
    mne.utils.logger.info(f"{len(segments)} segments for pre-training.")
    # To measure the cost of less takes a quarter of that cost.
    options = {"checkpoint_dir": checkpoint_dir, "costs": seconds >= LEAST_FOR_CELLS}
    options["trial_duration"] = trial_duration
    return fit_stages(segments, seconds, pretraining, common, **options)


def _seconds(segments):
    """Return the length of the recording that overlapping segments were cut from."""
    return len(segments) * (DURATION - OVERLAP)


def _make_networks(known, kind, common, memory):
    """Return the networks with pre-training, unfitted, by name."""
    if known:
        networks = {MAIN: DuINClassifier(_last(known), **common)}
        if "vqvae" in known:
            networks[CODEX_ONLY] = DuINClassifier(known["vqvae"], **common)
        return networks
    if kind == "cells":
        # What is reported is what is saved: one network.
        network = make_duin("pretrained", **common, **memory)
        return {MAIN: network.set_params(scratch=None)}
    variants = ((MAIN, "mae"), (CODEX_ONLY, "vqvae"))
    return {name: make_duin(variant, **common, **memory) for name, variant in variants}


def _cross_validate(
    epochs,
    segments,
    contacts,
    common,
    folder,
    checkpoint_dir,
    *,
    pretraining,
    known,
    cv,
    n_jobs,
):
    """Evaluate with several folds, then fit the decoder on all trials."""
    kind = "codex"
    if not known:
        # Without segments the trials are what is learned from.
        seconds = len(epochs) * np.ptp(epochs.times)
        seconds = seconds if segments is None else _seconds(segments)
        kind = choose_pretraining(pretraining, seconds, common["preset"])
    with TemporaryDirectory() as temporary:
        memory = {"memory": checkpoint_dir or temporary}
        networks = _make_networks(known, kind, common, memory)
        first, lda = networks[MAIN], make_lda(calibrated=True)
        estimators = networks | {
            SCRATCH: DuINClassifier(**common),
            LDA: make_lda(),
            WITH_LDA: DecoderEnsemble([("duin", first), ("lda", lda)]),
        }
        results = evaluate_each(
            estimators,
            epochs,
            cv=cv,
            random_state=common["random_state"],
            unlabelled=segments,
            n_jobs=n_jobs,
        )
        more = {} if known else {"unlabelled": segments}
        names = {code: name for name, code in epochs.event_id.items()}
        y = np.array([names[code] for code in epochs.events[:, 2]])
        fitted = clone(first).fit(epochs, y, **more)
        linear = make_lda().fit(epochs, y)
    stages = known
    if not known:
        both = {"vqvae": fitted.vqvae_, "mae": fitted.mae_}
        stages = {"cells": fitted.vqvae_} if kind == "cells" else both
        fitted = fitted.classifier_
    return WordDecoding(
        results,
        contacts,
        stages.get("vqvae"),
        stages.get("mae"),
        fitted,
        folder,
        lda=linear,
        cells=stages.get("cells"),
    )


def _recipe(decoding, epochs):
    """Say what the networks were given and how they started, for the methods text."""
    tested = decoding.result.epoch
    classifier = decoding.classifier
    recipe = resolve(classifier, "classifier")
    plain = [name for name in classifier.bands_ if name not in classifier.unmixing_]
    inputs = "signal"
    if plain:
        inputs += f"; log power in {', '.join(plain)}"
    if classifier.unmixing_:
        names = (name.removesuffix(UNMIXED) for name in classifier.unmixing_)
        inputs += f"; log power of unmixed channels in {', '.join(names)}"
    return {
        "training trials": len(epochs) - len(tested),
        "held-out trials": len(tested),
        "held-out run": ", ".join(np.unique(run_names(epochs.metadata)[tested])),
        "network inputs": inputs,
        "pre-training": (
            "not used: it did not help in the training trials"
            if UNUSED in decoding.results
            else pretraining_name(decoding)
        ),
        "initialization without pre-training": recipe["init"],
        "initialization of the head": recipe["head_init"],
        "codes": len((decoding.vqvae or decoding.cells).codebook_),
    }


def _write(decoding, epochs, settings, writer=None, models=True, n_jobs=None):
    """Write everything as one unit; return what was found, with its folder."""
    if writer is None:
        place = decoding.folder
        analysis = Analysis(place.parent, "decode", place.name.removeprefix("sub-"))
        own = {"command": "decode"}
        with AnalysisWriter(analysis, None, own, overwrite=True) as writer:
            return _write(decoding, epochs, settings, writer, models, n_jobs)
    fill = partial(_fill, decoding, epochs, settings, writer, models, n_jobs)
    folder = writer.write(fill)
    if not isinstance(decoding, WordDecoding):
        return decoding
    report = folder / writer.analysis.file_name("report.html")
    return replace(decoding, folder=folder, report=report if report.exists() else None)


def _fill(decoding, epochs, settings, writer, models, n_jobs, folder):
    """Write all files of a decoding to a folder."""
    name = writer.analysis.file_name
    write_report(
        folder / name("report.html"),
        lambda: _report(decoding, epochs, settings, n_jobs),
    )
    write_contacts(folder / name("contacts.tsv"), decoding.contacts, writer.settings)
    more = {"Settings": writer.settings, "Networks": _networks(decoding)}
    write_results(folder, writer, decoding.results, main=True, more=more)
    if decoding.curve is not None:
        path = folder / name("learningcurve.tsv")
        write_scores(path, summarize_curve(decoding.curve), writer.settings)
    write_config(folder / name("config.yaml"), writer.settings)
    for stage in ("mae", "cells", "classifier") if models else ():
        # The second stage holds the first one.
        if getattr(decoding, stage) is not None:
            getattr(decoding, stage).save(folder / name(f"{stage}.safetensors"))
    if models and decoding.lda is not None:
        save_decoder(decoding.lda, folder / name("classifier.skops", LDA))


def _networks(decoding):
    """Return what the presets of the stages resolved to."""
    names = ("vqvae", "mae", "cells", "classifier")
    stages = {name: getattr(decoding, name) for name in names}
    return {
        name: plain(resolve(stage, name))
        for name, stage in stages.items()
        if hasattr(stage, "preset")
    }


def _report(decoding, epochs, settings, n_jobs=None):
    """Draw what was found, on the run that no network has seen."""
    if n_jobs is None:
        n_jobs = jobs_at_once(choose_device(decoding.classifier.device))
    report = make_report(
        decoding.classifier,
        epochs,
        decoding.contacts,
        vqvae=decoding.vqvae,
        mae=decoding.mae,
        cells=decoding.cells,
        results=decoding.results,
        curve=decoding.curve,
        parameters=settings,
        n_jobs=n_jobs,
    )
    plt.close("all")
    return report


def pretraining_name(decoding):
    """Say in words how a decoding was pre-trained."""
    return "hidden cells" if decoding.cells is not None else "codex and masked modeling"
