"""The whole path for one subject: from a BIDS folder to decoded words and a report."""

import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path

import matplotlib.pyplot as plt
import mne
import numpy as np
import pandas as pd
from sklearn.frozen import FrozenEstimator

from mne_duin.baselines import make_lda
from mne_duin.baselines._calibration import MIN_TRIALS
from mne_duin.estimators import (
    DecoderEnsemble,
    DuINClassifier,
    DuINMAE,
    DuINVQVAE,
)
from mne_duin.estimators.presets import resolve
from mne_duin.evaluation import evaluate
from mne_duin.report import make_report
from mne_duin.utils.checks import as_list, check_option
from mne_duin.utils.docs import fill_doc
from mne_duin.utils.epochs import run_names
from mne_duin.viz import results_table
from mne_duin.workflows.places import check_place
from mne_duin.workflows.pretraining import log_costs
from mne_duin.workflows.reading import find_runs, read_words

PRESETS = ("quick", "paper")
MAIN, SCRATCH, LDA = "Du-IN", "Du-IN, no pre-training", "shrinkage LDA"
CODEX_ONLY, WITH_LDA = "Du-IN, codex only", "Du-IN with LDA"


@dataclass(frozen=True)
class WordDecoding:
    """What :func:`decode_words` found.

    Parameters
    ----------
    results : dict of str to DecodingResult
        Held-out results by name; the first is Du-IN, pre-trained.
    contacts : DataFrame
        The channels that were decoded.
    vqvae : DuINVQVAE
        The fitted first stage.
    mae : DuINMAE
        The fitted second stage.
    classifier : DuINClassifier
        The fitted third stage.
    folder : Path | None
        Where report, tables and models were written.
    """

    results: dict
    contacts: pd.DataFrame
    vqvae: DuINVQVAE
    mae: DuINMAE
    classifier: DuINClassifier
    folder: Path | None

    @property
    def result(self):
        """The result of the pre-trained Du-IN."""
        return self.results[MAIN]

    def __str__(self):
        table = results_table(self.results).drop(columns="classes")
        return f"{table.to_string()}\n\n{self.result}"


@fill_doc
def decode_words(
    root,
    subject,
    *,
    session=None,
    task=None,
    run=None,
    regions=("vSMC", "STG"),
    preset="quick",
    out=None,
    event_id=None,
    label_column="trial_type",
    align=None,
    tmin=-0.5,
    tmax=2.5,
    reference="bipolar",
    atlas="desikan-killiany",
    space=None,
    overwrite=True,
    checkpoint_dir=None,
    device="auto",
    precision="auto",
    random_state=0,
    verbose=None,
):
    """Decode words from the recordings of one subject, with an honest comparison.

    The last run is held out. On the other runs a codex is learned (VQ-VAE), the encoder
    is pre-trained (masked modelling) and fine-tuned on the words; a shrinkage LDA and a
    network without pre-training learn from the same trials, and Du-IN and the LDA also
    vote together (:class:`DecoderEnsemble`). All are tested on the run that none of
    them has seen.

    Parameters
    ----------
    %(subject_of_bids)s
    %(recordings)s
    out : path-like | None
        Folder that gets ``sub-XX/`` with ``report.html``, ``predictions.tsv``,
        ``contacts.tsv`` and ``model/``; None writes nothing.
    %(trial_options)s
    %(reference_and_anatomy)s
    overwrite : bool
        Whether files of an earlier result of the subject may be replaced; no other file
        is touched.
    checkpoint_dir : path-like | None
        Folder for checkpoints of the pre-training, which an interrupted call continues
        from; see :meth:`mne_duin.DuINVQVAE.fit`.
    %(job_machine)s

    Returns
    -------
    decoding : WordDecoding
        Results, contacts and fitted estimators.

    Raises
    ------
    FileNotFoundError, ValueError
        If the data cannot be decoded as asked; the message says why and what to do.
    FileExistsError
        If there is an earlier result and ``overwrite`` is False.

    Examples
    --------
    >>> decoding = decode_words(
    ...     sample_data_path(), "01", align="response_time", out="results"
    ... )  # doctest: +SKIP
    >>> print(decoding)  # doctest: +SKIP
    """
    check_option("preset", preset, PRESETS)
    subject = str(subject).removeprefix("sub-")
    folder = _result_folder(out, root, subject, overwrite)
    epochs, contacts, segments = read_words(
        find_runs(root, subject, session, task, run),
        event_id=event_id,
        label_column=label_column,
        align=align,
        tmin=tmin,
        tmax=tmax,
        regions=regions,
        reference=reference,
        atlas=atlas,
        space=space,
        verbose=verbose,
    )
    check_trials(epochs)
    common = {
        "preset": preset,
        "device": device,
        "precision": precision,
        "random_state": random_state,
        "verbose": verbose if isinstance(verbose, bool) else None,
    }
    decoding = _learn(epochs, segments, contacts, common, folder, checkpoint_dir)
    if folder is not None:
        settings = {
            "label column": label_column,
            "time zero": align or "onset",
            "epoch": f"{tmin:g} to {tmax:g} s",
            "regions": ", ".join(as_list(regions)) or "all",
            "preset": preset,
            "random_state": random_state,
        }
        _write(decoding, epochs, settings | _recipe(decoding, epochs))
    return decoding


