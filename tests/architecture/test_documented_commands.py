"""docs/commands.md: every command, with every option that it has and none that it does not have."""

import argparse
import re
from collections.abc import Iterator

import pytest
from django.core.management import get_commands, load_command_class
from django.core.management.base import BaseCommand

from tests.architecture.test_house_rules import BASE_DIR, modules

DOCUMENT = (BASE_DIR / "docs" / "commands.md").read_text()
SECTIONS = dict(re.findall(r"^## `manage\.py (\w+)`\n(.*?)(?=^## |\Z)", DOCUMENT, re.MULTILINE | re.DOTALL))
TAKEN_OVER = {"prove_event": {"--version"}}
"""Options of Django's own commands that a command gives a meaning of its own."""


def test_every_management_command_is_documented_and_no_other():
    commands = {path.stem for path in modules() if path.parent.name == "commands" and path.stem != "__init__"}
    assert set(SECTIONS) == commands


@pytest.mark.parametrize("name", sorted(SECTIONS))
def test_the_options_of_a_command_are_those_that_are_documented(name):
    parser = load_command_class(get_commands()[name], name).create_parser("manage.py", name)
    own = options(parser) - options(BaseCommand().create_parser("manage.py", name))
    documented = set(re.findall(r"--[a-z][a-z-]*", SECTIONS[name])) - TAKEN_OVER.get(name, set())
    assert documented == own, "docs/commands.md names every option of a command, and none that there is not"


def options(parser: argparse.ArgumentParser) -> set[str]:
    return {option for found in with_subparsers(parser) for option in found._option_string_actions if option[1] == "-"}


def with_subparsers(parser: argparse.ArgumentParser) -> Iterator[argparse.ArgumentParser]:
    yield parser
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            for found in action.choices.values():
                yield from with_subparsers(found)
