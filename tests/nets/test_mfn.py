import pytest
import torch

from emoest.nets.mfn import MFN
from tests.nets.plain_mfn import plain_mfn

M3ER_DIMS = {"text": 300, "audio": 74, "face": 35}
DIMS = {"text": 6, "audio": 3, "face": 2}
VARIANTS = [
    {},
    {"hidden_size": {"text": 8, "audio": 3, "face": 8}},
    {"fusion": "product", "fusion_norm": "layernorm"},
    {"gate_input": "delta"},
    {"memory_feedback": True},
    {"memory_feedback": True, "gate_input": "delta"},
    {"gate_size": {"retain": 3, "update": 8}},
    {"gate_size": {"retain": 8, "update": 3}, "gate_input": "delta"},
    {"gate_size": {"retain": 5, "update": 9}, "memory_feedback": True},
]


def make(dtype=torch.float64, **options):
    """Make a net whose gates and attention are far from their middle."""
    torch.manual_seed(0)
    sizes = {"memory_dim": 7, "attention_size": 9, "update_size": 5, "gate_size": 6}
    net = MFN(DIMS, 4, **{"hidden_size": 5, "dropout": 0.0, **sizes, **options}).to(dtype)
    with torch.no_grad():
        for parameter in net.parameters():
            parameter.mul_(1.6)
    return net


def make_batch(dtype=torch.float64, n_samples=12, n_steps=6):
    """Ragged, with a modality missing in every second sample and a sample without any."""
    torch.manual_seed(1)
    frames = {name: torch.randn(n_samples, n_steps, dim, dtype=dtype) for name, dim in DIMS.items()}
    length = torch.arange(n_samples) % n_steps + 1
    lengths = {name: length.clone() for name in DIMS}
    for i, name in enumerate(DIMS):
        lengths[name][i::6] = 0
        lengths[name][3] = 0
    return frames, lengths


def count(net):
    return sum(parameter.numel() for parameter in net.parameters())


@pytest.fixture(autouse=True)
def _forked():
    with torch.random.fork_rng():
        yield


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({"fusion": "product"}, 179_334),
        ({"attention_size": 128, "update_size": 128, "gate_size": 128, "output_size": 128}, None),
        ({"fusion": "concat"}, 183_430),
        ({"fusion": "product", "heads": "modalities"}, 179_334 + 594),
        ({"fusion": "product", "gate_input": "delta"}, 179_334 - 16_384),
        ({"fusion": "product", "fusion_norm": "layernorm"}, 179_334 + 64),
        ({"fusion": "product", "memory_feedback": True}, 179_334 + 3 * 128 * 128),
    ],
)
def test_parameters_of_m3er(options, expected):
    if expected is None:
        options, expected = {**options, "output_size": 64, "fusion": "product"}, 281_990
    assert count(MFN(M3ER_DIMS, 6, **options)) == expected


@pytest.mark.parametrize("options", VARIANTS)
@pytest.mark.parametrize(("dtype", "atol"), [(torch.float64, 1e-12), (torch.float32, 1e-6)])
def test_outputs_are_those_of_the_equations_step_by_step(options, dtype, atol):
    net = make(dtype, **options).eval()
    frames, lengths = make_batch(dtype)
    expected = plain_mfn(net, frames, lengths)
    assert expected.std() > 0.05
    torch.testing.assert_close(net(frames, lengths), expected, atol=atol, rtol=0)


@pytest.mark.parametrize("options", VARIANTS)
def test_a_modality_that_ends_early_keeps_its_states(options):
    net = make(**options).eval()
    frames, lengths = make_batch()
    lengths["audio"] = lengths["audio"].flip(0)
    lengths["face"] = torch.arange(12) % 3
    expected = plain_mfn(net, frames, lengths)
    torch.testing.assert_close(net(frames, lengths), expected, atol=1e-12, rtol=0)


@pytest.mark.parametrize("options", VARIANTS)
def test_gradients_are_those_of_the_equations_step_by_step(options):
    net = make(**options)
    frames, lengths = make_batch()
    inputs = [x.requires_grad_() for x in frames.values()] + list(net.parameters())
    weight = torch.randn(12, 4, dtype=torch.float64)
    found = torch.autograd.grad((net(frames, lengths) * weight).sum(), inputs)
    expected = torch.autograd.grad((plain_mfn(net, frames, lengths) * weight).sum(), inputs)
    for left, right in zip(found, expected, strict=True):
        assert right.abs().max() > 1e-6
        torch.testing.assert_close(left, right, atol=1e-10, rtol=1e-8)


