"""Write `src/api/schema.ts`, the types of the API, from the OpenAPI document; `make web-types` runs it.

A test compares what the file says it was made from with the API as it is. Words do not count: they change no type.
"""

from __future__ import annotations

import hashlib
import json
import subprocess
import tempfile
from pathlib import Path
from typing import Any, Final

from timbre.http.app import create_app
from timbre.settings import Settings

FOLDER: Final = Path(__file__).parent
FILE: Final = FOLDER / "src" / "api" / "schema.ts"
_WORDS: Final = frozenset({"description", "example", "examples", "summary", "title"})
_OPTIONS: Final = ("--alphabetize", "--empty-objects-unknown", "--default-non-nullable=false")


def document() -> dict[str, Any]:
    """The OpenAPI document as a server serves it, without words; no database is asked."""
    whole = create_app(Settings(), "postgresql://").openapi()
    return {"openapi": whole["openapi"], "info": {"title": "", "version": ""}} | {
        part: _wordless(whole[part], named=True) for part in ("paths", "components")
    }


def heading(described: dict[str, Any]) -> str:
    """The first line of the file."""
    digest = hashlib.sha256(json.dumps(described, sort_keys=True).encode()).hexdigest()
    return f"// Made by `make web-types` from the OpenAPI document; sha-256 {digest}\n"


def _wordless(value: Any, *, named: bool = False) -> Any:
    """Leave words out; where keys are names, as in `properties`, one of them may be called so."""
    if isinstance(value, dict):
        return {
            key: _wordless(part, named=not named and key in {"properties", "schemas"})
            for key, part in value.items()
            if named or key not in _WORDS
        }
    return [_wordless(part) for part in value] if isinstance(value, list) else value


def main() -> None:
    """Write the file."""
    described = document()
    with tempfile.NamedTemporaryFile("w", suffix=".json", encoding="utf-8") as file:
        json.dump(described, file)
        file.flush()
        command = ["npx", "--no-install", "openapi-typescript", file.name, "--output", str(FILE), *_OPTIONS]
        subprocess.run(command, cwd=FOLDER, check=True, stdout=subprocess.DEVNULL)
    FILE.write_text(heading(described) + FILE.read_text("utf-8"), encoding="utf-8")


if __name__ == "__main__":
    main()
