"""Settings from a file, checked as if they stood on the command line."""

import argparse
import tomllib
from pathlib import Path

import yaml

from mne_duin.cli._options import NONE

# What a saved analysis holds in addition to options.
NO_OPTIONS = ("command", "version")
# Parameters of the networks that `ablate` passes on and that have no option.
NETWORK = ("architecture", "vqvae", "mae", "classifier", "task_data")


def apply_config(parser, command, arguments):
    """Make the settings of ``--config`` the defaults of a command."""
    path = _find_config(arguments)
    if path is None:
        return
    settings = read_config(path)
    if settings.get("command", command) != command:
        raise ValueError(
            f"{path} has the settings of `mne-duin {settings['command']}`, not of "
            f"`mne-duin {command}`."
        )
    commands = next(
        action
        for action in parser._actions
        if isinstance(action, argparse._SubParsersAction)
    )
    own = commands.choices[command]
    further = {}
    actions = {name: action for action in own._actions for name in _names(action)}
    for key, value in settings.items():
        if key in NO_OPTIONS:
            continue
        action = actions.get(str(key).replace("-", "_"))
        if action is None and command == "ablate" and key in NETWORK:
            further[key] = value
        elif action is None:
            known = sorted({action.dest for action in actions.values()} - {"help"})
            raise ValueError(
                f"{path} has the setting {key!r}, which `mne-duin {command}` does not "
                f"know; it knows {', '.join(known)}."
            )
        else:
            own.set_defaults(**{action.dest: _parse(own, action, value)})
    own.set_defaults(further=further)


def _find_config(arguments):
    """Return the file that ``--config`` names."""
    finder = argparse.ArgumentParser(add_help=False, allow_abbrev=False)
    finder.add_argument("--config", type=Path)
    return finder.parse_known_args(arguments)[0].config


def read_config(path):
    """Read settings from TOML or YAML, by the ending of the file."""
    path = Path(path)
    try:
        text = path.read_text(encoding="utf-8")
        is_toml = path.suffix == ".toml"
        settings = tomllib.loads(text) if is_toml else yaml.safe_load(text)
    except (tomllib.TOMLDecodeError, yaml.YAMLError, UnicodeDecodeError) as error:
        reason = " ".join(str(error).split())
        raise ValueError(f"{path} is not valid ({reason:.200}).") from error
    if not isinstance(settings, dict):
        raise ValueError(f"{path} must hold settings by name, such as `tmin: -0.5`.")
    return settings


def _names(action):
    """Return the names by which a file can set an option."""
    spelled = [text.lstrip("-").replace("-", "_") for text in action.option_strings]
    return {action.dest, *spelled}


def _parse(parser, action, value):
    """Return a value as the option would parse it."""
    if value is None or isinstance(value, dict):
        return value
    if isinstance(value, bool):
        if action.nargs != 0:
            raise ValueError(f"The setting {action.dest!r} must not be {value}.")
        return value
    values = value if isinstance(value, list) else [value]
    many = action.nargs in ("+", "*")
    if len(values) != 1 and not many:
        raise ValueError(
            f"The setting {action.dest!r} must be one value; got {len(values)}."
        )
    words = [NONE if each is None else str(each) for each in values]
    try:
        found = [parser._get_value(action, word) for word in words]
        for each in found:
            parser._check_value(action, each)
    except argparse.ArgumentError as error:
        raise ValueError(f"The setting {action.dest!r}: {error.message}.") from error
    return found if many else found[0]
