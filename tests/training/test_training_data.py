"""Batches, crops, shifts and scales."""

import gc
import threading

import numpy as np
import pytest
import torch

from mne_duin.training import ChannelScaler, SampledData, SignalData
from mne_duin.training._data import StoredSignal, even_rows, scale_inputs
from mne_duin.training._engine import pass_seed
from mne_duin.utils._stored import Source, StoredArray


def ramp(n_epochs=7, n_channels=2, n_times=50):
    """Every value tells its epoch, channel and time."""
    epoch, channel, time = np.indices((n_epochs, n_channels, n_times))
    return (10000 * epoch + 1000 * channel + time + 1).astype(np.float32)


def generator(seed=0):
    return torch.Generator().manual_seed(seed)


@pytest.mark.parametrize("batch_size", [1, 2, 3, 7, 100])
def test_random_batches_cover_every_epoch_once(batch_size):
    data = SignalData(ramp(), y=np.arange(7))
    batches = list(data.random_batches(batch_size, generator()))
    assert sorted(torch.cat([b.y for b in batches]).tolist()) == list(range(7))
    sizes = [len(batch) for batch in batches]
    assert sum(sizes) == 7
    assert set(sizes[:-1]) <= {batch_size}
    for batch in batches:
        assert torch.equal(batch.x, data.x[batch.y])


def test_batches_are_a_function_of_the_seed():
    data = SignalData(ramp(), y=np.arange(7), n_times=20)
    first, again, other = (
        [b.x for b in data.random_batches(3, generator(seed))] for seed in (1, 1, 2)
    )
    assert all(torch.equal(a, b) for a, b in zip(first, again, strict=True))
    assert not all(torch.equal(a, b) for a, b in zip(first, other, strict=True))
    seeds = {pass_seed(seed, index) for seed in range(20) for index in range(20)}
    assert len(seeds) == 400


def test_random_crops_lie_inside_and_reach_both_ends():
    data = SignalData(ramp(), n_times=40)
    starts = []
    for seed in range(60):
        for batch in data.random_batches(4, generator(seed)):
            assert batch.x.shape[1:] == (2, 40)
            time = (batch.x % 1000).round().long() - 1
            assert torch.equal(time, time[..., :1] + torch.arange(40))
            assert (batch.x.diff(dim=1) == 1000).all()
            starts += time[:, 0, 0].tolist()
    assert set(starts) == set(range(11))


def test_evaluation_takes_the_middle():
    data = SignalData(ramp(), n_times=40)
    batches = torch.cat([batch.x for batch in data.batches(3)])
    assert torch.equal(batches, torch.as_tensor(ramp())[..., 5:45])
    longer = SignalData(ramp(), n_times=500)
    assert torch.equal(longer.take(torch.arange(7)).x, longer.x)


@pytest.mark.parametrize("max_shift", [0, 1, 9])
def test_evaluation_never_shifts(max_shift):
    data = SignalData(ramp(), max_shift=max_shift)
    batches = torch.cat([batch.x for batch in data.batches(3)])
    assert torch.equal(batches, torch.as_tensor(ramp()))


def test_a_shift_of_zero_is_the_identity():
    data = SignalData(ramp(), max_shift=0)
    for batch in data.random_batches(7, generator()):
        assert sorted(batch.x[:, 0, 0].tolist()) == [10000.0 * i + 1 for i in range(7)]
    data = SignalData(ramp(), max_shift=5)
    zero = torch.full((7,), 5)
    assert torch.equal(data.take(torch.arange(7), zero).x, torch.as_tensor(ramp()))


def test_shifts_move_the_signal_and_fill_with_zeros():
    data, seen = SignalData(ramp(1), max_shift=4), set()
    original = torch.as_tensor(ramp(1))[0]
    for seed in range(80):
        batch = next(data.random_batches(1, generator(seed)))
        x, shift = batch.x[0], None
        for candidate in range(-4, 5):
            moved = torch.zeros_like(original)
            into = slice(max(candidate, 0), 50 + min(candidate, 0))
            source = slice(max(-candidate, 0), 50 - max(candidate, 0))
            moved[:, into] = original[:, source]
            if torch.equal(moved, x):
                shift = candidate
        assert shift is not None
        seen.add(shift)
    assert seen == set(range(-4, 5))


