"""Nothing in the repository depends on the machine it was written on."""

import os
import re
import subprocess
from pathlib import Path

import pytest
from source_tree import ROOT, repository_files

FORBIDDEN = {
    "host of a package registry": re.compile(
        r"pypi\.org|pythonhosted\.org|packages\.ros\.org|download\.pytorch\.org|anaconda\.org"
        r"|registry\.npmjs|docker\.io|ghcr\.io|quay\.io"
    ),
    "path of one machine": re.compile(r"(?<![\w.~$}])/(?:work|root|home|Users)/\w|/tmp/w\b"),
    "unfinished work": re.compile(r"\b(?:TODO|FIXME|XXX)\b"),
}


def text_files():
    for path in repository_files():
        if path == Path(__file__).resolve():
            continue
        try:
            yield path, path.read_text(encoding="utf-8")
        except UnicodeDecodeError:
            continue


@pytest.mark.parametrize("what", FORBIDDEN)
def test_no_file_holds(what):
    found = [
        f"{path.relative_to(ROOT)}:{number}: {line.strip()[:90]}"
        for path, text in text_files()
        for number, line in enumerate(text.splitlines(), 1)
        if FORBIDDEN[what].search(line)
    ]
    assert not found, f"{what}:\n" + "\n".join(found)


def test_every_make_target_is_explained():
    text = (ROOT / "Makefile").read_text(encoding="utf-8")
    targets = re.search(r"^\.PHONY: (.*)$", text, re.MULTILINE).group(1).split()
    explained = re.findall(r"^([a-z-]+):.*  ## \S", text, re.MULTILINE)
    assert sorted(targets) == sorted(explained)


def test_continuous_integration_runs_what_contributors_are_told():
    path = ROOT / ".ci" / "run"
    assert os.access(path, os.X_OK)
    subprocess.run(["bash", "-n", path], check=True)
    text = path.read_text(encoding="utf-8")
    assert "set -euo pipefail" in text, "or a failure in the middle would pass"
    targets = re.findall(r"^make ([a-z-]+)$", text, re.MULTILINE)
    told = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    (line,) = re.findall(r"^make (.*?) +# what \.ci/run runs$", told, re.MULTILINE)
    assert sorted(targets) == sorted(["setup", *line.split()])
    assert "make test " in (ROOT / "README.md").read_text(encoding="utf-8")
    rules = (ROOT / "Makefile").read_text(encoding="utf-8")
    assert all(re.search(rf"^{target}:", rules, re.MULTILINE) for target in targets)


def test_links_between_documents_lead_somewhere():
    dead = []
    for path, text in text_files():
        if path.suffix != ".md":
            continue
        for target in re.findall(r"\]\(([^)\s]+)\)", text):
            file = target.partition("#")[0]
            if "://" not in target and file and not (path.parent / file).exists():
                dead.append(f"{path.relative_to(ROOT)}: {target}")
    assert not dead, "\n".join(dead)
