"""A methods section in words: only what the data and the estimators at hand support."""

from collections import Counter

import numpy as np

from mne_duin._version import __version__
from mne_duin.utils._citations import CITATIONS, package_versions
from mne_duin.utils._numbers import p_value_text, percent, percent_range

ATLASES = {"desikan-killiany": "Desikan-Killiany", "destrieux": "Destrieux"}
REFERENCES = {
    "bipolar": "re-referenced to the neighboring contact of the same shaft (bipolar)",
    "laplacian": "re-referenced to the mean of both neighboring contacts (Laplacian)",
    "shaft": "re-referenced to the mean of the good contacts of the shaft",
    "average": "re-referenced to the mean of all good contacts",
    "white-matter": "re-referenced to the contacts in white matter",
    "none": "kept in the reference of the recording",
}
PUBLISHED_STAGES = (
    "a vector-quantized autoencoder learns a codex of discrete codes, masked modeling "
    "predicts the codes of masked tokens"
)
CELL_STAGE = (
    "the encoder learns without labels to predict hidden cells (one channel in one "
    "band and one token)"
)
STAGES = {
    "VQ-VAE": "The vector-quantized autoencoder",
    "MAE": "Masked modeling of its codes",
    "hidden cells": "The prediction of hidden cells",
    "classifier": "The classifier",
}
TESTS = {
    "predictions": "by shuffling the labels of the held-out trials",
    "refit": "by fitting again on shuffled labels",
}


def methods_text(
    *, contacts=None, epochs=None, results=None, parameters=None, stages=None
):
    """Write the methods section of an analysis.

    Parameters
    ----------
    contacts : DataFrame | None
        Contacts of the data. ``contacts.attrs`` may hold what reading did: a dict
        ``processing`` and a dict ``excluded``.
    epochs : mne.Epochs | None
        The epochs that were decoded.
    results : dict of str to DecodingResult | None
        Results by name, the main one first.
    parameters : dict | None
        Settings by name.
    stages : dict of str to estimator | None
        Fitted stages by name: ``"VQ-VAE"``, ``"MAE"``, ``"classifier"``.

    Returns
    -------
    paragraphs : list of str
        The text, one paragraph per entry.
    references : list of str
        What it cites, in alphabetical order.
    """
    cited = {"Du-IN", "MNE-Python", "MNE-BIDS", "iEEG-BIDS", "PyTorch", "scikit-learn"}
    paragraphs = [
        _recording_text(contacts, epochs),
        _channel_text(contacts, cited),
        _trial_text(epochs, results),
        _model_text(stages, cited),
        *_training_texts(stages),
    ]
    if results:
        cited.add("interval")
        paragraphs += [_evaluation_text(results, cited)]
        paragraphs += [_result_text(name, one) for name, one in results.items()]
    if contacts is not None:
        cited |= {"Nilearn", "patterns"}
        paragraphs.append(
            "Contributions of channels were measured by permuting one channel at a "
            "time over held-out trials (increase in loss) and as forward-model "
            "patterns (Haufe et al., 2014); brains were drawn with Nilearn (Abraham et "
            "al., 2014)."
        )
    if parameters:
        settings = "; ".join(f"{name} = {value}" for name, value in parameters.items())
        paragraphs.append(f"Further settings: {settings}.")
    paragraphs.append(_software_text())
    return [one for one in paragraphs if one], sorted(CITATIONS[name] for name in cited)


def _attrs(contacts, key):
    """Return what reading noted with the contacts."""
    return {} if contacts is None else contacts.attrs.get(key) or {}


