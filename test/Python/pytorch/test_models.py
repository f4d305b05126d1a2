# Part of the moe project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""moe.transformers: whole models, packed experts, compiled blocks, and what falls back."""

import copy
import io
import warnings

import pytest
import torch
import transformers_families as families
from moe.transformers import _experts, compile_block, compile_blocks, experts_of, pack, unpack
from transformers.integrations.moe import ALL_EXPERTS_FUNCTIONS

import moe.transformers

MODELS = ["mixtral", "qwen3_moe", "olmoe", "gpt_oss", "deepseek_v3", "granitemoe"]


def build(family, dtype=torch.float32, **overrides):
    return families.build(family, families.classes(family)[0], dtype, **overrides)


def tokens(rows=2, length=9):
    return torch.randint(3, 90, (rows, length), generator=torch.Generator().manual_seed(3))


def close(got, want, most=1e-3):
    largest, _ = families.difference(got, want)
    assert largest <= most, largest


@pytest.fixture(autouse=True)
def _quiet():
    """Inference, and an error where something falls back unexpectedly."""
    _experts._warned.clear()
    with torch.no_grad(), warnings.catch_warnings():
        warnings.filterwarnings("error", message="moe.transformers")
        yield


def generate(model):
    return model.generate(tokens(1, 5), max_new_tokens=8, min_new_tokens=8, do_sample=False)


@pytest.mark.parametrize("family", MODELS)
def test_models_give_the_same_tokens(family):
    model = build(family)
    model.set_experts_implementation("eager")
    logits, greedy = families.run(model, tokens()), generate(model)
    model.set_experts_implementation("moe")
    close(families.run(model, tokens()), logits)
    assert torch.equal(generate(model), greedy)
    assert pack(model) == sum(1 for _ in experts_of(model))
    close(families.run(model, tokens()), logits)
    unpack(model)
    for packed in (False, True):
        compiled = copy.deepcopy(model)
        assert compile_blocks(compiled, pack=packed) == sum(1 for _ in experts_of(model))
        close(families.run(compiled, tokens()), logits)
        assert torch.equal(generate(compiled), greedy)


@pytest.mark.parametrize("family", MODELS)
def test_blocks_in_bf16(family):
    model = build(family, torch.bfloat16)
    block = next(m for m in model.modules() if moe.transformers._blocks._router_of(m) is not None)
    model.set_experts_implementation("eager")
    x = torch.randn(2, 7, 64, generator=torch.Generator().manual_seed(0)).bfloat16()
    first = lambda y: y[0] if isinstance(y, tuple) else y
    want = first(block(x))
    for packed in (False, True):
        got = first(compile_block(block, pack=packed)(x))
        assert got.dtype == want.dtype and got.shape == want.shape
        # A router flip moves a whole row.
        error = (got.float() - want.float()).abs().amax(-1) / want.float().square().mean(-1).sqrt()
        assert (error > 0.1).sum() <= 1, error


@pytest.mark.parametrize("family", ["nemotron_h", "muse_spark", "inkling2", "beam", "openai_privacy_filter", "gemma4"])
def test_families_packed(family):
    model = build(family)
    model.set_experts_implementation("eager")
    want = families.run(model, tokens())
    assert pack(model) > 0
    model.set_experts_implementation("moe")
    close(families.run(model, tokens()), want)


def experts(family="mixtral", dtype=torch.float32):
    """One module, and arguments for it."""
    model = build(family, dtype)
    model.set_experts_implementation("moe")
    module = next(m for _, m in experts_of(model))
    generator = torch.Generator().manual_seed(5)
    x = torch.randn(6, 64, generator=generator).to(dtype)
    return module, (x, torch.randint(0, 8, (6, 2), generator=generator), torch.rand(6, 2, generator=generator))


def eager(module, arguments):
    return type(module).forward.__wrapped__(module, *arguments)


