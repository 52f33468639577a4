"""Fast paths give the numbers, and the gradients, of the formulas that they replace."""

import copy

import pytest
import torch
from torch.nn import functional
from torch.utils._python_dispatch import TorchDispatchMode

from mne_duin.nn import (
    MAE,
    Classifier,
    PatchDecoder,
    PatchEncoder,
    Quantizer,
    SubjectLinear,
    Transformer,
    _layers,
    _patch,
    _principal,
    build_encoder,
    build_vqvae,
    random_mask,
    reconstruction_loss,
)
from mne_duin.nn._layers import Attention, split_heads
from mne_duin.nn._models import number_hidden
from mne_duin.training import SignalData

N_EPOCHS, N_FILTERS = 4, 4
SIZES = {"n_filters": 4, "n_layers": 2, "n_heads": 2, "head_dim": 8, "ff_dim": 16}


def spatial_map(n_inputs, n_outputs, n_subjects):
    torch.manual_seed(0)
    spatial = SubjectLinear(n_inputs, n_outputs, n_subjects)
    torch.nn.init.normal_(spatial.weight)
    torch.nn.init.normal_(spatial.bias)
    return spatial


def subjects(n_subjects):
    return None if n_subjects == 1 else torch.arange(N_EPOCHS) % n_subjects


def gradients(y, modules):
    parameters = [p for module in modules for p in module.parameters()]
    weight = torch.randn(y.shape, generator=torch.Generator().manual_seed(3))
    return torch.autograd.grad((y * weight).sum(), parameters)


def assert_gradients_close(ours, expected):
    largest = max(gradient.abs().max() for gradient in expected)
    for one, other in zip(ours, expected, strict=True):
        torch.testing.assert_close(one, other, rtol=1e-4, atol=2e-6 * float(largest))


# Few channels are mapped within the first convolution, many before it.
@pytest.mark.parametrize(("n_channels", "n_subjects"), [(3, 1), (9, 1), (3, 2)])
@pytest.mark.parametrize("training", [True, False])
@pytest.mark.parametrize("n_tokens", [1, 3])
def test_patch_encoder(n_channels, n_subjects, training, n_tokens):
    spatial = spatial_map(n_channels, N_FILTERS, n_subjects)
    patch = PatchEncoder(N_FILTERS, (8, 6, 4))
    patch(torch.randn(8, N_FILTERS, 200) + 0.5)
    patch.train(training)
    modules, twins = (spatial, patch), copy.deepcopy((spatial, patch))
    x, subject = torch.randn(N_EPOCHS, n_channels, 100 * n_tokens), subjects(n_subjects)
    ours = _patch.tokenize(*modules, x, subject)
    expected = twins[1](twins[0](x, subject))
    torch.testing.assert_close(ours, expected, atol=1e-5, rtol=1e-5)
    assert_gradients_close(gradients(ours, modules), gradients(expected, twins))
    for name, value in patch.state_dict().items():
        torch.testing.assert_close(value, twins[1].state_dict()[name], msg=name)


@pytest.mark.parametrize(("n_channels", "n_subjects"), [(3, 1), (9, 1), (3, 2)])
@pytest.mark.parametrize("n_tokens", [1, 2, 5])
def test_patch_decoder(n_channels, n_subjects, n_tokens):
    spatial = spatial_map(N_FILTERS, n_channels, n_subjects)
    patch = PatchDecoder(12, N_FILTERS, 8)
    tokens, subject = torch.randn(N_EPOCHS, n_tokens, 12), subjects(n_subjects)
    ours = _patch.decode_patches(patch, spatial, tokens, subject)
    expected = spatial(patch(tokens), subject)
    assert ours.shape == (N_EPOCHS, n_channels, 100 * n_tokens)
    torch.testing.assert_close(ours, expected, atol=1e-6, rtol=1e-5)
    modules = (spatial, patch)
    assert_gradients_close(gradients(ours, modules), gradients(expected, modules))


@pytest.mark.parametrize("dtype", [torch.float64, torch.bfloat16])
def test_heads_are_split_and_put_together(dtype):
    qkv = torch.randn(3, 5, 3 * 2 * 4, dtype=dtype)
    twin = qkv.clone().requires_grad_()
    expected = twin.view(3, 5, 3, 2, 4).permute(2, 0, 3, 1, 4)
    for one, other in zip(split_heads(qkv, 2), expected, strict=True):
        assert torch.equal(one, other)
    weight = torch.randn(3, 3, 2, 5, 4, dtype=dtype)
    own = qkv.clone().requires_grad_()
    # One head unused, one used twice: gradients that are zeros, and sums.
    for heads in (split_heads(own, 2), expected.unbind(0)):
        ((heads[0] * weight[0]).sum() + (heads[0] * heads[2]).sum()).backward()
    assert torch.equal(own.grad, twin.grad)
    if dtype is torch.float64:
        double = qkv[:1, :2].clone().requires_grad_()
        assert torch.autograd.gradcheck(lambda x: split_heads(x, 2), double)


