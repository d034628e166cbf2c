"""`make audit`: what both tools find is told and fails, and silence is not taken for a clean bill."""

from __future__ import annotations

import json
import runpy
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from far_server import Far, FarRequest, far_server, free_address

PROJECT = Path(__file__).parents[2]
AUDIT = runpy.run_path(str(PROJECT / "requirements" / "audit.py"))
needs_npm = pytest.mark.skipif(shutil.which("npm") is None, reason="there is no npm here")


@pytest.fixture
def advisories() -> Iterator[Far]:
    """Somebody who knows something of one package, asked as OSV and as a registry of npm are."""

    def osv(request: FarRequest) -> None:
        asked = json.loads(request.body)
        known = {"id": "PYSEC-2026-1", "aliases": ["GHSA-aaaa-bbbb-cccc"], "affected": [], "details": "", "summary": ""}
        vulns = [known] if asked["package"]["name"] == "joserfc" else []
        request.answer(body=json.dumps({"vulns": vulns}).encode(), content_type="application/json")

    def npm(request: FarRequest) -> None:
        known = {
            "id": 7,
            "url": "https://advisories.example/GHSA-dddd-eeee-ffff",
            "title": "It breaks",
            "severity": "high",
        }
        found = {
            "preact": [{**known, "vulnerable_versions": "*", "cwe": [], "cvss": {"score": 7, "vectorString": None}}]
        }
        request.answer(body=json.dumps(found).encode(), content_type="application/json")

    with far_server() as far:
        far.routes["/query"] = osv
        far.routes["/-/npm/v1/security/advisories/bulk"] = npm
        yield far


@pytest.fixture
def lock(tmp_path: Path) -> Path:
    """A lock of two packages."""
    hashed = "    --hash=sha256:" + "0" * 64
    path = tmp_path / "small.lock"
    path.write_text(f"joserfc==1.8.0 \\\n{hashed}\nhttpx==0.28.1 \\\n{hashed}\n")
    return path


def test_a_python_package_that_is_known_to_be_vulnerable_is_found(advisories: Far, lock: Path, tmp_path: Path):
    options = ["--osv-url", f"{advisories.url}/query", "--cache-dir", str(tmp_path / "cache")]
    ((package, _, names),) = AUDIT["python_findings"](lock, more=options)
    assert (package, names) == ("joserfc 1.8.0", {"PYSEC-2026-1", "GHSA-aaaa-bbbb-cccc"})
    nobody = ["--osv-url", f"http://{free_address()}/query", "--cache-dir", str(tmp_path / "none")]
    assert AUDIT["python_findings"](lock, more=nobody) is None


@needs_npm
def test_a_package_of_the_web_app_that_is_known_to_be_vulnerable_is_found(advisories: Far, tmp_path: Path):
    cache = f"--cache={tmp_path}"
    ((package, told, names),) = AUDIT["web_findings"](AUDIT["WEB"], more=[f"--registry={advisories.url}", cache])
    assert (package, told, names) == ("preact", "high: It breaks", {"GHSA-dddd-eeee-ffff"})
    assert AUDIT["web_findings"](AUDIT["WEB"], more=[f"--registry=http://{free_address()}", cache]) is None


def test_what_is_accepted_is_listed():
    assert AUDIT["accepted"]({"tool": {"audit": {"accepted": ["GHSA-dddd-eeee-ffff"]}}}) == {"GHSA-dddd-eeee-ffff"}
