"""The command line: quick help, settings from files, sentences for mistakes."""

import functools
import inspect
import json
import os
import re
import shutil
import subprocess
import sys
import warnings
from types import SimpleNamespace

import pytest
import yaml

import mne_duin
from mne_duin.cli import main
from mne_duin.cli.main import (
    COMMANDS,
    THREADS,
    WAITING,
    _limit_threads,
    _make_parser,
)
from mne_duin.workflows._derivative import write_config
from mne_duin.workflows._outputs import settings_of

HEAVY = ("torch", "mne", "matplotlib", "pandas", "sklearn", "scipy", "numpy")


@pytest.fixture
def calls(monkeypatch):
    """Record what the workflows are called with, instead of running them."""
    made = []
    for name in ("decode_words", "decode_group", "compare_words", "predict_words"):
        real = getattr(mne_duin, name)

        @functools.wraps(real)
        def fake(*args, _name=name, **kwargs):
            made.append((_name, args, kwargs))
            raise OSError("nothing is run here")

        monkeypatch.setattr(mne_duin, name, fake)
    return made


def called(calls, *arguments):
    """Return the keywords that the workflow got."""
    assert main([str(word) for word in arguments]) == 2
    ((_, _, keywords),) = calls
    calls.clear()
    return keywords


@pytest.mark.parametrize("arguments", [["--help"], ["--version"], ["decode", "--help"]])
def test_help_imports_nothing_heavy(arguments):
    code = (
        "import sys\nfrom mne_duin.cli import main\n"
        f"try: main({arguments!r})\nexcept SystemExit: pass\n"
        f"print([name for name in {HEAVY!r} if name in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert done.stdout.splitlines()[-1] == "[]"


def test_help_names_every_command(capsys):
    with pytest.raises(SystemExit, match="0"):
        main(["--help"])
    text = capsys.readouterr().out
    for name in COMMANDS:
        assert name in text


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_has_the_help_it_promises(name, capsys):
    parser = _make_parser([name])
    with pytest.raises(SystemExit, match="0"):
        parser.parse_args([name, "--help"])
    assert f"mne-duin {name}" in capsys.readouterr().out


@pytest.mark.parametrize("function", ["decode_words", "compare_words", "pretrain"])
def test_every_parameter_of_a_workflow_is_an_option(function):
    command = {"decode_words": "decode", "compare_words": "compare"}.get(
        function, function
    )
    options = vars(_make_parser([command]).parse_args([command, "bids"]))
    parameters = set(inspect.signature(getattr(mne_duin, function)).parameters)
    assert parameters - {"verbose"} <= set(options)
    defaults = inspect.signature(getattr(mne_duin, function)).parameters
    for name in ("tmin", "tmax", "l_freq", "h_freq", "sfreq", "cv", "preset"):
        if name in defaults:
            assert options[name] == defaults[name].default


@pytest.mark.parametrize(
    ("option", "value"),
    [
        ("--tmin", "inf"),
        ("--tmax", "nan"),
        ("--tmax", "1e300"),
        ("--l-freq", "-1"),
        ("--h-freq", "inf"),
        ("--sfreq", "1e12"),
        ("--notch", "-50"),
        ("--max-distance", "-3"),
        ("--seed", "-1"),
        ("--seed", "1.5"),
        ("--threads", "0"),
        ("--n-jobs", "-7"),
        ("--cv", "1"),
        ("--cv", "-5"),
        ("--preset", "slow"),
    ],
)
def test_an_option_out_of_limits_is_a_sentence(option, value, calls, capsys):
    with pytest.raises(SystemExit, match="2"):
        main(["decode", "bids", "--subject", "01", f"{option}={value}"])
    error = capsys.readouterr().err.splitlines()
    assert option in error[-1]
    assert value in error[-1]
    assert len(error) <= 2
    assert not calls


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["decode", "--subject", "01"], "Name the BIDS folder"),
        (["decode", "bids"], "Name the subject"),
        (["predict", "--subject", "01"], "Name the decoding"),
        (["ablate", "bids", "--subject", "01"], "Name what is varied"),
    ],
)
def test_what_is_missing_is_named(arguments, message, calls, capsys):
    assert main(arguments) == 2
    assert message in capsys.readouterr().err