def _recording_text(contacts, epochs):
    """Describe how recordings were read, filtered and resampled."""
    text = (
        "Intracranial recordings organized in BIDS (Holdgraf et al., 2019) were found "
        "by their BIDS entities with MNE-BIDS (Appelhoff et al., 2019) and read and "
        "processed with MNE-Python (Gramfort et al., 2013)."
    )
    done = _attrs(contacts, "processing")
    if done:
        steps = [REFERENCES.get(done.get("reference"), "")]
        if done.get("notch"):
            steps.append(f"notch-filtered at {_listed(done['notch'])} Hz")
        steps.append(_band(done.get("l_freq"), done.get("h_freq")))
        if done.get("rate") != done.get("sfreq"):
            steps.append(f"resampled from {done['rate']:g} to {done['sfreq']:g} Hz")
        steps = [step for step in steps if step]
        kind = "causal" if done.get("causal") else "zero-phase"
        text += f" Signals were {_joined(steps)}. Filters were {kind}."
    elif epochs is not None:
        text += (
            f" The signal had a pass band of {epochs.info['highpass']:g} to "
            f"{epochs.info['lowpass']:g} Hz and a sampling rate of "
            f"{epochs.info['sfreq']:g} Hz."
        )
    return text


def _band(low, high):
    """Describe a band-pass filter."""
    if low is None and high is None:
        return ""
    if high is None:
        return f"high-pass filtered at {low:g} Hz"
    if low is None:
        return f"low-pass filtered at {high:g} Hz"
    return f"band-pass filtered from {low:g} to {high:g} Hz"


def _listed(values):
    return _joined([f"{value:g}" for value in values])


def _joined(parts):
    """Join parts as in a sentence."""
    return parts[0] if len(parts) == 1 else f"{', '.join(parts[:-1])} and {parts[-1]}"


def _channel_text(contacts, cited):
    """Describe the channels, their regions, and what was left out."""
    if contacts is None:
        return ""
    bipolar = "anode" in contacts and contacts["anode"].notna().any()
    kind = "bipolar channels of neighboring contacts" if bipolar else "channels"
    text = f"The data had {len(contacts)} {kind}"
    if "region" in contacts and contacts["region"].notna().any():
        counts = contacts["region"].value_counts()
        text += " (" + ", ".join(f"{n} {name}" for name, n in counts.items()) + ")"
    for key in sorted(set(contacts.get("atlas", [])) & set(ATLASES)):
        cited.add(ATLASES[key])
        text += f", labeled with the {ATLASES[key]} atlas"
    text += "."
    reasons = Counter(_attrs(contacts, "excluded").values())
    if reasons:
        parts = [f"{n} ({reason})" for reason, n in reasons.items()]
        text += f" Excluded contacts: {', '.join(parts)}."
    return text


def _trial_text(epochs, results):
    """Describe trials, rejection and scaling."""
    if epochs is None:
        return ""
    text = (
        f"{len(epochs)} epochs from {epochs.tmin:g} to {epochs.tmax:g} s were analyzed "
        f"at {epochs.info['sfreq']:g} Hz"
    )
    counts = [int(np.sum(epochs.events[:, 2] == c)) for c in epochs.event_id.values()]
    if counts:
        low, high = min(counts), max(counts)
        span = f"{low}" if low == high else f"{low} to {high}"
        text += f" ({len(counts)} words, {span} trials each)"
    n_lost = sum(bool(why) and why != ("IGNORED",) for why in epochs.drop_log)
    text += f"; {n_lost} trials were rejected." if n_lost else "; none were rejected."
    if results:
        text += (
            " Every channel was z-scored with the mean and standard deviation of the "
            "training trials."
        )
    return text


