"""The report: sections follow what is given, numbers are stated as they are."""

import re
from dataclasses import replace

import matplotlib as mpl
import matplotlib.pyplot as plt
import mne
import numpy as np
import pandas as pd
import pytest
from chromium import Page, find_chromium
from sklearn.frozen import FrozenEstimator

from mne_duin.channels import stack_subjects
from mne_duin.estimators import DuINClassifier, DuINVQVAE
from mne_duin.evaluation import DecodingResult, evaluate
from mne_duin.evaluation._statistics import exact_mcnemar_test
from mne_duin.report import make_report
from mne_duin.report._data import count_trials, rejected_trials
from mne_duin.report._fitted import fitted_contributions, held_out_epochs
from mne_duin.report._verdict import (
    compare_to_main,
    find_baseline,
    table_of_results,
    verdict,
)
from mne_duin.utils._methods import methods_text
from mne_duin.viz import results_table
from mne_duin.viz._confusion import confusion_order, shared_order
from mne_duin.viz._signals import high_gamma_response

mpl.use("Agg")
CHROMIUM = find_chromium()
needs_browser = pytest.mark.skipif(CHROMIUM is None, reason="Chromium is not installed")
RNG = np.random.default_rng(0)
NO_TESTS = pd.DataFrame(columns=["p"])
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
    info = mne.create_info(list(contacts.index), 400.0, "seeg")
    data = 1e-5 * RNG.normal(size=(20, 6, 600))
    return mne.EpochsArray(data, info, tmin=-0.5, verbose=False)