def test_a_gate_that_is_not_known_is_called():
    module, arguments = experts()
    module._apply_gate = lambda p: torch.sin(p[:, : p.shape[1] // 2]) + p[:, p.shape[1] // 2 :].cos()
    want = sum_of(module, arguments)
    close(module(*arguments), want, 1e-4)
    del module._apply_gate
    module.act_fn = torch.nn.PReLU(init=0.2)
    close(module(*arguments), eager(module, arguments), 1e-4)


def sum_of(module, arguments):
    """grouped_mm, which calls the instance's gate."""
    return ALL_EXPERTS_FUNCTIONS["grouped_mm"](module, *arguments)


def test_biases_with_an_activation_that_is_not_known():
    module, arguments = experts("gpt_oss")
    module._apply_gate = lambda p: torch.sin(p[:, ::2]) * p[:, 1::2]
    close(module(*arguments), sum_of(module, arguments), 1e-4)


def test_constants_are_read_at_each_call():
    module, arguments = experts("deepseek_v4")
    before = module(*arguments)
    module.limit = 0.05
    after = module(*arguments)
    close(after, eager(module, arguments), 1e-4)
    assert not torch.allclose(before, after)


def test_nothing_is_stale():
    module, arguments = experts()
    module(*arguments)
    module.down_proj.data.mul_(3)
    close(module(*arguments), eager(module, arguments), 1e-4)
    module.gate_up_proj = torch.nn.Parameter(module.gate_up_proj.detach().roll(1, 0))
    close(module(*arguments), eager(module, arguments), 1e-4)
    module.to(torch.bfloat16)
    x, indices, weights = arguments
    close(module(x.bfloat16(), indices, weights), eager(module, (x.bfloat16(), indices, weights)), 0.1)


def test_sentinels():
    module, (x, indices, weights) = experts("gpt_oss")
    close(module(x, indices.fill_(8), weights), torch.zeros_like(x))


def fallback(match):
    return pytest.warns(UserWarning, match=match)


def test_gradients_fall_back_and_are_right():
    module, (x, indices, weights) = experts()
    warnings.resetwarnings()
    with torch.enable_grad(), fallback("gradients are wanted"):
        y = module(x.requires_grad_(), indices, weights)
        y.sum().backward()
    assert x.grad is not None and module.down_proj.grad is not None


def test_f64_falls_back_with_one_warning():
    module, (x, indices, weights) = experts()
    module.double()
    warnings.resetwarnings()
    with fallback("no kernels for torch.float64"):
        y = module(x.double(), indices, weights)
    assert torch.equal(y, eager(module, (x.double(), indices, weights)))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        module(x.double(), indices, weights)


def test_autocast():
    module, arguments = experts()
    want = module(*arguments)
    with torch.autocast("cpu", torch.bfloat16):
        assert torch.equal(module(*arguments), want)


def test_freed_weights():
    model = build("mixtral")
    model.set_experts_implementation("moe")
    want = families.run(model, tokens())
    pack(model, free=True)
    assert all(m.down_proj.numel() == 0 for _, m in experts_of(model))
    close(families.run(model, tokens()), want)
    with pytest.raises(ValueError, match="the weights were freed"):
        unpack(model)
    with torch.enable_grad(), pytest.raises(RuntimeError, match="were freed, and gradients are wanted"):
        families.run(model, tokens())


def test_packed_after_a_change_of_dtype():
    module, (x, indices, weights) = experts()
    pack(module)
    module.to(torch.bfloat16)
    warnings.resetwarnings()
    with fallback("the experts were packed for torch.float32"):
        module(x.bfloat16(), indices, weights)


def test_copies_and_files():
    model = build("mixtral")
    model.set_experts_implementation("moe")
    want = families.run(model, tokens())
    keys = set(model.state_dict())
    pack(model)
    assert set(model.state_dict()) == keys
    file = io.BytesIO()
    torch.save(model, file)
    file.seek(0)
    for other in (copy.deepcopy(model), torch.load(file, weights_only=False)):
        close(families.run(other, tokens()), want)


def test_compile():
    model = build("qwen3_moe")
    model.set_experts_implementation("moe")
    want = families.run(model, tokens())
    module, arguments = experts("qwen3_moe")
    compiled = torch.compile(module, fullgraph=True, backend="aot_eager")
    close(compiled(*arguments), module(*arguments), 1e-5)
    torch._dynamo.reset()
    whole = torch.compile(model, backend="aot_eager")
    close(families.run(whole, tokens()), want)


def test_blocks_refuse_what_they_do_not_know():
    with pytest.raises(ValueError, match="expected one of MixtralSparseMoeBlock"):
        compile_block(torch.nn.Linear(2, 2))


def test_a_watched_router_runs_as_it_is():
    model = build("mixtral")
    model.set_experts_implementation("moe")
    compile_blocks(model)
    block = next(m for m in model.modules() if isinstance(m, moe.transformers.CompiledBlock))
    seen = []
    block.block.gate.register_forward_hook(lambda *_: seen.append(1))
    warnings.resetwarnings()
    with fallback("its router is watched"):
        block(torch.randn(1, 3, 64))
    assert seen
