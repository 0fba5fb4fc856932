"""Take each protection out of a copy of the project, and see whether its scenario's tests notice.

    python -m tests.mutants [--only F6] [--json]

Exit code 0 when every mutant was killed, 1 when one survived.
"""

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from enum import StrEnum
from pathlib import Path

import typer

from tests.mutants.catalogue import MUTANTS, Mutant

ROOT = Path(__file__).resolve().parents[2]
LEFT_OUT = shutil.ignore_patterns(".git", ".venv", "__pycache__", ".*_cache", "*.egg-info", "build")
LONGEST_S = 600.0


class Fate(StrEnum):
    """What became of a mutant. ``BROKEN``: its tests did not run, or fail without it as well."""

    KILLED = "killed"
    SURVIVED = "survived"
    BROKEN = "broken"


def main(arguments: Sequence[str] | None = None) -> int:
    """Run what the command line asks for."""
    parser = argparse.ArgumentParser(prog="python -m tests.mutants", description=__doc__)
    parser.add_argument("--only", action="append", metavar="F6", help="this scenario only; repeatable")
    parser.add_argument("--json", action="store_true", help="print for scripts")
    options = parser.parse_args(arguments)
    wanted = [mutant for mutant in MUTANTS if not options.only or mutant.scenario in options.only]
    with tempfile.TemporaryDirectory(prefix="holdfast-mutants-") as directory:
        copy = Path(directory) / "holdfast"
        shutil.copytree(ROOT, copy, ignore=LEFT_OUT)
        found = []
        for mutant in wanted:
            began_s = time.monotonic()
            fate = try_out(mutant, copy)
            took_s = round(time.monotonic() - began_s, 1)
            found.append({"scenario": mutant.scenario, "what": mutant.what, "fate": fate, "seconds": took_s})
            if not options.json:
                typer.echo(f"{mutant.scenario:4} {fate:9} {took_s:6.1f} s  {mutant.what}")
    killed = sum(each["fate"] is Fate.KILLED for each in found)
    if options.json:
        typer.echo(json.dumps({"mutants": len(found), "killed": killed, "each": found}))
    else:
        typer.echo(f"{killed} of {len(found)} killed")
    return 0 if killed == len(found) else 1


def try_out(mutant: Mutant, copy: Path) -> Fate:
    """Run the mutant's tests in ``copy`` with and without it; the copy is left as it was."""
    file = copy / mutant.file
    whole = file.read_text(encoding="utf-8")
    if whole.count(mutant.old) != 1:
        return Fate.BROKEN
    file.write_text(whole.replace(mutant.old, mutant.new), encoding="utf-8")
    try:
        failed = run_tests(mutant, copy)
    finally:
        file.write_text(whole, encoding="utf-8")
    if failed == 0:
        return Fate.SURVIVED
    # A test that fails anyway kills nothing; neither does one that cannot be run.
    return Fate.KILLED if failed == 1 and run_tests(mutant, copy) == 0 else Fate.BROKEN


def run_tests(mutant: Mutant, copy: Path) -> int:
    """The exit code of pytest: 0 all passed, 1 some failed, anything else: they did not run."""
    file, _, words = mutant.tests.partition("::")
    command = [
        sys.executable,
        "-m",
        "pytest",
        f"tests/{file}",
        "-x",
        "-q",
        "-n",
        "0",
        *(["-k", words] if words else []),
    ]
    places = {
        name: os.environ.get(name, str(ROOT.parent / "shared" / part))
        for name, part in (("HOLDFAST_DATA", "data"), ("HOLDFAST_FACTS", "venues"))
    }
    surroundings = {**os.environ, **places, "PYTHONDONTWRITEBYTECODE": "1"}
    try:
        done = subprocess.run(
            command, cwd=copy, env=surroundings, capture_output=True, timeout=LONGEST_S, check=False, text=True
        )
    except subprocess.TimeoutExpired:
        return 1
    return done.returncode


if __name__ == "__main__":
    sys.exit(main())