def _model_text(stages, cited):
    """Describe the networks and their inputs as they were."""
    learned = PUBLISHED_STAGES
    if "hidden cells" in (stages or {}):
        learned = CELL_STAGE
    text = (
        "Words were decoded with Du-IN (Zheng et al., 2024): the channels of each "
        f"patch (100 ms in the publication) become one token, {learned}, and a "
        "classifier is fine-tuned on labeled trials."
    )
    classifier = (stages or {}).get("classifier")
    module = getattr(classifier, "module_", None)
    if module is None:
        return text
    if getattr(classifier, "unmixing_", None):
        cited |= {"whitening", "joint diagonalization"}
        text += (
            " Power was also computed after the channels had been unmixed in each band "
            "on the training data: whitened (ZCA; Kessy et al., 2018) and, where that "
            "made them more independent on left-out epochs, separated by joint "
            "diagonalization of the covariances of short windows (Pham & Cardoso, "
            "2001)."
        )
    sizes = module.encoder.sizes()
    n_parameters = sum(parameter.numel() for parameter in module.parameters())
    text += (
        f" The classifier had {n_parameters:,} parameters: "
        f"{sizes.get('n_filters', 'no')} spatial filters, convolutions with "
        f"{_listed(sizes['conv_filters'])} filters (kernels "
        f"{_listed(sizes['conv_kernels'])}, strides {_listed(sizes['conv_strides'])} "
        f"samples), and {sizes['n_layers']} transformer blocks with {sizes['n_heads']} "
        f"heads of {sizes['head_dim']}."
    )
    first = (stages or {}).get("VQ-VAE")
    if hasattr(first, "codebook_"):
        n_codes, dim = first.codebook_.shape
        text += f" The codex had {n_codes} codes of {dim} dimensions."
    return text


def _training_texts(stages):
    """Describe how each stage was trained."""
    texts = []
    for name, stage in (stages or {}).items():
        if not hasattr(stage, "resolved_params"):
            continue
        used = stage.resolved_params()
        length, unit = f"{stage.n_iter_} passes over the training data", "passes"
        if hasattr(stage, "n_steps_"):
            length, unit = f"{stage.n_steps_} steps", "steps"
        texts.append(
            f"{STAGES.get(name, name)} was trained with AdamW for {length} in batches "
            f"of {used['batch_size']} (learning rate {used['lr']:g}, warm-up over "
            f"{percent(used['warmup'], 0)} of the {unit}, cosine decay to "
            f"{used['lr_min']:g}; weight decay {used['weight_decay']:g}; random state "
            f"{used['random_state']})."
        )
    return texts


def _evaluation_text(results, cited):
    """Describe how the decoders were evaluated and tested."""
    result = next(iter(results.values()))
    cv = getattr(result, "cv", "")
    text = "Accuracy was measured on held-out trials"
    text += f" ({cv}, protocol {result.protocol!r})" if cv else ""
    text += ", with 95 % Wilson intervals (Wilson, 1927)."
    kind = getattr(result, "p_value_kind", "none")
    if kind in TESTS:
        null = result.null_refit if kind == "refit" else result.null_predictions
        text += f" Chance was tested {TESTS[kind]} ({len(null)} permutations)."
    if len(results) > 1:
        if len(getattr(result, "folds", [])) > 1:
            cited.add("t-test")
            test = "a corrected resampled t-test over folds (Nadeau & Bengio, 2003)"
        else:
            cited.add("mcnemar")
            test = "an exact McNemar test over trials (McNemar, 1947)"
        cited.add("holm")
        text += (
            f" Decoders were compared on the same trials with {test}, with Holm's "
            "correction (Holm, 1979)."
        )
    return text


def _result_text(name, result):
    """State one result with its interval, chance and test."""
    text = (
        f"{name[:1].upper()}{name[1:]} reached {percent(result.accuracy)} on "
        f"{len(result.y_true)} held-out "
        f"predictions of {len(result.labels)} classes (95 % interval "
        f"{percent_range(*result.interval)}; chance {percent(result.chance)}"
    )
    p_value = getattr(result, "p_value", None)
    if p_value is not None and np.isfinite(p_value):
        text += f"; permutation p {p_value_text(p_value)}"
    return text + ")."


def _software_text():
    """Name implementation and versions."""
    versions = ", ".join(f"{name} {one}" for name, one in package_versions().items())
    return f"The implementation was mne_duin {__version__} ({versions})."