def _result_folder(out, root, subject, overwrite):
    """Return the folder of a subject's results, None where nothing is written."""
    if out is None:
        return None
    folder = check_place(out, root) / f"sub-{subject}"
    if folder.exists() and not overwrite:
        raise FileExistsError(f"{folder} is there already; pass overwrite=True.")
    return folder


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
            "Only one run has trials; one run is needed to learn from and another one "
            "to test on. Pass more runs, or evaluate your own estimators with "
            "mne_duin.evaluate(..., cv=5)."
        )
    names = {code: name for name, code in epochs.event_id.items()}
    labels = np.array([names[code] for code in epochs.events[:, 2]])
    classes = np.unique(labels)
    if len(classes) < 2:
        raise ValueError(
            f"All trials have one label, {str(classes[0])!r}; decoding needs two "
            "classes or more."
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


def _learn(epochs, segments, contacts, common, folder, checkpoint_dir):
    """Evaluate the baseline and the networks on the run that is held out."""
    baseline, _ = _evaluate(make_lda(), epochs, common)
    held_out = np.unique(run_names(epochs.metadata)[baseline.epoch])
    allowed = ~np.isin(run_names(segments.metadata), held_out)
    segments = segments[np.flatnonzero(allowed)]
    mne.utils.logger.info(
        f"{len(epochs)} trials of {len(epochs.event_id)} words in {len(contacts)} "
        f"channels; run {', '.join(held_out)} is held out; {len(segments)} segments of "
        "the other runs for pre-training."
    )
    log_costs(segments, common)
    vqvae = DuINVQVAE(**common).fit(segments, checkpoint_dir=checkpoint_dir)
    mae = DuINMAE(vqvae, **common).fit(segments, checkpoint_dir=checkpoint_dir)
    results = {}
    results[MAIN], classifier = _evaluate(DuINClassifier(mae, **common), epochs, common)
    codex_only = DuINClassifier(vqvae, **common)
    results[CODEX_ONLY], _ = _evaluate(codex_only, epochs, common)
    results[SCRATCH], _ = _evaluate(DuINClassifier(**common), epochs, common)
    results[LDA] = baseline
    lda = make_lda(calibrated=True)
    together = DecoderEnsemble([("duin", FrozenEstimator(classifier)), ("lda", lda)])
    results[WITH_LDA], _ = _evaluate(together, epochs, common)
    return WordDecoding(results, contacts, vqvae, mae, classifier, folder)


def _evaluate(estimator, epochs, common):
    """Return the result on the last run and the estimator fitted on the others."""
    result, (fitted,) = evaluate(
        estimator,
        epochs,
        cv="last-run",
        random_state=common["random_state"],
        return_estimators=True,
    )
    return result, fitted


def _recipe(decoding, epochs):
    """Say what the networks were given and how they started, for the methods text."""
    tested = decoding.result.epoch
    classifier = decoding.classifier
    recipe = resolve(classifier, "classifier")
    inputs = "signal"
    if classifier.bands_:
        inputs += f" and log power in {', '.join(classifier.bands_)}"
    return {
        "training trials": len(epochs) - len(tested),
        "held-out trials": len(tested),
        "held-out run": ", ".join(np.unique(run_names(epochs.metadata)[tested])),
        "network inputs": inputs,
        "start of a network without pre-training": recipe["init"],
        "start of the head": recipe["head_init"],
        "codes": len(decoding.vqvae.codebook_),
    }


def _write(decoding, epochs, settings):
    """Write everything to a temporary folder, then move each file to its place."""
    folder = decoding.folder
    folder.parent.mkdir(parents=True, exist_ok=True)
    partial = Path(tempfile.mkdtemp(prefix=f".{folder.name}.", dir=folder.parent))
    try:
        report = _report(decoding, epochs, settings)
        with mne.utils.use_log_level("WARNING"):
            report.save(partial / "report.html", overwrite=True, open_browser=False)
        decoding.result.save(partial / "predictions.json")
        decoding.contacts.to_csv(partial / "contacts.tsv", sep="\t", na_rep="n/a")
        (partial / "results").mkdir()
        for name, result in decoding.results.items():
            slug = "".join(c if c.isalnum() else "-" for c in name.lower())
            result.save(partial / "results" / f"{slug}.json")
        (partial / "model").mkdir()
        for name in ("vqvae", "mae", "classifier"):
            stage = getattr(decoding, name)
            stage.save(partial / "model" / f"{name}.safetensors")
        _move_files(partial, folder)
    finally:
        shutil.rmtree(partial, ignore_errors=True)


def _move_files(source, target):
    """Move the files of a folder into another one, whose other files stay."""
    for path in sorted(source.rglob("*")):
        if path.is_file():
            place = target / path.relative_to(source)
            place.parent.mkdir(parents=True, exist_ok=True)
            path.replace(place)


def _report(decoding, epochs, settings):
    """Draw what was found, on the run that no network has seen."""
    report = make_report(
        decoding.classifier,
        epochs,
        decoding.contacts,
        vqvae=decoding.vqvae,
        mae=decoding.mae,
        results=decoding.results,
        parameters=settings,
        notes=pretraining_effect(decoding.results),
    )
    plt.close("all")
    return report


def pretraining_effect(results):
    """Say in sentences what pre-training changed, whichever way it went.

    Parameters
    ----------
    results : dict of str to DecodingResult
        Results of :func:`decode_words`.

    Returns
    -------
    sentences : list of str
        For people.
    """
    sentences = []
    pairs = (
        (MAIN, SCRATCH, "Pre-training (codex and masked modelling)"),
        (CODEX_ONLY, SCRATCH, "Pre-training of the codex alone"),
        (MAIN, LDA, "The pre-trained Du-IN against the shrinkage LDA"),
        (WITH_LDA, LDA, "Both together against the shrinkage LDA"),
    )
    for name, other, subject in pairs:
        first, second = results[name], results[other]
        better = int(np.sum(first.correct & ~second.correct))
        worse = int(np.sum(second.correct & ~first.correct))
        sentences.append(
            f"{subject}: {first.accuracy:.1%} against {second.accuracy:.1%} of "
            f"{len(first.correct)} held-out trials ({better} trials gained, {worse} "
            "lost)."
        )
    return sentences