def shift_data(patch):
    patch.layers[0].weight.data += 0.1


def shift_statistics(patch):
    patch.layers[3].running_mean += 1


def step_optimizer(patch):
    optimizer = torch.optim.AdamW(patch.parameters(), lr=0.1, fused=True)
    for parameter in patch.parameters():
        parameter.grad = torch.ones_like(parameter)
    optimizer.step()


def load_others(patch):
    patch.load_state_dict(PatchEncoder(N_FILTERS, (8, 6, 4)).state_dict())


@pytest.mark.parametrize(
    "change", [shift_data, shift_statistics, step_optimizer, load_others, None]
)
@torch.no_grad()
def test_the_folded_encoder_follows_its_weights(change):
    patch = PatchEncoder(N_FILTERS, (8, 6, 4)).eval()
    x = torch.randn(N_EPOCHS, N_FILTERS, 300)
    before = _patch.encode_patches(patch, x)
    kernel = patch.folded()[0]
    if change is None:
        assert patch.folded()[0] is kernel
        return
    change(patch)
    after = _patch.encode_patches(patch, x)
    assert not torch.allclose(after, before, atol=1e-3)
    torch.testing.assert_close(after, patch(x), atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize("n_channels", [3, 9])
@torch.no_grad()
def test_a_map_that_is_a_product_is_applied_in_two_steps(n_channels):
    spatial = spatial_map(n_channels, N_FILTERS, 1)
    patch = PatchEncoder(N_FILTERS, (8, 6, 4)).eval()
    assert patch.folded()[2] is None
    _principal.start_convolutions_(patch, torch.randn(N_FILTERS, N_FILTERS), exact=True)
    for norm in patch.layers[1::2]:
        torch.nn.init.uniform_(norm.running_var, 0.5, 2)
        torch.nn.init.normal_(norm.running_mean)
    x = torch.randn(N_EPOCHS, n_channels, 300)
    assert patch.folded()[2] is not None
    tokens = _patch.tokenize(spatial, patch, x)
    torch.testing.assert_close(tokens, patch(spatial(x)), atol=1e-5, rtol=1e-5)
    # The least that training changes makes it a map like any other.
    patch.layers[0].weight[-1, 0, 3] += 1e-3
    patch.layers[4].weight[0, -1, 0] += 1e-3
    assert patch.folded()[2] is None
    tokens = _patch.tokenize(spatial, patch, x)
    torch.testing.assert_close(tokens, patch(spatial(x)), atol=1e-5, rtol=1e-5)


def test_folding_works_in_inference_mode_and_leaves_no_trace():
    patch = PatchEncoder(N_FILTERS, (8, 6, 4)).eval()
    x = torch.randn(N_EPOCHS, N_FILTERS, 300)
    names = list(patch.state_dict())
    with torch.inference_mode():
        folded = _patch.encode_patches(patch, x)
    torch.testing.assert_close(folded, patch(x), atol=1e-5, rtol=1e-5)
    assert list(patch.state_dict()) == names
    double = copy.deepcopy(patch).double()
    with torch.no_grad():
        torch.testing.assert_close(
            _patch.encode_patches(double, x.double()), double(x.double())
        )


def test_attention_is_scaled_dot_product_attention():
    attention = Attention(12, 2, 8, 0.3).eval()
    x = torch.randn(N_EPOCHS, 5, 12)
    qkv = attention.qkv(x).view(N_EPOCHS, 5, 3, 2, 8).permute(2, 0, 3, 1, 4)
    query, key = attention.norm_q(qkv[0]), attention.norm_k(qkv[1])
    heads = functional.scaled_dot_product_attention(query, key, qkv[2])
    expected = attention.out(heads.transpose(1, 2).reshape(N_EPOCHS, 5, -1))
    torch.testing.assert_close(attention(x), expected, atol=1e-6, rtol=1e-5)


@pytest.mark.parametrize("n_tokens", [2, 3, 7])
@pytest.mark.parametrize("ratio", [0.1, 0.5, 0.9])
@pytest.mark.parametrize("training", [True, False])
def test_the_last_block_leaves_out_what_nothing_is_predicted_from(
    n_tokens, ratio, training
):
    quiet = {"attention_dropout": 0.0, "ff_dropout": 0.0}
    mae = MAE(build_encoder(3, **SIZES, **quiet), 16).double().train(training)
    x = torch.randn(N_EPOCHS, 3, 100 * n_tokens, dtype=torch.float64)
    mask = random_mask(N_EPOCHS, n_tokens, ratio)
    ours, twin = copy.deepcopy(mae), copy.deepcopy(mae)
    logits = ours(x, mask, n_hidden=number_hidden(n_tokens, ratio))
    expected = twin(x, mask)
    torch.testing.assert_close(logits, expected)
    pairs = zip(gradients(logits, [ours]), gradients(expected, [twin]), strict=True)
    for one, other in pairs:
        torch.testing.assert_close(one, other, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("n_in_piece", [1, 2, 3, 5])
def test_a_transformer_gives_the_same_in_pieces(n_in_piece, monkeypatch):
    transformer = build_encoder(3, **SIZES).transformer.double().eval()
    x = torch.randn(5, 7, transformer.dim, dtype=torch.float64)
    wanted = torch.rand(5, 7).argsort(1)[:, :3]
    for own in (None, wanted):
        expected = transformer(x, own)
        with monkeypatch.context() as patch:
            n_bytes = 7 * 3 * 2 * 8 * 8  # queries, keys and values of an epoch
            patch.setattr(_layers, "MOST_BYTES", n_in_piece * n_bytes)
            sizes = []
            hook = transformer.blocks[0].register_forward_hook(
                lambda block, args, y, sizes=sizes: sizes.append(len(y))
            )
            ours = transformer(x, own)
            hook.remove()
        assert sizes == [len(part) for part in x.split(n_in_piece)]
        torch.testing.assert_close(ours, expected)
        pairs = [gradients(y, [transformer]) for y in (ours, expected)]
        for one, other in zip(*pairs, strict=True):
            torch.testing.assert_close(one, other, rtol=1e-9, atol=1e-12)


class NoWaiting(TorchDispatchMode):
    """Refuses operations that make the host wait for a device."""

    waiting = ("_local_scalar_dense", "nonzero", "bincount", "unique", "item", "equal")

    def __torch_dispatch__(self, function, types, args=(), kwargs=None):
        name = function.__name__.split(".")[0].strip("_")
        assert name not in {word.strip("_") for word in self.waiting}, name
        return function(*args, **(kwargs or {}))


def step_of(stage):
    encoder = build_encoder(3, **SIZES)
    vqvae = build_vqvae(encoder, Quantizer(encoder.dim, 16, 8), n_decoder_layers=1)
    mae, classifier = MAE(build_encoder(3, **SIZES), 16), Classifier(encoder, 3, 4)

    def learn_codes(batch):
        rebuilt, output = vqvae(batch.x)
        vqvae.quantizer.update_(output)
        return reconstruction_loss(rebuilt, batch.x) + output.loss_commit

    def predict_codes(batch):
        codes = vqvae.quantizer.encode(encoder(batch.x))
        mask = random_mask(*codes.shape, device=batch.x.device)
        n_hidden = number_hidden(codes.shape[1], 0.5)
        logits = mae(batch.x, mask, n_hidden=n_hidden)
        return functional.cross_entropy(logits.mT, codes)

    def name_words(batch):
        return functional.cross_entropy(classifier(batch.x), batch.y)

    steps = {"vqvae": learn_codes, "mae": predict_codes, "classifier": name_words}
    return steps[stage]


@pytest.mark.parametrize("stage", ["vqvae", "mae", "classifier"])
def test_steps_never_make_the_host_wait(stage):
    step = step_of(stage)
    x, y = torch.randn(8, 3, 400), torch.arange(8) % 4
    data = SignalData(x, y=y, n_times=300)
    with NoWaiting():
        for batch in data.random_batches(4, torch.Generator().manual_seed(0)):
            step(batch).backward()
        with pytest.raises(AssertionError, match="local_scalar_dense"):
            x.sum().item()


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
def test_a_fit_on_a_gpu_waits_only_between_passes():
    x, y = torch.randn(8, 3, 400), torch.arange(8) % 4
    data = SignalData(x, y=y, n_times=300, device="cuda")
    module = Classifier(build_encoder(3, **SIZES), 3, 4).cuda()
    batches = data.random_batches(4, torch.Generator().manual_seed(0))
    first = next(batches)
    torch.cuda.set_sync_debug_mode("error")
    try:
        for batch in (first, *batches):
            functional.cross_entropy(module(batch.x), batch.y).backward()
    finally:
        torch.cuda.set_sync_debug_mode("default")


@pytest.mark.parametrize(("n_tokens", "sizes"), [(7, [4, 3]), (12, [4] * 3), (4, [4])])
def test_more_tokens_than_were_learned_from_are_taken_in_pieces(n_tokens, sizes):
    torch.manual_seed(0)
    transformer = Transformer(16, 2, n_heads=2, head_dim=4, ff_dim=8, max_tokens=4)
    transformer.eval()
    tokens = torch.randn(3, n_tokens, 16)
    pieces = [transformer(piece) for piece in tokens.split(sizes, dim=1)]
    expected = torch.cat(pieces, dim=1)
    torch.testing.assert_close(transformer(tokens), expected)
    wanted = torch.tensor([[1, n_tokens - 1]] * 3)
    torch.testing.assert_close(transformer(tokens, wanted), expected[:, wanted[0]])
    assert Transformer(16, **transformer.sizes()).max_tokens == 4
    with pytest.raises(ValueError, match="`max_tokens` must"):
        Transformer(16, 1, max_tokens=0)
