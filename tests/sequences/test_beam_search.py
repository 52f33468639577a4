"""Beam search against all alignments, one by one, and against torch's CTC loss."""

import itertools

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from mne_duin.sequences import beam_search, greedy_sequence

WIDE = 1000


def random_table(seed, n_tokens, n_classes, sharpness=1.0):
    scores = np.random.default_rng(seed).standard_normal((n_tokens, 1 + n_classes))
    return torch.from_numpy(sharpness * scores).log_softmax(-1).numpy()


def all_sequences(table):
    """The probability of every sequence: the sum over all paths that give it."""
    n_tokens, n_columns = table.shape
    sums = {}
    for path in itertools.product(range(n_columns), repeat=n_tokens):
        joined = [code for code, _ in itertools.groupby(path)]
        sequence = tuple(code for code in joined if code != 0)
        weight = np.exp(table[range(n_tokens), path].sum())
        sums[sequence] = sums.get(sequence, 0.0) + weight
    return sums


def is_chain(sequence, words):
    """Whether a sequence can be cut into words, by trying."""
    return not sequence or any(
        sequence[: len(word)] == word and is_chain(sequence[len(word) :], words)
        for word in words
    )


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 10**6), st.integers(1, 5), st.integers(1, 3))
def test_a_wide_beam_is_exact(seed, n_tokens, n_classes):
    table = random_table(seed, n_tokens, n_classes, sharpness=2.0)
    truth = all_sequences(table)
    found = beam_search(table, beam_width=WIDE)
    assert {sequence for sequence, _ in found} == set(truth)
    for sequence, log_probability in found:
        assert np.exp(log_probability) == pytest.approx(truth[sequence], rel=1e-9)
    logs = [log for _, log in found]
    assert logs == sorted(logs, reverse=True)
    assert found[0][1] == pytest.approx(np.log(max(truth.values())))


@settings(max_examples=25, deadline=None)
@given(
    st.integers(0, 10**6),
    st.lists(
        st.lists(st.integers(1, 3), min_size=1, max_size=3).map(tuple),
        min_size=1,
        max_size=4,
    ),
)
def test_a_word_list_leaves_the_chains_of_its_words(seed, words):
    table = random_table(seed, 5, 3)
    allowed = {
        sequence: value
        for sequence, value in all_sequences(table).items()
        if is_chain(sequence, words)
    }
    found = dict(beam_search(table, beam_width=WIDE, words=words))
    assert set(found) == set(allowed)
    for sequence, value in allowed.items():
        assert np.exp(found[sequence]) == pytest.approx(value, rel=1e-9)


def test_probabilities_are_those_of_the_loss():
    table = random_table(3, 8, 4)
    log_probabilities = torch.from_numpy(table)[:, None]
    # The beam is wide enough that no path of the best ones is lost.
    for sequence, log in beam_search(table, beam_width=5000)[:20]:
        loss = torch.nn.CTCLoss(reduction="none")(
            log_probabilities,
            torch.tensor([sequence], dtype=torch.long).reshape(1, -1),
            torch.tensor([8]),
            torch.tensor([len(sequence)]),
        )
        assert float(loss) == pytest.approx(-log, abs=1e-6)


def test_summing_paths_beats_the_best_path():
    table = np.log([[0.6, 0.4], [0.6, 0.4]])
    assert greedy_sequence(table) == ()
    assert beam_search(table, beam_width=2)[0][0] == (1,)


def test_a_repeated_label_needs_a_blank():
    sure = np.full((3, 2), 1e-9)
    sure[[0, 2], 1] = sure[1, 0] = 1.0
    assert greedy_sequence(np.log(sure)) == (1, 1)
    assert beam_search(np.log(sure))[0][0] == (1, 1)
    sure[1] = sure[0]
    assert greedy_sequence(np.log(sure)) == (1,)
    assert beam_search(np.log(sure))[0][0] == (1,)


def test_without_a_whole_word_in_the_beam_nothing_was_said():
    # One prefix is kept: the likely first half of a word, without its second half.
    table = np.log([[0.01, 0.98, 0.01], [0.01, 0.98, 0.01]])
    found = beam_search(table, beam_width=1, words=[(1, 2)])
    assert found == [((), pytest.approx(2 * np.log(0.01)))]


def test_impossible_labels_are_left_out():
    with np.errstate(divide="ignore"):
        table = np.log([[0.0, 0.5, 0.5], [1.0, 0.0, 0.0]])
    assert {sequence for sequence, _ in beam_search(table)} == {(1,), (2,)}


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"beam_width": 0}, "`beam_width` must be at least 1; got 0"),
        ({"words": []}, "`words` is empty; pass None"),
        ({"words": [()]}, r"`words` must be .*, none of them empty; got \(\)"),
        ({"words": [(3,)]}, r"`words` must be sequences of classes from 1 to 2"),
        ({"words": [(0,)]}, r"`words` must be sequences of classes from 1 to 2"),
    ],
)
def test_refusals(changes, message):
    with pytest.raises(ValueError, match=message):
        beam_search(random_table(0, 3, 2), **changes)


@pytest.mark.parametrize(
    "table", [np.zeros(3), np.zeros((3, 1)), np.full((2, 2), np.nan)]
)
def test_tables_that_are_none(table):
    for function in (beam_search, greedy_sequence):
        with pytest.raises(ValueError, match=r"shape \(n_tokens, 1 \+ n_classes\)"):
            function(table)