def test_options_become_keywords(calls, tmp_path):
    found = called(
        calls, "decode", tmp_path, "--subject", "01", "--session", "1", "--acquisition",
        "clinical", "--labels", "my_atlas", "--fs-subject", "fs01", "--subjects-dir",
        "fs", "--where", "trial_type == 'WORD'", "--l-freq", "1", "--h-freq", "none",
        "--notch", "50", "100", "--sfreq", "500", "--cv", "5", "--regions", "all",
        "--reference", "none", "--words", "ba", "ga", "--no-models", "--overwrite",
        "--desc", "mine", "--max-distance", "10", "--pretrained", "x", "--quiet",
    )  # fmt: skip
    assert found["session"] == ["1"]
    assert found["acquisition"] == ["clinical"]
    assert found["label_source"] == "my_atlas"
    assert found["fs_subject"] == "fs01"
    assert found["where"] == "trial_type == 'WORD'"
    assert (found["l_freq"], found["h_freq"], found["sfreq"]) == (1, None, 500)
    assert found["notch"] == [50, 100]
    assert found["cv"] == 5
    assert found["regions"] is None
    assert found["reference"] is None
    assert found["event_id"] == ["ba", "ga"]
    assert found["models"] is False
    assert found["overwrite"] is True
    assert found["desc"] == "mine"
    assert found["verbose"] is False
    assert found["out"] == tmp_path / "derivatives" / "mne_duin"


def test_the_folder_may_come_last(calls, tmp_path):
    assert main(["decode", "--quiet", "--subject", "01", str(tmp_path)]) == 2
    assert calls[0][1] == (tmp_path, "01")


def test_several_subjects_are_a_group(calls):
    assert main(["decode", "bids", "--subject", "01", "02", "--n-jobs", "2"]) == 2
    name, arguments, keywords = calls[0]
    assert name == "decode_group"
    assert arguments[1] == ["01", "02"]
    assert keywords["n_jobs"] == 2


SETTINGS = {
    "root": "bids",
    "subject": "01",
    "tmin": -0.2,
    "regions": ["insula"],
    "cv": 5,
    "h_freq": None,
    "words": ["ba", "ga"],
    "models": False,
    "l-freq": 2,
}
TOML = """
root = "bids"
subject = "01"
tmin = -0.2
regions = ["insula"]
cv = 5
h_freq = "none"
words = ["ba", "ga"]
models = false
l-freq = 2
"""


@pytest.mark.parametrize("kind", ["yaml", "toml"])
def test_settings_come_from_a_file_and_the_command_line_wins(calls, tmp_path, kind):
    path = tmp_path / f"settings.{kind}"
    path.write_text(yaml.safe_dump(SETTINGS) if kind == "yaml" else TOML)
    found = called(calls, "decode", "--config", path, "--tmin", "-0.1")
    assert found["tmin"] == -0.1
    assert found["regions"] == ["insula"]
    assert found["cv"] == 5
    assert found["h_freq"] is None
    assert found["l_freq"] == 2
    assert found["event_id"] == ["ba", "ga"]
    assert found["models"] is False


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        (
            {"tmim": 1},
            "has the setting 'tmim', which .* does not know; it knows acquisition",
        ),
        ({"tmin": "early"}, "setting 'tmin': must be a number from -600 to 600"),
        ({"tmin": [1, 2]}, "'tmin' must be one value; got 2"),
        ({"preset": "slow"}, "setting 'preset': .*slow"),
        ({"command": "pretrain"}, "settings of `mne-duin pretrain`, not of"),
        ({"tmin": True}, "'tmin' must not be True"),
        (["a"], "must hold settings by name"),
    ],
)
def test_a_wrong_setting_is_a_sentence(settings, message, tmp_path, capsys):
    path = tmp_path / "settings.yaml"
    path.write_text(yaml.safe_dump(settings))
    assert main(["decode", "--config", str(path)]) == 2
    assert re.search(message, capsys.readouterr().err)