@pytest.mark.parametrize("options", VARIANTS)
def test_padding_is_never_seen(options):
    net = make(**options)
    frames, lengths = make_batch()
    clean = net(frames, lengths)
    for name, x in frames.items():
        behind = torch.arange(x.shape[1]) >= lengths[name][:, None]
        x[behind] = torch.nan
    found = net(frames, lengths)
    torch.testing.assert_close(found, clean, atol=0, rtol=0)
    found.sum().backward()
    assert all(torch.isfinite(p.grad).all() for p in net.parameters())


@pytest.mark.parametrize("options", VARIANTS)
def test_rows_stand_alone_in_any_order_and_modalities_may_be_cut_to_their_length(options):
    net = make(**options).eval()
    frames, lengths = make_batch()
    expected = net(frames, lengths)
    order = torch.randperm(12)
    permuted = net(
        {n: x[order] for n, x in frames.items()}, {n: x[order] for n, x in lengths.items()}
    )
    torch.testing.assert_close(permuted, expected[order])
    for row in range(12):
        alone = {n: x[row : row + 1, : max(1, lengths[n][row])] for n, x in frames.items()}
        found = net(alone, {n: x[row : row + 1] for n, x in lengths.items()})
        torch.testing.assert_close(found, expected[row : row + 1])


def test_a_missing_modality_is_one_in_the_product_and_zero_in_the_concatenation():
    frames, lengths = make_batch()
    lengths["face"][4] = 0
    product, concat = make(fusion="product"), make()
    vector = product.embed(frames, lengths)[4, :5]
    states = concat.embed(frames, lengths)[4, :15].view(3, 5)
    assert not states[2].any() and states[:2].abs().min() > 0
    torch.testing.assert_close(vector, states[0] * states[1])


def test_a_batch_with_nothing_in_it_is_answered_and_can_be_learned_from():
    net = make(fusion="product", heads="modalities")
    frames, _ = make_batch()
    lengths = {name: torch.zeros(12, dtype=torch.int64) for name in DIMS}
    logits, unimodal = net(frames, lengths)
    vector = net.embed(frames, lengths)
    assert torch.equal(vector[:, :5], torch.ones(12, 5)) and not vector[:, 5:].any()
    assert unimodal.isnan().all()
    logits.sum().backward()


def test_embed_is_what_the_head_reads():
    net = make()
    frames, lengths = make_batch()
    vectors = net.embed(frames, lengths)
    assert vectors.shape == (12, net.n_units)
    torch.testing.assert_close(net.output(vectors), net(frames, lengths))


@pytest.mark.parametrize(("heads", "n_heads"), [("modalities", 3), ("mixtures", 7)])
def test_heads_give_a_second_output_that_is_nan_where_a_modality_is_missing(heads, n_heads):
    net = make(heads=heads)
    frames, lengths = make_batch()
    logits, others = net(frames, lengths)
    assert logits.shape == (12, 4) and others.shape == (12, n_heads, 4)
    missing = torch.stack([length == 0 for length in lengths.values()], dim=1)
    assert torch.equal(others[:, :3].isnan().all(dim=2), missing)


def test_gates_have_widths_and_dropouts_of_their_own():
    sizes = {"retain": 3, "update": 8}
    net = make(gate_size=sizes, dropout={"gates": {"retain": 0.0, "update": 0.5}})
    assert [gate[0].out_features for gate in net.gates] == [3, 8]
    factors = net._gate_factors(torch.zeros(50, 16), torch.zeros(1))
    assert set(factors[:, :8].unique().tolist()) == {1.0}
    assert set(factors[:, 8:].unique().tolist()) == {0.0, 2.0}
    assert net.eval()._gate_factors(torch.zeros(50, 16), torch.zeros(1)) is None


