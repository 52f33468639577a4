"""Time, efficiency and memory of the training steps, of whole passes and of inference.

Sizes are the published ones, with 10 channels. The published steps, written plainly
(``published_steps.py``), are timed in the same run. Efficiency is the number of
operations of the *published* step over the time and the rate at which the same machine
multiplied matrices of float32 in the same run; so it says what a step costs, whichever
operations a faster step leaves out. Results go to doc/benchmarks/steps.json and .tsv.
"""

import json
import os
import platform
import subprocess
import sys
import time
from pathlib import Path
from statistics import median

import pandas as pd
import pytest
import steps
import torch

from mne_duin.training import choose_precision, train

TABLES = Path(__file__).parents[2] / "doc" / "benchmarks"
STAGES = ("vqvae", "mae", "cls")
PRECISIONS = {"float32": torch.float32, "bfloat16": torch.bfloat16}
ROUNDS, PASS_STEPS = 4, 3
CAPABILITIES = torch.cpu.get_capabilities()
INSTRUCTIONS = [k for k in ("amx_bf16", "avx512_bf16") if CAPABILITIES.get(k)]
IS_FAST = choose_precision("auto", torch.device("cpu")) is torch.bfloat16
MAX_PASS, MAX_MEMORY = 1.10, 1.5e9

# A new process inherits the peak of the one that started it, so the peak is reset.
MEMORY = """
import re, sys
sys.path.insert(0, sys.argv[1])
import steps

def peak():
    with open("/proc/self/status") as file:
        return int(re.search(r"VmHWM:\\s+(\\d+) kB", file.read())[1]) * 1024

with open("/proc/self/clear_refs", "w") as file:
    file.write("5")
before = peak()
step = getattr(steps, sys.argv[3])(sys.argv[2])
for _ in range(3):
    step()
print(peak() - before)
"""


def processor():
    """Name the processor as the system does."""
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.split(":")[1].strip()
    return platform.processor()


@pytest.fixture(scope="module")
def report():
    """Collect what was measured and write it when all is done.

    What an earlier run measured and this one does not stays; times are compared with
    the published ones, and with the matrix rate, of the same minute.
    """
    # Processors without fast bfloat16 have tables of their own.
    suffix = "" if IS_FAST else f"_{torch.backends.cpu.get_cpu_capability()}"
    path = TABLES / f"steps{suffix.lower()}.json"
    report = json.loads(path.read_text()) if path.exists() else {}
    threads = torch.get_num_threads()
    # The other tests share two cores by one thread each; here every core counts.
    torch.set_num_threads(os.cpu_count())
    report |= {
        "processor": processor(),
        "threads": torch.get_num_threads(),
        "torch": torch.__version__,
        "bfloat16 instructions": INSTRUCTIONS,
    }
    yield report
    torch.set_num_threads(threads)
    path.write_text(json.dumps(report, indent=1) + "\n")
    for name in ("steps", "inference", "compiled"):
        rows = [row for part in report.get(name, {}).values() for row in part]
        if not rows:
            continue
        table = TABLES / f"{name}{suffix.lower()}.tsv"
        pd.DataFrame(rows).to_csv(table, sep="\t", index=False)
        sys.stderr.write(f"\n{pd.DataFrame(rows).to_string(index=False)}\n")


def take_turns(functions, benchmark, rounds=ROUNDS):
    """Time functions in turns, so that a busy machine slows all of them alike."""
    times = {name: [] for name in functions}

    def one_round():
        for name, function in functions.items():
            start = time.perf_counter()
            own = function()
            taken = time.perf_counter() - start
            times[name].append(own if isinstance(own, float) else taken)

    benchmark.pedantic(one_round, rounds=rounds, warmup_rounds=1)
    return {name: median(taken[1:]) for name, taken in times.items()}


def matrix_products():
    """Return one function per precision, and their number of operations."""
    made = {name: steps.matrix_product(dtype) for name, dtype in PRECISIONS.items()}
    functions = {f"matrix {name}": function for name, (function, _) in made.items()}
    return functions, made["float32"][1]


def whole_pass(stage):
    """Return a function that gives the time of a pass, from the history of two.

    The first also builds the optimizer's state, once in a training.
    """
    made = steps.build(stage, n_batches=PASS_STEPS)

    def one_pass():
        history, _ = train(
            made.module,
            made.step,
            made.data,
            max_iter=2,
            batch_size=made.batch_size,
            lr=1e-4,
            begin_pass=getattr(made.step, "begin_pass", None),
            end_pass=getattr(made.step, "end_pass", None),
            verbose=False,
        )
        return float(history["seconds"][1])

    return one_pass


