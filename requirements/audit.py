"""Look for known vulnerabilities in what Timbre is installed with and its web app is made of: `make audit`.

`pip-audit` asks OSV about `run.lock`, `npm audit` its registry about `web/package-lock.json`. What is found fails,
unless `[tool.audit]` in `pyproject.toml` accepts it. Where nobody answers in time, that is said in a line and fails
nothing: whoever has no network can check the rest.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tomllib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Final

PROJECT: Final = Path(__file__).parent.parent
LOCK: Final = PROJECT / "requirements" / "run.lock"
WEB: Final = PROJECT / "web"
SECONDS: Final = 60  # for each of both
_ANSWER: Final = 5  # seconds that one request may take

Finding = tuple[str, str, frozenset[str]]  # package, what is known, all names of that


def python_findings(lock: Path, *, more: Sequence[str] = ()) -> list[Finding] | None:
    """What is known of the packages of a lock; None if nobody answered.

    Args:
        lock: The lock.
        more: Further options of `pip-audit`.
    """
    command = [sys.executable, "-m", "pip_audit", "--requirement", lock, "--require-hashes", "--disable-pip"]
    command += ["--vulnerability-service", "osv", "--timeout", str(_ANSWER), "--format", "json", *more]
    said = _said([*map(str, command), "--progress-spinner", "off"], PROJECT)
    if said is None or "dependencies" not in said:
        return None
    return list(_of_python(said))


def web_findings(folder: Path, *, more: Sequence[str] = ()) -> list[Finding] | None:
    """What is known of the packages of a `package-lock.json`; None if nobody answered.

    Args:
        folder: Where it lies.
        more: Further options of `npm audit`.
    """
    limits = [f"--fetch-timeout={_ANSWER * 1000}", "--fetch-retries=0"]
    said = _said(["npm", "audit", "--json", "--package-lock-only", *limits, *more], folder)
    if said is None or "vulnerabilities" not in said:
        return None
    return list(_of_web(said))


def accepted(project: dict[str, Any]) -> frozenset[str]:
    """The vulnerabilities that are known and do not matter here, as `pyproject.toml` lists them."""
    return frozenset(project["tool"]["audit"]["accepted"])


def main() -> int:
    """Look at both; return the exit code."""
    known = accepted(tomllib.loads((PROJECT / "pyproject.toml").read_text("utf-8")))
    failed = False
    for what, findings in (("requirements/run.lock", python_findings(LOCK)), ("web", web_findings(WEB))):
        if findings is None:
            print(f"{what}: nobody answered what is known of it; it was not audited.")  # noqa: T201
            continue
        bad = [finding for finding in findings if finding[2].isdisjoint(known)]
        for package, told, names in bad:
            print(f"{what}: {package}: {told} ({', '.join(sorted(names))})")  # noqa: T201
        print(f"{what}: {len(bad)} known vulnerabilities, {len(findings) - len(bad)} accepted.")  # noqa: T201
        failed = failed or bool(bad)
    return int(failed)


def _said(command: list[str], folder: Path) -> Any:
    """The JSON that a command prints, whatever its exit code; None if it prints none, or not in time."""
    try:
        ended = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=SECONDS, check=False)
        return json.loads(ended.stdout)
    except (OSError, subprocess.TimeoutExpired, ValueError):
        return None


def _of_python(said: dict[str, Any]) -> Iterator[Finding]:
    for package in said["dependencies"]:
        for each in package.get("vulns", ()):
            fixed = ", ".join(each["fix_versions"]) or "no version"
            yield (
                f"{package['name']} {package['version']}",
                f"fixed in {fixed}",
                frozenset([each["id"], *each["aliases"]]),
            )


def _of_web(said: dict[str, Any]) -> Iterator[Finding]:
    for name, package in said["vulnerabilities"].items():
        for each in package["via"]:
            if isinstance(each, dict):  # else it is the name of a package below, which has an entry of its own
                yield name, f"{each['severity']}: {each['title']}", frozenset({each["url"].rpartition("/")[2]})


if __name__ == "__main__":
    sys.exit(main())