@pytest.mark.parametrize("name", ["a.toml", "a.yaml", "missing.yaml"])
def test_a_file_that_is_no_settings_is_a_sentence(name, tmp_path, capsys):
    path = tmp_path / name
    if "missing" not in name:
        path.write_text("a: [b = ")
    assert main(["decode", "--config", str(path)]) == 2
    assert name in capsys.readouterr().err


@pytest.mark.parametrize("shell", ["bash", "zsh", "tcsh"])
def test_a_shell_completes_commands_and_options(shell, capsys):
    pytest.importorskip("shtab")
    assert main(["completion", shell]) == 0
    script = capsys.readouterr().out
    for word in ("decode", "pretrained", "mask-ratio"):
        assert word in script


def test_threads_are_limited_for_libraries_to_come_and_for_torch(monkeypatch):
    for name in THREADS:
        monkeypatch.setenv(name, "7")
    seen = []
    torch = SimpleNamespace(set_num_threads=seen.append)
    monkeypatch.setitem(sys.modules, "torch", torch)
    _limit_threads(None)
    assert os.environ["OMP_NUM_THREADS"] == "7"
    _limit_threads(3)
    assert {os.environ[name] for name in THREADS} == {"3"}
    assert seen == [3]


@pytest.mark.parametrize("given", [{}, *({name: "7"} for name in WAITING)])
def test_threads_wait_as_the_user_says_or_fall_asleep_soon(given, monkeypatch):
    monkeypatch.setattr(os, "environ", dict(given))
    _limit_threads(None)
    assert os.environ == (given if "OMP_WAIT_POLICY" in given else WAITING | given)


def test_a_converted_file_is_not_written_over_another(tmp_path, capsys):
    target = tmp_path / "model.pth"
    target.write_text("mine")
    assert main(["convert", "source", str(target)]) == 2
    assert "--overwrite" in capsys.readouterr().err
    assert target.read_text() == "mine"


@pytest.mark.filterwarnings("always")
def test_every_warning_is_printed_once(capsys, monkeypatch):
    @functools.wraps(mne_duin.decode_words)
    def warn_twice(*_, **__):
        for _ in range(2):
            warnings.warn("look here", RuntimeWarning, stacklevel=1)
        raise OSError("that is all")

    monkeypatch.setattr(mne_duin, "decode_words", warn_twice)
    assert main(["decode", "bids", "--subject", "01"]) == 2
    assert capsys.readouterr().err.count("look here") == 1


def test_saved_settings_are_options_again(tmp_path, calls):
    parameters = inspect.signature(inspect.unwrap(mne_duin.decode_words)).parameters
    given = {p.name: p.default for p in parameters.values()}
    given |= {"root": "bids", "subject": "sub-01", "tmin": -0.3, "notch": None}
    settings = settings_of("decode", given) | {"desc": "mine"}
    path = write_config(tmp_path / "config.yaml", settings)
    json.dumps(settings)
    found = called(calls, "decode", "--config", path)
    for name, value in settings.items():
        if name in found:
            expected = list(value) if isinstance(value, tuple) else value
            assert found[name] == expected, name


def test_check_prints_a_table_and_says_by_its_status_what_it_found(tmp_path, capsys):
    root = mne_duin.sample_data_path()
    out = tmp_path / "checks.tsv"
    assert main(["check", str(root), "--subject", "02", "--out", str(out)]) == 0
    assert "0 error(s), 0 warning(s)" in capsys.readouterr().out
    assert out.read_text(encoding="utf-8").startswith("subject\trecording\tcheck")
    assert main(["check", "--list"]) == 0
    assert "same_samples" in capsys.readouterr().out
    assert main(["check"]) == 2
    assert "Name the BIDS folder" in capsys.readouterr().err
    copy = tmp_path / "bids"
    shutil.copytree(root / "sub-02", copy / "sub-02")
    for path in copy.rglob("*_events.tsv"):
        path.write_text("onset\tduration\nsoon\t1\n", encoding="utf-8")
    assert main(["check", str(copy), "--no-samples"]) == 1
    assert re.search("error +events.tsv .*line 2", capsys.readouterr().out)