@pytest.mark.parametrize("stage", STAGES)
def test_steps(stage, report, benchmark):
    products, n_operations = matrix_products()
    functions = {
        "published": steps.published_step(stage),
        "float32": steps.our_step(stage),
    }
    if INSTRUCTIONS:
        functions["bfloat16"] = steps.our_step(stage, torch.bfloat16)
    else:
        # Without instructions for it, bfloat16 takes minutes and nobody uses it.
        products.pop("matrix bfloat16")
    seconds = take_turns(products | functions, benchmark)
    flop = steps.published_flop(stage)
    rate = n_operations / seconds["matrix float32"]
    report.setdefault("steps", {})[stage] = [
        {
            "stage": stage,
            "step": name,
            "GFLOP of the published step": round(flop / 1e9, 1),
            "seconds": round(seconds[name], 3),
            "matrix rate, float32 (GFLOP/s)": round(rate / 1e9),
            "efficiency (%)": round(100 * flop / seconds[name] / rate),
            "times as fast as published": round(
                seconds["published"] / seconds[name], 2
            ),
        }
        for name in functions
    ]
    report.setdefault("matrix rates", {})[stage] = {
        name: n_operations / seconds[f"matrix {name}"]
        for name in PRECISIONS
        if f"matrix {name}" in seconds
    }
    benchmark.extra_info.update(seconds, flop=flop, rate=rate)


@pytest.mark.parametrize("stage", STAGES)
def test_compiled_steps(stage, report, benchmark):
    """Time compiled steps in turns with plain ones, and what compiling takes."""
    functions, first = {}, {}
    for name, dtype in {"float32": None, "bfloat16": torch.bfloat16}.items():
        torch._dynamo.reset()
        functions[name] = steps.our_step(stage, dtype)
        functions[f"{name} compiled"] = steps.our_step(stage, dtype, compile=True)
        start = time.perf_counter()
        functions[f"{name} compiled"]()
        first[name] = time.perf_counter() - start
    seconds = take_turns(functions, benchmark)
    report.setdefault("compiled", {})[stage] = [
        {
            "stage": stage,
            "precision": name,
            "seconds": round(seconds[name], 3),
            "compiled": round(seconds[f"{name} compiled"], 3),
            "times as fast": round(seconds[name] / seconds[f"{name} compiled"], 2),
            "seconds of the first step": round(first[name]),
        }
        for name in first
    ]


@pytest.mark.parametrize("stage", STAGES)
def test_a_pass_costs_its_steps(stage, report, benchmark):
    functions = {"step": steps.our_step(stage), "pass": whole_pass(stage)}
    seconds = take_turns(functions, benchmark, rounds=3)
    ratio = seconds["pass"] / (PASS_STEPS * seconds["step"])
    report.setdefault("pass over its steps", {})[stage] = round(ratio, 3)
    assert ratio <= MAX_PASS


def test_inference(report, benchmark):
    products, n_operations = matrix_products()
    functions = {
        "published": steps.published_inference(),
        "float32": steps.our_inference(),
        "bfloat16": steps.our_inference(torch.bfloat16),
    }
    seconds = take_turns(products | functions, benchmark, rounds=8 * ROUNDS)
    rate = n_operations / seconds["matrix float32"]
    n_trials = steps.N_BATCHES * steps.SIZES["cls"][0]
    report["inference"] = {
        "cls": [
            {
                "inference": name,
                "trials per second": round(n_trials / seconds[name]),
                "matrix rate, float32 (GFLOP/s)": round(rate / 1e9),
                # The goals are stated for this rate.
                "at 365 GFLOP/s": round(n_trials / seconds[name] * 365e9 / rate),
            }
            for name in functions
        ]
    }
    benchmark.extra_info.update(seconds, rate=rate)


@pytest.mark.parametrize("kind", ["published_step", "our_step"])
@pytest.mark.parametrize("stage", STAGES)
def test_memory(stage, kind, report):
    here = str(Path(__file__).parent)
    command = [sys.executable, "-c", MEMORY, here, stage, kind]
    out = subprocess.run(command, capture_output=True, text=True, check=True)
    above = int(out.stdout.splitlines()[-1])
    report.setdefault("memory", {})[f"{stage} {kind}"] = above
    assert kind == "published_step" or stage != "vqvae" or above < MAX_MEMORY


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
@pytest.mark.parametrize("compile", [False, True])
@pytest.mark.parametrize("dtype", [None, torch.bfloat16])
@pytest.mark.parametrize("stage", STAGES)
def test_step_on_a_gpu(stage, dtype, compile, report, benchmark):
    torch._dynamo.reset()
    step = steps.our_step(stage, dtype, device="cuda", compile=compile)

    def finished():
        step()
        torch.cuda.synchronize()

    benchmark.pedantic(finished, rounds=5 * ROUNDS, warmup_rounds=5)
    device = torch.cuda.get_device_name()
    name = f"{stage} {'bfloat16' if dtype else 'float32'}{' compiled' * compile}"
    report.setdefault(device, {})[name] = median(benchmark.stats.stats.data)