def make_result(n_right, p_value=np.nan, *, shift=0, n_folds=1, name="clf"):
    """A result with ``n_right`` correct trials of 40, from ``shift`` on."""
    y_true = np.tile(WORDS, 10)
    right = np.isin(np.arange(40), (np.arange(n_right) + shift) % 40)
    y_pred = np.where(right, y_true, np.roll(WORDS, 1)[np.arange(40) % 4])
    n_null = 0 if np.isnan(p_value) else round(1 / p_value) - 1
    folds = pd.DataFrame(
        {"n_train": 80, "n_test": 40, "n_unlabelled": 0, "accuracy": n_right / 40,
         "majority": 0.25, "seconds_fit": 1.0, "seconds_predict": 0.1},
        index=range(n_folds),
    )  # fmt: skip
    return DecodingResult(
        y_true, y_pred, None, np.sort(WORDS), np.arange(40) * n_folds // 40,
        np.arange(40), name, folds, null_predictions=np.zeros(n_null),
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


@pytest.mark.slow
@needs_browser
def test_a_report_fits_a_phone(contacts, epochs, tmp_path):
    report = make_report(
        title="sub-01",
        contacts=contacts,
        epochs=epochs,
        results={"Du-IN": make_result(24, 0.01), "LDA": make_result(20)},
        contributions={"weights": pd.Series(RNG.random(6), contacts.index)},
    )
    path = tmp_path / "report.html"
    report.save(path, open_browser=False, verbose=False)
    phone = {"width": 390, "height": 844, "deviceScaleFactor": 1, "mobile": True}
    browser = Page(CHROMIUM, tmp_path / "profile")
    browser.send("Emulation.setDeviceMetricsOverride", **phone)
    browser.open(path)
    width = browser.evaluate("document.documentElement.scrollWidth")
    n_small = browser.evaluate("document.querySelectorAll('.duin-small').length")
    # Small pictures are seen whole, and no text leaves its box.
    wide = browser.evaluate(
        "[...document.querySelectorAll('.duin-small, .duin-text *, .duin-note')]"
        ".filter(e => e.getBoundingClientRect().right > 390).map(e => e.outerHTML)"
    )
    browser.close()
    assert (width, wide) == (390, [])
    assert n_small >= 2


def test_every_piece_has_its_section(contacts, epochs, tmp_path):
    signal = epochs.get_data(copy=True)
    codes = RNG.integers(0, 16, (40, 30))
    history = pd.DataFrame({"pass": [1, 2], "train_loss": [2.0, 1.0]})
    report = make_report(
        title="sub-01",
        contacts=contacts,
        epochs=epochs,
        results={"Du-IN": make_result(24, 0.01), "LDA": make_result(20)},
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
    expected = "Summary Data Contacts Training Reconstruction Codex Contributions"
    expected += " Filters Decoding"
    assert sections(report) == [*expected.split(), "More", "Methods"]
    assert not plt.get_fignums()
    html = page(report, tmp_path)
    assert len(html) < 4e6
    assert "<b>平静</b>" not in html
    assert "60.0 %" in html
    assert "44.6 to 73.7 %" in html
    assert "not tested" in html
    verdict_at = html.index("Du-IN is not better than LDA here")
    assert verdict_at < html.index("trials of 1 words")
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
    result = evaluate(
        FrozenEstimator(classifier), X, y, cv=[(np.arange(24), np.arange(24, 36))],
        random_state=0, verbose=False,
    )  # fmt: skip
    return classifier, vqvae, X, result


def titles(report):
    return [element.name for element in report._content]


@pytest.mark.slow
def test_fitted_estimators_draw_themselves(fitted, contacts, tmp_path):
    classifier, vqvae, X, result = fitted
    report = make_report(classifier, X, contacts, vqvae=vqvae, result=result)
    expected = "Summary Data Contacts Training Reconstruction Codex Contributions"
    assert sections(report) == [*expected.split(), "Filters", "Decoding", "Methods"]
    assert "Signal around the codes" in titles(report)
    assert not plt.get_fignums()
    html = page(report, tmp_path)
    for method in ("permutation", "patterns", "weights"):
        for place in ("glass brain", "cortex"):
            assert html.count(f"{method}, {place}</label>") == 1
    for band in ("broadband", "high-gamma"):
        assert html.count(f"{band}</label>") == 1
    assert "Du-IN" in html
    assert "left out (codes over time" not in html
    assert "was trained with AdamW for 2 passes" in html
    assert "There are no validation data" in html
    with pytest.raises(ValueError, match="Give `result` or `results`, not both"):
        make_report(classifier, result=result, results={"a": result})


@pytest.mark.slow
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
    assert "Contributions of the channels of 2 subjects" in found
    for name in ("01", "02"):
        assert f"Spatial filters, subject {name}" in found
        assert f"Signal and reconstruction, subject {name}" in found
        assert f"Signal around the codes, subject {name}" in found
    assert not plt.get_fignums()


@pytest.mark.slow
def test_pictures_of_held_out_epochs_need_them(fitted):
    """With several folds nobody knows which of them the classifier has learned from."""
    classifier, vqvae, X, result = fitted
    epochs, labels = held_out_epochs(X, result, None, None)
    np.testing.assert_array_equal(epochs.get_data(), X[24:].get_data())
    np.testing.assert_array_equal(labels, result.y_true)
    found = fitted_contributions(classifier, epochs, labels)
    assert list(found) == ["permutation", "patterns", "weights"]
    expected = classifier.channel_contributions("permutation", X=X[24:], y=labels)
    assert found["permutation"].equals(expected)
    folds = replace(result, fold=np.arange(12) % 2, folds=pd.concat([result.folds] * 2))
    assert held_out_epochs(X, folds, None, None) == (None, None)
    assert list(fitted_contributions(classifier, None, None)) == ["weights"]
    few = fitted_contributions(classifier, X[30:], labels[6:])
    assert list(few) == ["permutation", "weights"]
    own = X[30:]
    assert held_out_epochs(X, folds, own, "abcdef") == (own, "abcdef")
    report = make_report(classifier, X, vqvae=vqvae, result=folds)
    assert "Codes over time" not in titles(report)
    summary = next(one for one in report._content if one.section == "Summary")
    assert "omitted" in summary.html


def test_results_table_states_what_was_measured():
    table = results_table({"Du-IN": make_result(24, 0.002)})
    assert table.loc["Du-IN"].to_dict() == {
        "accuracy": "60.0 %",
        "95 % interval": "44.6 to 73.7 %",
        "chance": "25.0 %",
        "permutation p": "0.002",
        "predictions": 40,
        "classes": 4,
    }


@pytest.mark.parametrize(
    ("first", "second", "shift", "said"),
    [
        (30, 30, 0, "is not better than LDA here: 75.0 and 75.0 % of 40 held-out "
         "trials (0 trials each way; exact McNemar test over trials, p = 1.00)."),
        (30, 30, 5, "(5 trials each way;"),
        (30, 10, 0, "is better than LDA here: 75.0 and 25.0 % of 40 held-out trials "
         "(20 gained, 0 lost; exact McNemar test over trials, p < 0.001)."),
        (10, 30, 0, "is worse than LDA here"),
    ],
)  # fmt: skip
def test_the_verdict_is_what_the_paired_test_says(first, second, shift, said):
    results = {"Du-IN": make_result(first), "Du-IN with LDA": make_result(40)}
    results["LDA"] = make_result(second, shift=shift)
    assert find_baseline(results) == "LDA"
    tests = compare_to_main(results)
    expected = exact_mcnemar_test(results["Du-IN"].correct, results["LDA"].correct)
    assert tests.loc["LDA", "p"] == expected
    assert said in verdict(results, tests)[0]
    table = table_of_results(results, tests)
    assert table.loc["LDA", "gained / lost"].split(" / ") == [
        str(np.sum(results["Du-IN"].correct & ~results["LDA"].correct)),
        str(np.sum(results["LDA"].correct & ~results["Du-IN"].correct)),
    ]
    assert "-0.0" not in " ".join(map(str, table.to_numpy().ravel()))


def test_the_verdict_on_chance_needs_evidence():
    above = verdict({"Du-IN": make_result(24, 0.002)}, NO_TESTS)
    assert above == [
        "Du-IN is above chance: 60.0 % (95 % interval 44.6 to 73.7 %; chance 25.0 %; "
        "permutation test, p = 0.002)."
    ]
    below = verdict({"Du-IN": make_result(11)}, NO_TESTS)
    assert below[0].startswith("Du-IN is not shown to be above chance: 27.5 %")


def test_results_of_other_trials_are_not_tested():
    results = {"Du-IN": make_result(24), "LDA": make_result(20)}
    results["LDA"] = replace(results["LDA"], epoch=np.arange(40) + 3)
    tests = compare_to_main(results)
    assert tests.empty
    assert "a paired test is not possible" in verdict(results, tests)[0]


def test_trials_are_counted_by_word_and_run(epochs):
    runs = np.repeat(["1", "2"], 10)
    events = np.column_stack([np.arange(20), np.zeros(20), 1 + np.arange(20) % 3])
    own = mne.EpochsArray(
        epochs.get_data(), epochs.info, events.astype(int), tmin=-0.5,
        event_id={"a": 1, "b": 2, "c": 3}, verbose=False,
        metadata=pd.DataFrame({"run": runs}),
    )  # fmt: skip
    table = count_trials(own, np.arange(10, 20))
    assert list(table.columns) == ["run 1", "run 2, held out", "all"]
    assert table.loc["b"].tolist() == [3, 4, 7]
    assert table.loc["all"].tolist() == [10, 10, 20]
    own.drop([0, 3], reason="TI'1", verbose=False)
    assert rejected_trials(own)["trials"].to_dict() == {"TI'1": 2}
    report = make_report(
        epochs=own, excluded={"TI'9": "marked bad", "A1": "marked bad"}
    )
    html = " ".join(one.html for one in report._content if one.section == "Data")
    assert "2 of 20 trials were rejected" in html
    assert "TI&#x27;9, A1" in html or "TI'9, A1" in html


def test_high_gamma_is_relative_to_before_time_zero():
    """Twice the amplitude after time zero are 6 dB."""
    rng = np.random.default_rng(0)
    carrier = np.sin(
        2 * np.pi * 100 * np.arange(1500) / 1000 + rng.uniform(0, 6, 8)[:, None, None]
    )
    gain = np.where(np.arange(1500) < 500, 1.0, 2.0)
    response, edges = high_gamma_response(carrier * gain, 1000.0, -0.5)
    inside = (edges[:-1] > 0.2) & (edges[1:] < 0.9)
    np.testing.assert_allclose(response[..., inside].mean(), 6.02, atol=0.1)
    assert abs(response[..., edges[1:] < -0.1].mean()) < 0.1
    assert high_gamma_response(carrier, 250.0, 0.0)[0] is None


def test_matrices_share_one_order():
    results = [make_result(20), make_result(30, shift=9)]
    order = shared_order(results)
    assert sorted(order) == sorted(WORDS)
    total = sum(one.confusion_matrix().to_numpy() for one in results)
    assert list(order) == list(results[0].labels[confusion_order(total)])
    other = replace(results[1], labels=np.append(results[1].labels, "z"))
    assert shared_order([results[0], other]) is None


def test_methods_name_only_what_is_known(contacts, epochs):
    paragraphs, references = methods_text(contacts=contacts, epochs=epochs)
    text = " ".join(paragraphs)
    assert "20 epochs from -0.5 to 0.9975 s were analyzed at 400 Hz" in text
    assert "6 bipolar channels of neighboring contacts (4 STG)" in text
    assert "Desikan-Killiany" in text
    assert "Destrieux" not in " ".join([text, *references])
    assert any(reference.startswith("Desikan, R. S.") for reference in references)
    assert any("Du-IN" in reference for reference in references)
    bare, few = methods_text()
    assert "channels of neighboring" not in " ".join(bare)
    assert not any(reference.startswith("Desikan") for reference in few)


def test_methods_state_what_reading_did(contacts, epochs):
    contacts.attrs["processing"] = {
        "l_freq": 0.5, "h_freq": None, "notch": (50.0, 100.0), "rate": 512.0,
        "sfreq": 400.0, "reference": "bipolar",
    }  # fmt: skip
    contacts.attrs["excluded"] = {"A1": "marked bad", "A2": "marked bad"}
    text = " ".join(methods_text(contacts=contacts, epochs=epochs)[0])
    for part in (
        "notch-filtered at 50 and 100 Hz, high-pass filtered at 0.5 Hz and resampled "
        "from 512 to 400 Hz", "(bipolar)", "Excluded contacts: 2 (marked bad).",
    ):  # fmt: skip
        assert part in text


def test_methods_report_every_result():
    paragraphs, references = methods_text(
        results={"Du-IN": make_result(24, 0.01), "LDA": make_result(28)}
    )
    text = " ".join(paragraphs)
    assert "LDA reached 70.0 % on 40 held-out predictions of 4 classes" in text
    assert text.count("permutation p ") == 1
    assert "exact McNemar test over trials (McNemar, 1947)" in text
    assert "(99 permutations)" in text
    assert any(reference.startswith("McNemar") for reference in references)
    assert any(reference.startswith("Wilson") for reference in references)


@pytest.mark.parametrize("bands", [["beta", "beta-unmixed"], ["beta"]])
def test_methods_say_that_channels_were_unmixed(bands):
    X, y = RNG.standard_normal((8, 2, 400)), np.repeat(["a", "b"], 4)
    options = {"n_layers": 1, "max_iter": 1, "sfreq": 400.0, "verbose": False}
    network = DuINClassifier(bands=bands, **options).fit(X, y)
    paragraphs, references = methods_text(stages={"classifier": network})
    unmixed = "beta-unmixed" in bands
    text = " ".join([*paragraphs, *references])
    for part in ("whitened (ZCA", "Kessy, A.", "Pham, D.-T."):
        assert (part in text) == unmixed


def test_results_must_be_named():
    with pytest.raises(TypeError, match="`results` must be Mapping"):
        make_report(results=[make_result(20, 0.1)])
