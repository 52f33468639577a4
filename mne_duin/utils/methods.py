"""A methods section in words: only what the numbers at hand can support."""

import numpy as np

from mne_duin._version import __version__
from mne_duin.utils.citations import CITATIONS, package_versions

ATLASES = {"desikan-killiany": "Desikan-Killiany", "destrieux": "Destrieux"}


def methods_text(*, contacts=None, epochs=None, results=None, parameters=None):
    """Write the methods section of an analysis.

    Parameters
    ----------
    contacts : DataFrame | None
        Contacts of the data.
    epochs : mne.Epochs | None
        The epochs that were decoded.
    results : dict of str to DecodingResult | None
        Results by name, the main one first.
    parameters : dict | None
        Settings by name.

    Returns
    -------
    paragraphs : list of str
        The text, one paragraph per entry.
    references : list of str
        What it cites, in alphabetical order.
    """
    cited = {"Du-IN", "MNE-Python", "MNE-BIDS", "iEEG-BIDS", "PyTorch", "scikit-learn"}
    paragraphs = [_data_text(contacts, epochs, cited), _model_text()]
    if results:
        cited.add("interval")
        paragraphs += [_result_text(name, one) for name, one in results.items()]
    if contacts is not None:
        cited |= {"Nilearn", "patterns"}
    if parameters:
        settings = "; ".join(f"{name} = {value}" for name, value in parameters.items())
        paragraphs.append(f"Settings: {settings}.")
    return [one for one in paragraphs if one], sorted(CITATIONS[name] for name in cited)


def _data_text(contacts, epochs, cited):
    """Describe recordings, channels and epochs."""
    text = (
        "Intracranial recordings organised in BIDS (Holdgraf et al., 2019) were found "
        "by their BIDS entities with MNE-BIDS (Appelhoff et al., 2019) and read and "
        "processed with MNE-Python (Gramfort et al., 2013)."
    )
    if epochs is not None:
        text += (
            f" {len(epochs)} epochs from {epochs.tmin:g} to {epochs.tmax:g} s were "
            f"analysed at {epochs.info['sfreq']:g} Hz."
        )
    if contacts is None:
        return text
    bipolar = "anode" in contacts and contacts["anode"].notna().any()
    kind = "bipolar channels of neighbouring contacts" if bipolar else "channels"
    text += f" The data had {len(contacts)} {kind}"
    if "region" in contacts and contacts["region"].notna().any():
        counts = contacts["region"].value_counts()
        text += " (" + ", ".join(f"{n} {name}" for name, n in counts.items()) + ")"
    for key in sorted(set(contacts.get("atlas", [])) & set(ATLASES)):
        cited.add(ATLASES[key])
        text += f", labelled with the {ATLASES[key]} atlas"
    return text + "."


def _model_text():
    """Name model, implementation and versions."""
    versions = ", ".join(f"{name} {one}" for name, one in package_versions().items())
    return (
        "Words were decoded with Du-IN (Zheng et al., 2024): the channels of each "
        "100 ms become one token, a vector-quantized autoencoder learns a codex of "
        "discrete codes, masked modelling predicts the codes of hidden tokens, and a "
        f"classifier is fine-tuned on labelled trials. The implementation was mne_duin "
        f"{__version__} ({versions})."
    )


def _result_text(name, result):
    """State one result with its interval, chance and test."""
    low, high = result.interval
    text = (
        f"{name} reached {result.accuracy:.1%} on {len(result.y_true)} held-out "
        f"predictions of {len(result.labels)} classes (95 % Wilson interval {low:.1%} "
        f"to {high:.1%}; chance {result.chance:.1%}"
    )
    p_value = getattr(result, "p_value", None)
    if p_value is not None and np.isfinite(p_value):
        text += f"; permutation p = {p_value:.2g}"
    return text + ")."
