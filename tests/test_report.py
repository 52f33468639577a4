"""The report: sections follow what is given, numbers are stated as they are."""

import re
from types import SimpleNamespace

import matplotlib as mpl
import matplotlib.pyplot as plt
import mne
import numpy as np
import pandas as pd
import pytest

from mne_duin.channels import stack_subjects
from mne_duin.estimators import DuINClassifier, DuINVQVAE
from mne_duin.report import make_report
from mne_duin.report._fitted import fitted_contributions, held_out_epochs
from mne_duin.utils.methods import methods_text
from mne_duin.viz import results_table

mpl.use("Agg")
RNG = np.random.default_rng(0)
WORDS = np.array(["嘴巴", "把", "<b>平静</b>", "豆腐"])


@pytest.fixture
def contacts():
    names = [f"TI'{k}-TI'{k + 1}" for k in range(1, 7)]
    return pd.DataFrame(
        {
            "shaft": "TI'",
            "number": range(1, 7),
            "x": np.linspace(-30, -60, 6),
            "y": -20.0,
            "z": 8.0,
            "space": "MNI305",
            "label": "ctx-lh-superiortemporal",
            "atlas": "desikan-killiany",
            "region": ["STG"] * 4 + [None] * 2,
            "anode": [name.split("-")[0] for name in names],
        },
        index=pd.Index(names, name="name"),
    )


@pytest.fixture
def epochs(contacts):
    info = mne.create_info(list(contacts.index), 200.0, "seeg")
    data = RNG.normal(size=(20, 6, 600))
    return mne.EpochsArray(data, info, tmin=-0.5, verbose=False)


def make_result(accuracy, p_value):
    y_true = np.tile(WORDS, 10)
    return SimpleNamespace(
        accuracy=accuracy, interval=(accuracy - 0.1, accuracy + 0.1), chance=0.25,
        p_value=p_value, y_true=y_true, y_pred=np.roll(y_true, 3), labels=WORDS,
    )  # fmt: skip


def sections(report):
    return list(dict.fromkeys(element.section for element in report._content))


def page(report, tmp_path):
    path = report.save(
        tmp_path / "report.html", overwrite=True, open_browser=False, verbose=False
    )
    return (tmp_path / "report.html").read_text(encoding="utf-8") if path else ""


def test_an_empty_report_has_only_methods():
    assert sections(make_report()) == ["Methods"]


def test_every_piece_has_its_section(contacts, epochs, tmp_path):
    signal = epochs.get_data(copy=True)
    codes = RNG.integers(0, 16, (40, 30))
    history = pd.DataFrame({"pass": [1, 2], "train_loss": [2.0, 1.0]})
    report = make_report(
        title="sub-01",
        contacts=contacts,
        epochs=epochs,
        results={"Du-IN": make_result(0.6, 0.01), "LDA": make_result(0.5, np.nan)},
        histories={"VQ-VAE": history},
        signal=signal,
        reconstruction=0.5 * signal,
        code_counts=np.bincount(codes.ravel(), minlength=16),
        codebook=RNG.normal(size=(16, 8)),
        codes=codes,
        labels=np.tile(WORDS, 10),
        contributions={"weights": pd.Series(RNG.random(6), contacts.index)},
        spatial_filters=RNG.normal(size=(4, 6)),
        parameters={"l_freq": 0.5},
        figures={"More": [plt.figure()]},
        notes="simulated",
    )
    expected = "Summary Contacts Training Reconstruction Codex Contributions Decoding"
    assert sections(report) == [*expected.split(), "More", "Methods"]
    assert not plt.get_fignums()
    html = page(report, tmp_path)
    assert len(html) < 6e6
    assert "<b>平静</b>" not in html
    assert "60.0%" in html
    assert "50.0% to 70.0%" in html
    assert "not tested" in html
    assert "l_freq = 0.5" in html
    assert not re.findall(r'<(?:script|link|img|iframe)[^>]+(?:src|href)="http', html)


def test_contacts_without_coordinates_still_make_a_report(contacts):
    contributions = pd.Series(RNG.random(6), contacts.index)
    report = make_report(
        contacts=contacts.assign(space="ACPC"), contributions=contributions
    )
    assert sections(report) == ["Summary", "Contacts", "Contributions", "Methods"]


SIZES = {
    "n_layers": 1, "n_heads": 2, "head_dim": 8, "ff_dim": 32, "n_filters": 4,
    "conv_filters": (8, 8, 4), "max_iter": 2, "random_state": 0, "verbose": False,
}  # fmt: skip


@pytest.fixture(scope="module")
def fitted():
    """Tiny stages, fitted on the first 24 of 36 epochs."""
    names = [f"TI'{k}-TI'{k + 1}" for k in range(1, 7)]
    rng = np.random.default_rng(1)
    info = mne.create_info(names, 1000.0, "seeg")
    X = mne.EpochsArray(1e-5 * rng.normal(size=(36, 6, 300)), info, verbose=False)
    y = np.tile(WORDS, 9)
    vqvae = DuINVQVAE(n_decoder_layers=1, n_codes=8, code_dim=4, **SIZES).fit(X[:24])
    classifier = DuINClassifier(hidden_dim=16, **SIZES).fit(X[:24], y[:24])
    result = make_result(0.3, np.nan)
    result.estimator, result.epoch = "Du-IN", np.arange(24, 36)
    result.y_true, result.y_pred = y[24:], classifier.predict(X[24:])
    result.fold = np.zeros(12, dtype=int)
    return classifier, vqvae, X, result