def test_subjects_and_masks_follow_their_epochs():
    mask = np.array([[True, True], [True, False]])
    subject = np.array([0, 1, 0, 1, 1, 0, 0])
    data = SignalData(ramp(), subject=subject, channel_mask=mask)
    for batch in data.random_batches(3, generator()):
        epoch = (batch.x[:, 0, 0] // 10000).long()
        assert torch.equal(batch.subject, torch.as_tensor(subject)[epoch])
        assert torch.equal(batch.channel_mask, torch.as_tensor(mask)[batch.subject])
    alone = SignalData(ramp(), subject=0 * subject, channel_mask=mask[:1])
    batch = alone.take(torch.arange(2))
    assert batch.subject is None
    assert batch.channel_mask is None


def test_scales_are_learned_per_subject_and_undone():
    rng = np.random.default_rng(0)
    subject = np.array([0, 1] * 10)
    data = rng.standard_normal((20, 3, 100)).astype(np.float32)
    data = (data * [[[2], [5], [1e-6]]] + [[[0], [7], [1e-5]]]).astype(np.float32)
    data[subject == 1] *= 3
    scaler = ChannelScaler.learn(data, subject, 2)
    scaled = scaler.apply(data, subject)
    assert scaled.dtype == np.float32
    for index in (0, 1):
        own = scaled[subject == index]
        np.testing.assert_allclose(own.mean((0, 2)), 0, atol=1e-4)
        np.testing.assert_allclose(own.std((0, 2)), 1, atol=1e-4)
    np.testing.assert_allclose(scaler.invert(scaled, subject), data, rtol=1e-4)
    first = scaler.invert(scaled[:, :2], subject)
    np.testing.assert_allclose(first, data[:, :2], rtol=1e-3, atol=1e-4)
    assert scaler.channel_mask.all()


def test_padded_channels_keep_their_zeros():
    data = np.random.default_rng(0).standard_normal((6, 3, 50)).astype(np.float32)
    subject = np.array([0, 0, 0, 1, 1, 1])
    data[subject == 1, 2] = 0
    scaler = ChannelScaler.learn(data, subject, 2)
    assert scaler.channel_mask.tolist() == [[True] * 3, [True, True, False]]
    assert (scaler.mean[1, 2], scaler.scale[1, 2]) == (0, 1)
    assert not scaler.apply(data, subject)[subject == 1, 2].any()


@pytest.mark.parametrize("value", [0.0, 1.0, -3e-5])
def test_flat_channels_are_refused(value):
    data = np.random.default_rng(0).standard_normal((6, 3, 50)).astype(np.float32)
    data[:, 1] = value
    with pytest.raises(ValueError, match=r"1 channels are flat \(b\).*constant"):
        ChannelScaler.learn(data, np.zeros(6, int), 1, ["a", "b", "c"])
    with pytest.raises(ValueError, match=r"1 channels are flat \(1\)"):
        ChannelScaler.learn(data, np.zeros(6, int), 1)


def test_one_trial_far_from_the_rest_does_not_set_the_scale():
    rng = np.random.default_rng(0)
    data = 1e-5 * rng.standard_normal((40, 3, 200))
    clean = ChannelScaler.learn(np.delete(data, 7, axis=0), np.zeros(39, int), 1)
    data[7] *= 300
    with pytest.warns(RuntimeWarning, match=r"1 of 40 trials \(number 7\)"):
        scaler = ChannelScaler.learn(data, np.zeros(40, int), 1)
    np.testing.assert_array_equal(scaler.scale, clean.scale)
    scaled = scaler.apply(data, np.zeros(40, int))
    assert np.abs(scaled[7]).max() == 50.0
    assert np.abs(np.delete(scaled, 7, axis=0)).max() < 6.0


@pytest.mark.parametrize("n_draws", [0, 1, 2, 7, 30, 31])
def test_every_group_is_drawn_equally_often(n_draws):
    groups = np.array([3, 0, 0, 3, 3, 3, 1, 3, 3, 3])
    for seed in range(20):
        rows = even_rows(groups, n_draws, generator(seed)).numpy()
        assert len(rows) == n_draws
        counts = [(groups[rows] == group).sum() for group in (0, 1, 3)]
        assert max(counts) - min(counts) <= 1
        # Within a group all come before any comes again.
        for group in (0, 1, 3):
            own = np.bincount(rows, minlength=10)[groups == group]
            assert own.max() - own.min() <= 1
    first, again, other = (even_rows(groups, 30, generator(s)) for s in (1, 1, 2))
    assert torch.equal(first, again)
    assert not torch.equal(first, other)


def test_even_draws_fill_every_batch():
    groups = np.array([0, 0, 0, 0, 0, 0, 1])
    data = SignalData(ramp(), y=np.arange(7), groups=groups)
    batches = list(data.random_batches(3, generator()))
    assert [len(batch) for batch in batches] == [3, 3, 1]
    drawn = torch.cat([batch.y for batch in batches])
    assert (drawn == 6).sum() in (3, 4)
    sampled = SampledData(ramp(), y=np.arange(7), groups=groups)
    sampled.n_steps = 5
    batches = list(sampled.random_batches(4, generator()))
    assert [len(batch) for batch in batches] == [4] * 5
    assert (torch.cat([batch.y for batch in batches]) == 6).sum() == 10


@pytest.mark.parametrize("kind", [SignalData, SampledData])
@pytest.mark.parametrize("n_times", [None, 20])
def test_a_stored_signal_gives_the_batches_of_one_in_memory(kind, n_times):
    values, subject = ramp(9, 3), np.arange(9) % 2
    scaler = ChannelScaler.learn(values, subject, 2)
    silent = np.zeros((9, 3), bool)
    silent[4, 1] = True
    stored = StoredSignal(StoredArray.of(Source(values)), scaler, subject, silent)
    options = {"subject": subject, "channel_mask": scaler.channel_mask}
    whole = kind(
        scale_inputs(values, scaler, subject, silent), n_times=n_times, **options
    )
    ours = kind(stored, n_times=n_times, **options)
    for batches in (
        lambda data: data.random_batches(4, generator(3)),
        lambda data: data.batches(4),
    ):
        for one, other in zip(batches(ours), batches(whole), strict=True):
            assert torch.equal(one.x, other.x)
            assert torch.equal(one.subject, other.subject)
    # One that is not taken to its end leaves no thread behind.
    before = threading.active_count()
    next(iter(ours.batches(2)))
    gc.collect()
    assert threading.active_count() == before
    assert torch.equal(stored[torch.tensor([4, 0])], whole.x[[4, 0]])
    np.testing.assert_array_equal(np.asarray(stored), whole.x)


def test_a_stored_signal_cannot_be_shifted():
    values = ramp(4, 2)
    scaler = ChannelScaler.learn(values, np.zeros(4, int), 1)
    parts = StoredArray.of(Source(values)), scaler, np.zeros(4, int)
    stored = StoredSignal(*parts, np.zeros((4, 2), bool))
    with pytest.raises(ValueError, match="cannot be shifted; read it first"):
        SignalData(stored, max_shift=3)


def test_means_and_deviations_are_joined_exactly(monkeypatch):
    rng = np.random.default_rng(0)
    data = (1e3 + rng.standard_normal((40, 3, 50)) * [[1], [10], [0.1]]).astype("f4")
    for values in (1, 700, 10**6):
        monkeypatch.setattr("mne_duin.utils._stored.BLOCK_VALUES", values)
        scaler = ChannelScaler.learn(data, np.zeros(40, int), 1)
        exact = data.astype(np.float64)
        np.testing.assert_allclose(scaler.mean[0], exact.mean((0, 2)), rtol=1e-7)
        np.testing.assert_allclose(scaler.scale[0], exact.std((0, 2)), rtol=1e-7)