def test_dropout_is_drawn_from_the_generator_of_torch_in_training_only():
    frames, lengths = make_batch()
    net = make(dropout={"gates": 0.5})
    assert torch.equal(net.eval()(frames, lengths), make(dropout=0.0)(frames, lengths))
    net.train()
    outputs = []
    for seed in (0, 0, 1):
        torch.manual_seed(seed)
        outputs.append(net(frames, lengths))
    assert torch.equal(outputs[0], outputs[1])
    assert not torch.equal(outputs[0], outputs[2])
    rates = [net.attention[2].rate, net.gates[0][2].rate, net.gates[1][2].rate, net.output[2].rate]
    assert rates == [0.0, 0.5, 0.5, 0.0]


@pytest.mark.parametrize("options", [*VARIANTS[:2], *VARIANTS[3:5]])
def test_it_trains_under_autocast(options):
    net = make(torch.float32, heads="modalities", **options)
    frames, lengths = make_batch(torch.float32)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        logits, _ = net(frames, lengths)
    logits.float().sum().backward()
    exact, _ = net(frames, lengths)
    torch.testing.assert_close(logits.float(), exact, atol=0.1, rtol=0.1)
    assert all(torch.isfinite(p.grad).all() for p in net.parameters() if p.grad is not None)


def test_one_modality_is_enough():
    net = MFN({"audio": 3}, 2)
    logits = net({"audio": torch.ones(2, 4, 3)}, {"audio": torch.tensor([4, 1])})
    assert logits.shape == (2, 2)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"gate_input": "cell"}, "gate_input='cell' is unknown; choose one of .*memory"),
        ({"fusion": "sum"}, "fusion='sum' is unknown"),
        ({"fusion_norm": "batch"}, "fusion_norm='batch' is unknown"),
        ({"heads": "all"}, "heads='all' is unknown"),
        ({"dropout": {"gates": 1.0}}, r"rates in \[0, 1\); found \{'gates retain': 1.0"),
        ({"dropout": -0.1}, r"dropout must be rates in \[0, 1\); found \{'attention': -0.1"),
        ({"dropout": {"update": "much"}}, r"found \{'update': 'much'\}"),
        ({"hidden_size": 0}, "hidden_size must be whole numbers above zero; found .*'text': 0"),
        (
            {"hidden_size": {"text": 4, "audio": 2.5, "face": 0}},
            r"whole numbers above zero; found \{'audio': 2.5, 'face': 0\}",
        ),
        ({"dropout": {"gates": {"forget": 0.1}}}, r"gates names \['forget'\], which are none of"),
        ({"dropout": {"gates": {"update": 2}}}, r"found \{'gates update': 2\}"),
        ({"gate_size": {"retain": 4}}, r"one for each of \('retain', 'update'\)"),
        ({"gate_size": {"retain": 4, "update": 0}}, r"is no width of the gates"),
        ({"dropout": {"gate": 0.1}}, r"dropout names \['gate'\], which are none of the layers"),
        (
            {"hidden_size": {"text": 4, "voice": 4, "face": 5}},
            r"widths for \['face', 'text', 'voice'\], but the modalities are \['audio', 'face'",
        ),
        (
            {"fusion": "product", "hidden_size": {"text": 4, "audio": 4, "face": 5}},
            r"have widths \[4, 4, 5\]; give all LSTMs one width",
        ),
    ],
)
def test_bad_options_say_what_to_do(options, message):
    with pytest.raises(ValueError, match=message):
        MFN(DIMS, 2, **options)


@pytest.mark.parametrize("options", VARIANTS, ids=str)
def test_absent_frames_leave_the_states_of_their_modality_as_they_are(options):
    net = make(**options).eval()
    frames, lengths = make_batch()
    shorter = {**lengths, "audio": (lengths["audio"] - 1).clamp(min=0)}
    # A sample whose only frame of a modality is absent counts as having it, in the product.
    kept = (lengths["audio"] > 1) | (lengths["audio"] == 0)
    holed = frames["audio"].clone()
    last = (lengths["audio"] - 1).clamp(min=0)
    holed[torch.arange(len(last)), last] = torch.nan
    expected = net.embed(frames, shorter)[kept]
    found = net.embed({**frames, "audio": holed}, lengths)[kept]
    torch.testing.assert_close(found, expected)
    assert not torch.equal(found, net.embed(frames, lengths)[kept])