def titles(report):
    return [element.name for element in report._content]


def test_fitted_estimators_draw_themselves(fitted, contacts, tmp_path):
    classifier, vqvae, X, result = fitted
    report = make_report(classifier, X, contacts, vqvae=vqvae, result=result)
    expected = "Summary Contacts Training Reconstruction Codex Contributions Filters"
    assert sections(report) == [*expected.split(), "Decoding", "Methods"]
    found = titles(report)
    for method in ("ablation", "patterns", "weights"):
        assert f"On the brain: {method}" in found
        assert f"On the cortex: {method}" in found
    for band in ("broadband", "high-gamma"):
        assert f"Spatial filters, {band}" in found
        assert f"Patterns of the filters, {band}" in found
    assert "Signal around the codes" in found
    assert "Turn and click: ablation" in found
    assert not plt.get_fignums()
    html = page(report, tmp_path)
    assert "Du-IN" in html
    assert "left out" not in html
    with pytest.raises(ValueError, match="Give `result` or `results`, not both"):
        make_report(classifier, result=result, results={"a": result})


def test_several_subjects_share_a_brain_and_have_filters_of_their_own(contacts):
    def epochs_of(seed):
        info = mne.create_info(contacts.index.tolist(), 1000.0, "seeg")
        data = 1e-5 * np.random.default_rng(seed).normal(size=(12, len(contacts), 300))
        return mne.EpochsArray(data, info, verbose=False)

    both = {name: (epochs_of(int(name)), contacts) for name in ("01", "02")}
    stacked, table = stack_subjects(both)
    y = np.tile(WORDS, 6)
    vqvae = DuINVQVAE(n_decoder_layers=1, n_codes=4, code_dim=4, **SIZES).fit(stacked)
    classifier = DuINClassifier(hidden_dim=16, **SIZES).fit(stacked, y)
    report = make_report(
        classifier, contacts=table, vqvae=vqvae, held_out=stacked, labels=y
    )
    found = titles(report)
    for method in ("ablation", "patterns", "weights"):
        for place in ("brain", "cortex"):
            assert f"Of 2 subjects on the {place}: {method}" in found
    for name in ("01", "02"):
        assert f"Spatial filters, broadband, subject {name}" in found
        assert f"Signal and reconstruction, subject {name}" in found
        assert f"Signal around the codes, subject {name}" in found
    assert not plt.get_fignums()


def test_pictures_of_held_out_epochs_need_them(fitted):
    """With several folds nobody knows which of them the classifier has learned from."""
    classifier, vqvae, X, result = fitted
    epochs, labels = held_out_epochs(X, result, None, None)
    np.testing.assert_array_equal(epochs.get_data(), X[24:].get_data())
    np.testing.assert_array_equal(labels, result.y_true)
    found = fitted_contributions(classifier, epochs, labels)
    assert list(found) == ["ablation", "patterns", "weights"]
    expected = classifier.channel_contributions("ablation", X=X[24:], y=labels)
    assert found["ablation"].equals(expected)
    folds = SimpleNamespace(**vars(result) | {"fold": np.arange(12) % 2})
    assert held_out_epochs(X, folds, None, None) == (None, None)
    assert list(fitted_contributions(classifier, None, None)) == ["weights"]
    own = X[30:]
    assert held_out_epochs(X, folds, own, "abcdef") == (own, "abcdef")
    report = make_report(classifier, X, vqvae=vqvae, result=folds)
    assert "Codes over time" not in titles(report)
    summary = next(one for one in report._content if one.section == "Summary")
    assert "left out" in summary.html


def test_results_table_states_what_was_measured():
    table = results_table({"Du-IN": make_result(0.6, 0.002)})
    assert table.loc["Du-IN"].to_dict() == {
        "accuracy": "60.0%",
        "95 % interval": "50.0% to 70.0%",
        "chance": "25.0%",
        "permutation p": "0.002",
        "predictions": 40,
        "classes": 4,
    }


def test_methods_name_only_what_is_known(contacts, epochs):
    paragraphs, references = methods_text(contacts=contacts, epochs=epochs)
    text = " ".join(paragraphs)
    assert "20 epochs from -0.5 to 2.495 s were analysed at 200 Hz" in text
    assert "6 bipolar channels of neighbouring contacts (4 STG)" in text
    assert "Desikan-Killiany" in text
    assert "Destrieux" not in " ".join([text, *references])
    assert any(reference.startswith("Desikan, R. S.") for reference in references)
    assert any("Du-IN" in reference for reference in references)
    bare, few = methods_text()
    assert "channels of neighbouring" not in " ".join(bare)
    assert not any(reference.startswith("Desikan") for reference in few)


def test_methods_report_every_result():
    paragraphs, references = methods_text(
        results={"Du-IN": make_result(0.6, 0.01), "LDA": make_result(0.7, np.nan)}
    )
    text = " ".join(paragraphs)
    assert "LDA reached 70.0% on 40 held-out predictions of 4 classes" in text
    assert text.count("permutation p") == 1
    assert any(reference.startswith("Wilson") for reference in references)


def test_results_must_be_named():
    with pytest.raises(TypeError, match="`results` must be Mapping"):
        make_report(results=[make_result(0.5, 0.1)])
